// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

/// @notice What every test of a book needs: five peers, orders, fills, and the coordinator's calls.
abstract contract BookTest is MarketTest {
    address internal constant SELLER_2 = address(0xB3);
    address internal constant BUYER_2 = address(0xB4);
    address internal constant GRID = address(0xB5);
    uint64 internal constant P = 100; // gwei per kWh

    uint256 internal windowId;
    IEnergyMarket.Fill[] internal fills;

    function setUp() public virtual override {
        super.setUp();
        makePeer(SELLER_2, "house-3");
        makePeer(BUYER_2, "house-4");
        makePeer(GRID, "grid");
        windowId = open(bookTerms());
    }

    function bookTerms() internal pure virtual returns (IEnergyMarket.WindowTerms memory terms) {
        terms = windowTerms();
        terms.mechanism = IEnergyMarket.Mechanism.Uniform;
        terms.isStrict = true;
    }

    function open(IEnergyMarket.WindowTerms memory terms) internal returns (uint256) {
        vm.prank(COORDINATOR);
        return market.openWindow(terms);
    }

    function openBy(IEnergyMarket.Mechanism mechanism) internal {
        IEnergyMarket.WindowTerms memory terms = bookTerms();
        (terms.mechanism, terms.maxFee, terms.feeAccount) = (mechanism, 3 * P, GRID);
        if (mechanism == IEnergyMarket.Mechanism.McAfee) terms.maxEnergyUwh = terms.minEnergyUwh;
        windowId = open(terms);
    }

    function sell(address peer, uint64 energyUwh, uint64 price) internal returns (uint256) {
        vm.prank(peer);
        return market.offer(windowId, energyUwh, price);
    }

    function buy(address peer, uint64 energyUwh, uint64 price) internal returns (uint256) {
        vm.prank(peer);
        return market.bid(windowId, energyUwh, price, false);
    }

    function fill(uint256 bidId, uint256 offerId, uint64 energyUwh) internal {
        fills.push(IEnergyMarket.Fill(bidId, offerId, energyUwh, 0));
    }

    function batch(uint64 sellPrice, uint64 buyPrice)
        internal
        view
        returns (IEnergyMarket.Batch memory)
    {
        return IEnergyMarket.Batch(windowId, sellPrice, buyPrice, fills);
    }

    function clearAt(uint64 price) internal {
        vm.prank(COORDINATOR);
        market.clear(batch(price, price));
        delete fills;
    }

    function refuse(uint64 price, bytes4 selector) internal {
        vm.expectPartialRevert(selector);
        clearAt(price);
        delete fills;
    }

    function close() internal {
        vm.prank(COORDINATOR);
        market.closeBook(windowId, 1000);
    }

    function refuseToClose(bytes4 selector) internal {
        vm.expectPartialRevert(selector);
        close();
    }

    function deliver(uint256 tradeId) internal {
        report(tradeId, 1e9, 1e9);
    }

    function assertMoves(address peer, int256 movedWei) internal view {
        assertEq(balanceOf(peer), uint256(int256(DEPOSIT) + movedWei), "balance");
    }
}
