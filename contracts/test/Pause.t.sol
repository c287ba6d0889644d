// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

/// @notice The two lists of the interface: what a pause stops, and what it never stops.
contract PauseTest is MarketTest {
    uint256 private book;

    function setUp() public override {
        super.setUp();
        makePeer(STRANGER, "house-3");
        IEnergyMarket.WindowTerms memory terms = windowTerms();
        terms.mechanism = IEnergyMarket.Mechanism.Uniform;
        terms.needsApproval = true;
        vm.prank(COORDINATOR);
        book = market.openWindow(terms);
    }

    function refuse(address sender) private {
        expectRefusal(abi.encodeWithSignature("EnforcedPause()"));
        vm.prank(sender);
    }

    function test_RevertWhen_PausedForEverythingThatBeginsSomething() public {
        uint256 orderId = offer(ENERGY);
        vm.prank(BUYER);
        uint256 counterId = market.counter(orderId, ENERGY, PRICE);
        pause();
        refuse(address(0xB9));
        market.register();
        refuse(SELLER);
        market.deposit{value: 1}();
        refuse(COORDINATOR);
        market.openWindow(windowTerms());
        refuse(SELLER);
        market.offer(WINDOW, ENERGY, PRICE);
        refuse(BUYER);
        market.bid(WINDOW, ENERGY, PRICE, false);
        refuse(SELLER);
        market.amend(orderId, ENERGY, PRICE);
        refuse(BUYER);
        market.take(orderId, ENERGY, PRICE);
        refuse(BUYER);
        market.counter(orderId, ENERGY, PRICE);
        refuse(SELLER);
        market.counterAgain(counterId, ENERGY, PRICE);
        refuse(SELLER);
        market.accept(counterId, ENERGY, PRICE);
        vm.warp(BID_END);
        refuse(COORDINATOR);
        market.clear(IEnergyMarket.Batch(book, PRICE, PRICE, new IEnergyMarket.Fill[](0)));
    }

    /// @dev Reports, refund, split, cancel, reclaim, withdrawCounter and withdraw under a pause have
    /// their tests beside those of what they do.
    function test_RolesEndWhatIsBegunDuringAPause() public {
        vm.prank(BUYER);
        uint256 bidId = market.bid(book, ENERGY, PRICE, false);
        uint256 tradeId = tradeInWindowOfTakes();
        pause();
        vm.startPrank(COORDINATOR);
        uint256[] memory orderIds = new uint256[](1);
        orderIds[0] = bidId;
        market.review(orderIds, true);
        vm.warp(BID_END);
        market.closeBook(book, 10);
        vm.stopPrank();
        assertTrue(market.isCleared(book), "cleared");
        assertEq(market.order(bidId).lockedWei, 0, "its lock went back");
        report(tradeId, ENERGY, ENERGY / 2);
        vm.prank(COORDINATOR);
        market.resolve(tradeId, ENERGY / 2);
        assertStatus(tradeId, IEnergyMarket.TradeStatus.Settled);
        vm.startPrank(ADMINISTRATOR);
        market.suspend(SELLER);
        market.approve(SELLER, "house-1", address(0));
        market.remove(SELLER);
        market.unpause();
        vm.stopPrank();
    }

    /// @dev Not of the buyer, who has gone on to the newer window of the book.
    function tradeInWindowOfTakes() private returns (uint256) {
        uint256 orderId = offer(ENERGY);
        vm.prank(STRANGER);
        return market.take(orderId, ENERGY, PRICE);
    }
}
