// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EnergyMarket} from "../src/EnergyMarket.sol";
import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {Vm} from "./Vm.sol";

/// @notice A market with a seller and a buyer who may trade in window 1, and small assertions.
abstract contract MarketTest {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    address internal constant ADMINISTRATOR = address(0xA1);
    address internal constant COORDINATOR = address(0xA2);
    address internal constant ORACLE = address(0xA3);
    address internal constant SELLER = address(0xB1);
    address internal constant BUYER = address(0xB2);
    address internal constant STRANGER = address(0xC1);

    uint256 internal constant T0 = 1_800_000_000;
    uint256 internal constant BID_END = T0 + 100;
    uint256 internal constant CLEAR_BY = T0 + 150;
    uint256 internal constant REPORT_BY = T0 + 1000;
    uint256 internal constant RESOLVE_BY = T0 + 2000;
    uint64 internal constant LOSS_PERMILLE = 50;
    uint64 internal constant MIN_UWH = 1000;
    uint64 internal constant MAX_UWH = 1e9;
    uint64 internal constant ENERGY = 50_000;
    uint64 internal constant PRICE = 200_000_000;
    uint256 internal constant DEPOSIT = 1 ether;
    uint256 internal constant WINDOW = 1;

    EnergyMarket internal market;

    error AssertionFailed(string what, uint256 found, uint256 expected);

    function setUp() public virtual {
        vm.warp(T0);
        market = new EnergyMarket(ADMINISTRATOR, COORDINATOR, ORACLE);
        makePeer(SELLER, "house-1");
        makePeer(BUYER, "house-2");
        vm.prank(COORDINATOR);
        market.openWindow(windowTerms());
    }

    function windowTerms() internal pure returns (IEnergyMarket.WindowTerms memory) {
        return IEnergyMarket.WindowTerms({
            bidStart: uint64(T0),
            bidEnd: uint64(BID_END),
            clearBy: uint64(CLEAR_BY),
            deliveryStart: uint64(CLEAR_BY),
            deliveryEnd: uint64(T0 + 500),
            reportBy: uint64(REPORT_BY),
            resolveBy: uint64(RESOLVE_BY),
            minEnergyUwh: MIN_UWH,
            maxEnergyUwh: MAX_UWH,
            minPrice: 1,
            maxPrice: 1e12,
            lossPermille: LOSS_PERMILLE,
            mechanism: IEnergyMarket.Mechanism.Bilateral,
            needsApproval: false,
            isStrict: false,
            kPermille: 500,
            capacityUwh: 0,
            maxFee: 0,
            feeAccount: address(0),
            gridAccount: address(0)
        });
    }

    function makePeer(address account, bytes32 nodeId) internal {
        vm.deal(account, 10 ether);
        vm.startPrank(account);
        market.register();
        market.deposit{value: DEPOSIT}();
        vm.stopPrank();
        vm.prank(ADMINISTRATOR);
        market.approve(account, nodeId, address(0));
    }

    // ------------------------------------------------------------------------- actions of peers

    function offer(uint64 energyUwh) internal returns (uint256) {
        vm.prank(SELLER);
        return market.offer(WINDOW, energyUwh, PRICE);
    }

    function bid(uint64 energyUwh) internal returns (uint256) {
        vm.prank(BUYER);
        return market.bid(WINDOW, energyUwh, PRICE, false);
    }

    /// @dev The buyer takes all of a new offer.
    function tradeWhole(uint64 energyUwh) internal returns (uint256) {
        uint256 orderId = offer(energyUwh);
        vm.prank(BUYER);
        return market.take(orderId, energyUwh, PRICE);
    }

    function report(uint256 tradeId, uint64 sellerUwh, uint64 buyerUwh) internal {
        vm.prank(ORACLE);
        market.report(unsigned(tradeId, sellerUwh, buyerUwh));
    }

    /// @dev What the oracle says for two boards that have no key.
    function unsigned(uint256 tradeId, uint64 sellerUwh, uint64 buyerUwh)
        internal
        pure
        returns (IEnergyMarket.DeliveryReport memory delivered)
    {
        delivered.tradeId = tradeId;
        delivered.attempts = new IEnergyMarket.Attempt[](1);
        delivered.attempts[0] = IEnergyMarket.Attempt({
            number: 1,
            epoch: 1,
            seller: IEnergyMarket.Meter(sellerUwh, buyerUwh, 0, 0),
            buyer: IEnergyMarket.Meter(buyerUwh, sellerUwh, 0, 0)
        });
    }

    function pause() internal {
        vm.prank(ADMINISTRATOR);
        market.pause();
    }

    function suspend(address account) internal {
        vm.prank(ADMINISTRATOR);
        market.suspend(account);
    }

    // ------------------------------------------------------------------------------ assertions

    function balanceOf(address account) internal view returns (uint256) {
        return market.peer(account).balanceWei;
    }

    function leftOf(uint256 orderId) internal view returns (uint256) {
        return market.order(orderId).energyUwh;
    }

    function cost(uint256 energyUwh) internal pure returns (uint256) {
        return energyUwh * PRICE;
    }

    function assertEq(uint256 found, uint256 expected, string memory what) internal pure {
        if (found != expected) revert AssertionFailed(what, found, expected);
    }

    function assertEq(address found, address expected, string memory what) internal pure {
        assertEq(uint160(found), uint160(expected), what);
    }

    function assertTrue(bool condition, string memory what) internal pure {
        if (!condition) revert AssertionFailed(what, 0, 1);
    }

    function assertStatus(uint256 tradeId, IEnergyMarket.TradeStatus expected) internal view {
        assertEq(uint8(market.trade(tradeId).status), uint8(expected), "trade status");
    }

    function expectRefusal(bytes memory revertData) internal {
        vm.expectRevert(revertData);
    }

    function expectEvent() internal {
        vm.expectEmit(true, true, true, true, address(market));
    }
}
