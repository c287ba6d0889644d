// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

/// @notice Reports of both meters, and refunds of trades that nobody reported.
contract SettlementTest is MarketTest {
    function assertPaid(uint256 settledUwh) private view {
        assertEq(balanceOf(SELLER), DEPOSIT + cost(settledUwh), "seller");
        assertEq(balanceOf(BUYER), DEPOSIT - cost(settledUwh), "buyer");
    }

    function test_ReportPaysTheLesserOfBothMeters() public {
        uint256 tradeId = tradeWhole(ENERGY);
        expectEvent();
        emit IEnergyMarket.TradeSettled(
            tradeId, 49_000, 48_500, 48_500, cost(48_500), cost(1_500), 0
        );
        report(tradeId, 49_000, 48_500);
        assertPaid(48_500);
        assertStatus(tradeId, IEnergyMarket.TradeStatus.Settled);
    }

    function test_ReportPaysTheSellersMeterWhenItIsTheLesser() public {
        report(tradeWhole(ENERGY), 40_000, 41_000);
        assertPaid(40_000);
    }

    function test_ReportPaysNoMoreThanAgreed() public {
        report(tradeWhole(ENERGY), 60_000, type(uint64).max);
        assertPaid(ENERGY);
    }

    function test_ReportOfNothingRefundsEverything() public {
        report(tradeWhole(ENERGY), 0, 0);
        assertPaid(0);
    }

    function test_ReportOfATakenBidSettlesTheSame() public {
        uint256 orderId = bid(ENERGY);
        vm.prank(SELLER);
        uint256 tradeId = market.take(orderId, ENERGY, PRICE);
        report(tradeId, 30_000, 30_000);
        assertPaid(30_000);
    }

    function test_ReportWorksDuringAPauseAndASuspension() public {
        uint256 tradeId = tradeWhole(ENERGY);
        suspend(SELLER);
        suspend(BUYER);
        pause();
        vm.warp(REPORT_BY - 1);
        report(tradeId, ENERGY, ENERGY);
        assertPaid(ENERGY);
    }

    function test_RevertWhen_ReportedTwice() public {
        uint256 tradeId = tradeWhole(ENERGY);
        report(tradeId, ENERGY, ENERGY);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.TradeClosed.selector, tradeId, IEnergyMarket.TradeStatus.Settled
            )
        );
        report(tradeId, ENERGY, ENERGY);
    }

    function test_RevertWhen_ReportedAtReportBy() public {
        uint256 tradeId = tradeWhole(ENERGY);
        vm.warp(REPORT_BY);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.ReportTooLate.selector, tradeId, REPORT_BY, REPORT_BY
            )
        );
        report(tradeId, ENERGY, ENERGY);
    }

    function test_RevertWhen_OthersThanTheOracleReport() public {
        uint256 tradeId = tradeWhole(ENERGY);
        bytes32 role = market.ORACLE_ROLE();
        expectRefusal(
            abi.encodeWithSignature(
                "AccessControlUnauthorizedAccount(address,bytes32)", SELLER, role
            )
        );
        vm.prank(SELLER);
        market.report(unsigned(tradeId, ENERGY, ENERGY));
    }

    function test_RevertWhen_UnknownTradeIsReportedOrRefunded() public {
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.UnknownTrade.selector, 1));
        report(1, ENERGY, ENERGY);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.UnknownTrade.selector, 1));
        market.refund(1);
    }

    function test_RefundByAnyoneReturnsTheWholeCostFromReportByOn() public {
        uint256 tradeId = tradeWhole(ENERGY);
        vm.warp(REPORT_BY);
        pause();
        expectEvent();
        emit IEnergyMarket.TradeRefunded(tradeId, cost(ENERGY));
        vm.prank(STRANGER);
        market.refund(tradeId);
        assertPaid(0);
        assertStatus(tradeId, IEnergyMarket.TradeStatus.Refunded);
    }

    function test_RevertWhen_RefundedBeforeReportBy() public {
        uint256 tradeId = tradeWhole(ENERGY);
        vm.warp(REPORT_BY - 1);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.RefundTooEarly.selector, tradeId, REPORT_BY - 1, REPORT_BY
            )
        );
        market.refund(tradeId);
    }

    function test_RevertWhen_ASettledTradeIsRefunded() public {
        uint256 tradeId = tradeWhole(ENERGY);
        report(tradeId, ENERGY, ENERGY);
        vm.warp(REPORT_BY);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.TradeClosed.selector, tradeId, IEnergyMarket.TradeStatus.Settled
            )
        );
        market.refund(tradeId);
    }

    function test_RevertWhen_RefundedTwice() public {
        uint256 tradeId = tradeWhole(ENERGY);
        vm.warp(REPORT_BY);
        market.refund(tradeId);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.TradeClosed.selector, tradeId, IEnergyMarket.TradeStatus.Refunded
            )
        );
        market.refund(tradeId);
    }

    function test_ReportBatchSettlesEachTrade() public {
        IEnergyMarket.DeliveryReport[] memory reports = new IEnergyMarket.DeliveryReport[](2);
        reports[0] = unsigned(tradeWhole(ENERGY), ENERGY, ENERGY);
        reports[1] = unsigned(tradeWhole(ENERGY), 10_000, 10_000);
        vm.prank(ORACLE);
        market.reportBatch(reports);
        assertPaid(60_000);
    }

    function test_RevertWhen_OneOfABatchIsUnknown() public {
        IEnergyMarket.DeliveryReport[] memory reports = new IEnergyMarket.DeliveryReport[](2);
        reports[0] = unsigned(tradeWhole(ENERGY), ENERGY, ENERGY);
        reports[1] = unsigned(9, ENERGY, ENERGY);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.UnknownTrade.selector, 9));
        vm.prank(ORACLE);
        market.reportBatch(reports);
    }

    /// @notice Whatever the meters say: paid and refunded are the agreed cost, to the wei.
    function testFuzz_SettledAndRefundedAreTheAgreedCost(
        uint64 energyUwh,
        uint64 sellerUwh,
        uint64 buyerUwh
    ) public {
        energyUwh = uint64(MIN_UWH + energyUwh % (MAX_UWH - MIN_UWH + 1));
        uint256 tradeId = tradeWhole(energyUwh);
        // Both meters within the loss allowance: what lies beyond is the disputes' test.
        buyerUwh = sellerUwh - uint64(uint256(sellerUwh) * (buyerUwh % LOSS_PERMILLE) / 1000);
        report(tradeId, sellerUwh, buyerUwh);

        uint256 lesser = sellerUwh < buyerUwh ? sellerUwh : buyerUwh;
        assertPaid(lesser < energyUwh ? lesser : energyUwh);
    }
}
