// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {BookTest} from "./Book.t.sol";

/// @notice A window's grid account: it takes what is left of a book, at feed-in and retail.
contract GridTest is BookTest {
    uint64 private constant FEED_IN = 100; // gwei per kWh
    uint64 private constant RETAIL = 300;
    uint64 private constant MIDDLE = 200;
    uint256 private constant NONE = 0; // the id that stands for the grid

    /// @dev A community: one price for all within the tariffs, by no rule of the contract.
    function bookTerms() internal pure override returns (IEnergyMarket.WindowTerms memory terms) {
        terms = windowTerms();
        terms.mechanism = IEnergyMarket.Mechanism.Uniform;
        (terms.minPrice, terms.maxPrice, terms.kPermille) = (FEED_IN, RETAIL, 1001);
        terms.gridAccount = GRID;
    }

    // ---------------------------------------------------------------------------- what it takes

    function test_GridBuysTheRestAtFeedInAndPaysWhenBothMetersReport() public {
        uint256 offerId = sell(SELLER, 10_000, FEED_IN);
        uint256 bidId = buy(BUYER, 4_000, RETAIL);
        vm.warp(BID_END);
        fill(bidId, offerId, 4_000);
        fill(NONE, offerId, 6_000);
        expectEvent();
        emit IEnergyMarket.TradeCleared(1, bidId, offerId, SELLER, BUYER, 4_000, MIDDLE, 0);
        expectEvent();
        emit IEnergyMarket.TradeCleared(2, NONE, offerId, SELLER, GRID, 6_000, FEED_IN, 0);
        clearAt(MIDDLE);
        assertMoves(GRID, -int256(uint256(6_000 * FEED_IN))); // in escrow from now on
        close();
        report(1, 4_000, 4_000);
        report(2, 5_000, 5_000);
        assertMoves(SELLER, int256(uint256(4_000 * MIDDLE + 5_000 * FEED_IN)));
        assertMoves(GRID, -int256(uint256(5_000 * FEED_IN)));
        assertMoves(BUYER, -int256(uint256(4_000 * MIDDLE)));
    }

    function test_GridSellsTheRestAtRetailOutOfTheBidsLock() public {
        uint256 bidId = buy(BUYER, 10_000, RETAIL);
        vm.warp(BID_END);
        fill(bidId, NONE, 10_000);
        expectEvent();
        emit IEnergyMarket.TradeCleared(1, bidId, NONE, GRID, BUYER, 10_000, RETAIL, 0);
        clearAt(MIDDLE);
        close();
        report(1, 9_000, 9_000);
        assertMoves(GRID, int256(uint256(9_000 * RETAIL)));
        assertMoves(BUYER, -int256(uint256(9_000 * RETAIL)));
    }

    function test_GridWithoutABoardIsSettledOnTheOraclesWordAndTheEventSaysSo() public {
        address key = vm.addr(7);
        vm.prank(ADMINISTRATOR);
        market.approve(SELLER, "house-1", key);
        uint256 offerId = sell(SELLER, 10_000, FEED_IN);
        vm.warp(BID_END);
        fill(NONE, offerId, 10_000);
        clearAt(MIDDLE);
        close();
        IEnergyMarket.DeliveryReport memory delivered = unsigned(1, 10_000, 10_000);
        vm.expectPartialRevert(IEnergyMarket.SignatureInvalid.selector);
        vm.prank(ORACLE);
        market.report(delivered);
        bytes16 id = market.deliveryId(1, 1, 1);
        bytes32 digest = sha256(
            abi.encodePacked("trueque-report", id, uint8(0), uint64(10_000), uint64(10_000))
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(7, digest);
        IEnergyMarket.Meter memory meter = delivered.attempts[0].seller;
        (meter.r, meter.vs) = (r, bytes32(uint256(s) | uint256(v - 27) << 255));
        expectEvent();
        emit IEnergyMarket.TradeSettled(1, 10_000, 10_000, 10_000, 10_000 * FEED_IN, 0, 1);
        vm.prank(ORACLE);
        market.report(delivered);
    }

    function test_GridGetsItsMoneyBackWhenTheBookIsNotClosedInTime() public {
        uint256 offerId = sell(SELLER, 10_000, FEED_IN);
        vm.warp(BID_END);
        fill(NONE, offerId, 10_000);
        clearAt(MIDDLE);
        vm.warp(CLEAR_BY);
        market.refund(1);
        assertMoves(GRID, 0);
    }

    function test_GridTakesOrdersAsAnyPeerWhereNobodyClears() public {
        IEnergyMarket.WindowTerms memory terms = windowTerms();
        terms.gridAccount = GRID;
        windowId = open(terms);
        uint256 offerId = sell(SELLER, MAX_UWH, FEED_IN);
        uint256 otherId = sell(SELLER_2, MAX_UWH, FEED_IN);
        vm.startPrank(GRID);
        market.take(offerId, MAX_UWH, FEED_IN);
        market.take(otherId, MAX_UWH, FEED_IN); // beyond what one node may hold
        vm.stopPrank();
        uint256 thirdId = sell(BUYER_2, 2 * MIN_UWH, FEED_IN);
        vm.startPrank(BUYER);
        market.offer(windowId, MAX_UWH, FEED_IN);
        vm.expectPartialRevert(IEnergyMarket.NodeLimitExceeded.selector);
        market.take(thirdId, MIN_UWH, FEED_IN);
        vm.stopPrank();
    }

    // ------------------------------------------------------------------------- what it may not

    function test_RevertWhen_GridIsFilledAtAnOrdersOwnPriceOrWithAFee() public {
        uint256 offerId = sell(SELLER, 10_000, FEED_IN + 1);
        uint256 bidId = buy(BUYER, 10_000, RETAIL - 1);
        uint256 willingId = buy(BUYER_2, 10_000, RETAIL);
        vm.warp(BID_END);
        fill(NONE, offerId, 10_000);
        refuse(MIDDLE, IEnergyMarket.FillPriceRefused.selector);
        fill(bidId, NONE, 10_000);
        refuse(MIDDLE, IEnergyMarket.FillPriceRefused.selector);
        fills.push(IEnergyMarket.Fill(willingId, NONE, 10_000, 1));
        refuse(MIDDLE, IEnergyMarket.FillPriceRefused.selector);
    }

    function test_RevertWhen_GridStandsOnBothSides() public {
        uint256 offerId = sell(SELLER, 10_000, FEED_IN);
        uint256 bidId = buy(BUYER, 10_000, RETAIL);
        vm.warp(BID_END);
        fill(NONE, offerId, 10_000);
        fill(bidId, NONE, 10_000);
        refuse(MIDDLE, IEnergyMarket.OnOtherSide.selector);
    }

    function test_RevertWhen_GridBoughtWhatABidWaitsFor() public {
        uint256 offerId = sell(SELLER, 10_000, FEED_IN);
        buy(BUYER, 10_000, MIDDLE);
        vm.warp(BID_END);
        fill(NONE, offerId, 10_000);
        clearAt(MIDDLE);
        refuseToClose(IEnergyMarket.TradesLeft.selector);
    }

    function test_RevertWhen_GridSoldWhatAnOfferWaitsToSell() public {
        sell(SELLER, 10_000, MIDDLE);
        uint256 bidId = buy(BUYER, 10_000, RETAIL);
        vm.warp(BID_END);
        fill(bidId, NONE, 10_000);
        clearAt(MIDDLE);
        refuseToClose(IEnergyMarket.TradesLeft.selector);
    }

    function test_GridMayTakeWhatTheBooksPriceDoesNotServe() public {
        uint256 offerId = sell(SELLER, 10_000, FEED_IN);
        buy(BUYER, 10_000, MIDDLE - 1);
        vm.warp(BID_END);
        fill(NONE, offerId, 10_000);
        clearAt(MIDDLE);
        close();
        assertMoves(BUYER, 0);
    }

    function test_RevertWhen_NoGridIsNamedOrTheFillHasNoOrder() public {
        vm.warp(BID_END);
        fill(NONE, NONE, 10_000);
        refuse(MIDDLE, IEnergyMarket.OrderOfAnotherWindow.selector);
        vm.warp(T0);
        IEnergyMarket.WindowTerms memory terms = bookTerms();
        terms.gridAccount = address(0);
        windowId = open(terms);
        uint256 offerId = sell(SELLER, 10_000, FEED_IN);
        vm.warp(BID_END);
        fill(NONE, offerId, 10_000);
        refuse(MIDDLE, IEnergyMarket.OrderOfAnotherWindow.selector);
    }

    function test_RevertWhen_GridIsNotApprovedOrCannotPayOrOwnsTheOrder() public {
        uint256 offerId = sell(SELLER, MAX_UWH, FEED_IN);
        uint256 ownId = sell(GRID, 10_000, FEED_IN);
        vm.prank(GRID);
        market.withdraw(DEPOSIT);
        vm.warp(BID_END);
        fill(NONE, ownId, 10_000);
        refuse(MIDDLE, IEnergyMarket.SelfTrade.selector);
        fill(NONE, offerId, MAX_UWH);
        refuse(MIDDLE, IEnergyMarket.BalanceTooLow.selector);
        suspend(GRID);
        fill(NONE, offerId, MAX_UWH);
        refuse(MIDDLE, IEnergyMarket.PeerNotApproved.selector);
    }

    function test_RevertWhen_GridIsNotAmongTheSellersABidNames() public {
        vm.prank(BUYER);
        uint256 bidId = market.bid(windowId, 10_000, RETAIL, true);
        vm.warp(BID_END);
        fill(bidId, NONE, 10_000);
        refuse(MIDDLE, IEnergyMarket.SellerNotAccepted.selector);
        vm.prank(BUYER);
        market.acceptSeller(GRID, true);
        fill(bidId, NONE, 10_000);
        clearAt(MIDDLE);
        close();
    }

    function test_RevertWhen_GridIsNamedWhereMcAfeesRuleLeavesPairsOut() public {
        IEnergyMarket.WindowTerms memory terms = bookTerms();
        terms.mechanism = IEnergyMarket.Mechanism.McAfee;
        terms.minEnergyUwh = terms.maxEnergyUwh;
        vm.expectPartialRevert(IEnergyMarket.GridNotAllowed.selector);
        windowId = open(terms);
    }

    function test_RevertWhen_GridIsNoPeer() public {
        IEnergyMarket.WindowTerms memory terms = bookTerms();
        terms.gridAccount = STRANGER;
        vm.expectPartialRevert(IEnergyMarket.NotRegistered.selector);
        windowId = open(terms);
    }

    function test_GridInAStrictBookLeavesThePriceToThePeers() public {
        IEnergyMarket.WindowTerms memory terms = bookTerms();
        (terms.isStrict, terms.kPermille) = (true, 500);
        windowId = open(terms);
        uint256 offerId = sell(SELLER, 10_000, FEED_IN);
        uint256 bidId = buy(BUYER, 4_000, MIDDLE);
        vm.warp(BID_END);
        fill(bidId, offerId, 4_000);
        fill(NONE, offerId, 6_000);
        clearAt((FEED_IN + MIDDLE) / 2);
        close();
        assertTrue(market.isCleared(windowId), "cleared");
    }
}
