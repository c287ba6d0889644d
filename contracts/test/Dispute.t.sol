// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

/// @notice Meters that differ by more than the loss allowance, and a meter that is silent.
contract DisputeTest is MarketTest {
    // Of 50 mWh agreed the seller saw all, the buyer 40: allowed are 5 % of 50, so 40..47.5 is held.
    uint64 private constant LOW = 40_000;
    uint64 private constant HIGH = 47_500;

    function dispute() private returns (uint256 tradeId) {
        tradeId = tradeWhole(ENERGY);
        report(tradeId, ENERGY, LOW);
    }

    function resolve(uint256 tradeId, uint64 settledUwh) private {
        vm.prank(COORDINATOR);
        market.resolve(tradeId, settledUwh);
    }

    function reportAlone(uint256 tradeId, bool isSeller, uint64 energyUwh, uint64 heardUwh)
        private
    {
        vm.prank(ORACLE);
        market.reportAlone(alone(tradeId, isSeller, energyUwh, heardUwh), isSeller);
    }

    /// @dev The silent meter's figures are nonsense: they are not looked at.
    function alone(uint256 tradeId, bool isSeller, uint64 energyUwh, uint64 heardUwh)
        private
        pure
        returns (IEnergyMarket.DeliveryReport memory delivered)
    {
        delivered = unsigned(tradeId, 1, 1);
        IEnergyMarket.Meter memory meter = IEnergyMarket.Meter(energyUwh, heardUwh, 0, 0);
        if (isSeller) delivered.attempts[0].seller = meter;
        else delivered.attempts[0].buyer = meter;
    }

    function assertBalances(uint256 paidUwh, uint256 heldUwh) private view {
        assertEq(balanceOf(SELLER), DEPOSIT + cost(paidUwh), "seller");
        assertEq(balanceOf(BUYER), DEPOSIT - cost(paidUwh + heldUwh), "buyer");
    }

    function test_OnlyTheGapBeyondTheAllowanceIsHeld() public {
        uint256 tradeId = tradeWhole(ENERGY);
        expectEvent();
        emit IEnergyMarket.TradeDisputed(
            tradeId, ENERGY, LOW, LOW, HIGH, cost(LOW), cost(ENERGY - HIGH), 0
        );
        report(tradeId, ENERGY, LOW);
        assertStatus(tradeId, IEnergyMarket.TradeStatus.Disputed);
        assertBalances(LOW, HIGH - LOW);
        (uint64 low, uint64 high) = market.dispute(tradeId);
        assertEq(low, LOW, "low");
        assertEq(high, HIGH, "high");
    }

    function test_AGapAsLargeAsTheAllowanceIsNoDispute() public {
        uint256 tradeId = tradeWhole(ENERGY);
        report(tradeId, ENERGY, HIGH);
        assertStatus(tradeId, IEnergyMarket.TradeStatus.Settled);
        assertBalances(HIGH, 0);
    }

    function test_TheSmallestGapBeyondItIs() public {
        uint256 tradeId = tradeWhole(ENERGY);
        report(tradeId, ENERGY, HIGH - 1);
        assertStatus(tradeId, IEnergyMarket.TradeStatus.Disputed);
    }

    function test_CoordinatorResolvesAtAnyFigureBetween() public {
        uint256 tradeId = dispute();
        expectEvent();
        emit IEnergyMarket.DisputeResolved(tradeId, 42_000, cost(2_000), cost(5_500));
        resolve(tradeId, 42_000);
        assertStatus(tradeId, IEnergyMarket.TradeStatus.Settled);
        assertBalances(42_000, 0);
    }

    function test_BothFiguresThemselvesAreAllowed() public {
        resolve(dispute(), LOW);
        resolve(dispute(), HIGH);
        assertBalances(LOW + HIGH, 0);
    }

    function test_RevertWhen_TheCoordinatorLeavesTheBand() public {
        uint256 tradeId = dispute();
        vm.startPrank(COORDINATOR);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.OutsideDispute.selector, tradeId, LOW - 1, LOW, HIGH
            )
        );
        market.resolve(tradeId, LOW - 1);
        vm.expectPartialRevert(IEnergyMarket.OutsideDispute.selector);
        market.resolve(tradeId, HIGH + 1);
        vm.stopPrank();
    }

    function test_RevertWhen_OthersResolve() public {
        uint256 tradeId = dispute();
        vm.expectRevert(
            abi.encodeWithSignature(
                "AccessControlUnauthorizedAccount(address,bytes32)",
                ORACLE,
                market.COORDINATOR_ROLE()
            )
        );
        vm.prank(ORACLE);
        market.resolve(tradeId, LOW);
    }

    function test_AnyoneSplitsHalfwayFromResolveByOn() public {
        uint256 tradeId = dispute();
        vm.warp(RESOLVE_BY);
        pause();
        vm.prank(STRANGER);
        market.split(tradeId);
        assertBalances(43_750, 0); // halfway between 40,000 and 47,500
    }

    function test_SplitOfAnOddGapIsRoundedDownForTheSeller() public {
        uint256 tradeId = tradeWhole(ENERGY);
        report(tradeId, ENERGY, HIGH - 1);
        vm.warp(RESOLVE_BY);
        market.split(tradeId);
        assertBalances(HIGH - 1, 0);
    }

    function test_RevertWhen_SplitEarlyOrResolvedLate() public {
        uint256 tradeId = dispute();
        vm.warp(RESOLVE_BY - 1);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.SplitTooEarly.selector, tradeId, RESOLVE_BY - 1, RESOLVE_BY
            )
        );
        market.split(tradeId);
        vm.warp(RESOLVE_BY);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.ResolveTooLate.selector, tradeId, RESOLVE_BY, RESOLVE_BY
            )
        );
        resolve(tradeId, LOW);
    }

    function test_RevertWhen_ADisputeIsReportedRefundedOrResolvedAgain() public {
        uint256 tradeId = dispute();
        vm.expectPartialRevert(IEnergyMarket.TradeClosed.selector);
        report(tradeId, LOW, LOW);
        vm.warp(REPORT_BY);
        vm.expectPartialRevert(IEnergyMarket.TradeClosed.selector);
        market.refund(tradeId);
        resolve(tradeId, LOW);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.NotDisputed.selector, tradeId, IEnergyMarket.TradeStatus.Settled
            )
        );
        resolve(tradeId, LOW);
    }

    function test_OneMeterAloneSettlesAtItsLastAcknowledgedProgress() public {
        uint256 tradeId = tradeWhole(ENERGY);
        expectEvent();
        emit IEnergyMarket.MeterReportedAlone(tradeId, true, 30_000, 29_000, 0);
        reportAlone(tradeId, true, 30_000, 29_000);
        assertStatus(tradeId, IEnergyMarket.TradeStatus.OneSided);
        assertBalances(0, ENERGY);
        vm.expectPartialRevert(IEnergyMarket.RefundTooEarly.selector);
        market.refund(tradeId);

        vm.warp(REPORT_BY);
        vm.prank(STRANGER);
        market.refund(tradeId);
        assertStatus(tradeId, IEnergyMarket.TradeStatus.Settled);
        assertBalances(29_000, 0);
    }

    function test_NeitherItsOwnMeterNorTheAgreementIsExceeded() public {
        uint256 tradeId = tradeWhole(ENERGY);
        reportAlone(tradeId, false, 30_000, 31_000);
        uint256 other = tradeWhole(ENERGY);
        reportAlone(other, false, 90_000, 80_000);
        vm.warp(REPORT_BY);
        market.refund(tradeId);
        market.refund(other);
        assertBalances(30_000 + ENERGY, 0);
    }

    function test_TheOtherMetersReportReplacesTheFloor() public {
        uint256 tradeId = tradeWhole(ENERGY);
        reportAlone(tradeId, true, 30_000, 1_000);
        report(tradeId, 30_000, 30_000);
        assertBalances(30_000, 0);
    }

    function test_RevertWhen_ReportedAloneTwiceOrLateOrByOthers() public {
        uint256 tradeId = tradeWhole(ENERGY);
        vm.expectRevert(
            abi.encodeWithSignature(
                "AccessControlUnauthorizedAccount(address,bytes32)", SELLER, market.ORACLE_ROLE()
            )
        );
        vm.prank(SELLER);
        market.reportAlone(alone(tradeId, true, ENERGY, ENERGY), true);
        reportAlone(tradeId, true, 30_000, 1_000);
        vm.expectPartialRevert(IEnergyMarket.TradeClosed.selector);
        reportAlone(tradeId, false, 30_000, 1_000);
        tradeId = tradeWhole(ENERGY);
        vm.warp(REPORT_BY);
        vm.expectPartialRevert(IEnergyMarket.ReportTooLate.selector);
        reportAlone(tradeId, true, 30_000, 1_000);
    }

    /// @notice Whatever the meters say and wherever the dispute ends: settled energy lies between the
    /// two meters, never above the agreement, and every wei of the cost is paid or refunded.
    function testFuzz_EveryDisputeEndsBetweenTheMeters(
        uint64 sellerUwh,
        uint64 buyerUwh,
        uint64 choice,
        bool isSilent
    ) public {
        uint256 tradeId = tradeWhole(ENERGY);
        (sellerUwh, buyerUwh) = (sellerUwh % 100_000, buyerUwh % 100_000);
        report(tradeId, sellerUwh, buyerUwh);
        if (market.trade(tradeId).status == IEnergyMarket.TradeStatus.Disputed) {
            (uint64 low, uint64 high) = market.dispute(tradeId);
            if (isSilent) {
                vm.warp(RESOLVE_BY);
                market.split(tradeId);
            } else {
                resolve(tradeId, low + choice % (high - low + 1));
            }
        }
        uint256 paidWei = balanceOf(SELLER) - DEPOSIT;
        (uint256 lesser, uint256 greater) =
            sellerUwh < buyerUwh ? (sellerUwh, buyerUwh) : (buyerUwh, sellerUwh);
        assertTrue(paidWei >= cost(lesser < ENERGY ? lesser : ENERGY), "at least the lesser");
        assertTrue(paidWei <= cost(greater < ENERGY ? greater : ENERGY), "at most the greater");
        assertEq(balanceOf(BUYER), DEPOSIT - paidWei, "buyer");
    }
}
