// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

/// @notice Books that the coordinator clears: what it may fill, and what becomes of the money.
contract ClearingTest is MarketTest {
    address private constant SELLER_2 = address(0xB3);
    address private constant BUYER_2 = address(0xB4);
    address private constant GRID = address(0xB5);
    uint64 private constant P = 100; // gwei per kWh

    uint256 private windowId;
    IEnergyMarket.Fill[] private fills;

    function setUp() public override {
        super.setUp();
        makePeer(SELLER_2, "house-3");
        makePeer(BUYER_2, "house-4");
        makePeer(GRID, "grid");
        windowId = open(bookTerms());
    }

    function bookTerms() private pure returns (IEnergyMarket.WindowTerms memory terms) {
        terms = windowTerms();
        terms.mechanism = IEnergyMarket.Mechanism.Uniform;
        terms.isStrict = true;
    }

    function open(IEnergyMarket.WindowTerms memory terms) private returns (uint256) {
        vm.prank(COORDINATOR);
        return market.openWindow(terms);
    }

    function sell(address peer, uint64 energyUwh, uint64 price) private returns (uint256) {
        vm.prank(peer);
        return market.offer(windowId, energyUwh, price);
    }

    function buy(address peer, uint64 energyUwh, uint64 price) private returns (uint256) {
        vm.prank(peer);
        return market.bid(windowId, energyUwh, price, false);
    }

    function fill(uint256 bidId, uint256 offerId, uint64 energyUwh) private {
        fills.push(IEnergyMarket.Fill(bidId, offerId, energyUwh, 0));
    }

    function batch(uint64 sellPrice, uint64 buyPrice)
        private
        view
        returns (IEnergyMarket.Batch memory)
    {
        return IEnergyMarket.Batch(windowId, sellPrice, buyPrice, fills);
    }

    function clearAt(uint64 price) private {
        vm.prank(COORDINATOR);
        market.clear(batch(price, price));
        delete fills;
    }

    function refuse(uint64 price, bytes4 selector) private {
        vm.expectPartialRevert(selector);
        clearAt(price);
        delete fills;
    }

    function close() private {
        vm.prank(COORDINATOR);
        market.closeBook(windowId, 1000);
    }

    function refuseToClose(bytes4 selector) private {
        vm.expectPartialRevert(selector);
        close();
    }

    function deliver(uint256 tradeId) private {
        report(tradeId, 1e9, 1e9);
    }

    function assertMoves(address peer, int256 movedWei) private view {
        assertEq(balanceOf(peer), uint256(int256(DEPOSIT) + movedWei), "balance");
    }

    // ---------------------------------------------------------------------------- what it gives

    function test_EveryoneTradesAtOnePriceAndBidsGetTheirSurplusBack() public {
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 bidId = buy(BUYER, 10_000, 3 * P);
        uint256 idleId = buy(BUYER_2, 5_000, P / 2);
        vm.warp(BID_END);
        fill(bidId, offerId, 10_000);
        expectEvent();
        emit IEnergyMarket.BookPriced(windowId, 2 * P, 2 * P);
        expectEvent();
        emit IEnergyMarket.TradeCleared(1, bidId, offerId, SELLER, BUYER, 10_000, 2 * P, 0);
        clearAt(2 * P);
        assertMoves(BUYER, -int256(uint256(10_000 * 3 * P)));
        expectEvent();
        emit IEnergyMarket.SurplusReturned(bidId, 0, 10_000 * P);
        expectEvent();
        emit IEnergyMarket.SurplusReturned(idleId, 5_000, 5_000 * (P / 2));
        expectEvent();
        emit IEnergyMarket.WindowCleared(windowId, 10_000);
        close();
        assertTrue(market.isCleared(windowId), "cleared");
        assertMoves(BUYER, -int256(uint256(10_000 * 2 * P)));
        assertMoves(BUYER_2, 0);
        deliver(1);
        assertMoves(SELLER, int256(uint256(10_000 * 2 * P)));
    }

    function test_BookIsClearedAndClosedInSeveralCalls() public {
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 bidId = buy(BUYER, 4_000, P);
        uint256 otherId = buy(BUYER_2, 6_000, P);
        vm.warp(BID_END);
        fill(bidId, offerId, 4_000);
        clearAt(P);
        fill(otherId, offerId, 6_000);
        clearAt(P);
        for (uint256 i = 0; i < 3; i++) {
            assertTrue(!market.isCleared(windowId), "not yet");
            vm.prank(COORDINATOR);
            market.closeBook(windowId, 1);
        }
        assertTrue(market.isCleared(windowId), "cleared");
    }

    function test_PayAsBidTradesAtEachBid() public {
        IEnergyMarket.WindowTerms memory terms = bookTerms();
        terms.mechanism = IEnergyMarket.Mechanism.PayAsBid;
        windowId = open(terms);
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 highId = buy(BUYER, 4_000, 3 * P);
        uint256 lowId = buy(BUYER_2, 6_000, 2 * P);
        vm.warp(BID_END);
        fill(highId, offerId, 4_000);
        fill(lowId, offerId, 6_000);
        clearAt(0);
        close();
        deliver(1);
        deliver(2);
        assertMoves(SELLER, int256(uint256(4_000 * 3 * P + 6_000 * 2 * P)));
        assertMoves(BUYER, -int256(uint256(4_000 * 3 * P)));
    }

    function test_CommunityPricesBalanceToTheWei() public {
        IEnergyMarket.WindowTerms memory terms = bookTerms();
        (terms.maxFee, terms.feeAccount, terms.kPermille) = (50, GRID, 1001);
        windowId = open(terms);
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 bidId = buy(BUYER, 10_000, 3 * P);
        vm.warp(BID_END);
        fill(bidId, offerId, 10_000);
        vm.prank(COORDINATOR);
        market.clear(batch(2 * P, 2 * P + 50));
        close();
        expectEvent();
        emit IEnergyMarket.FeePaid(1, GRID, 8_000 * 50);
        report(1, 8_000, 8_000);
        assertMoves(SELLER, int256(uint256(8_000 * 2 * P)));
        assertMoves(GRID, 8_000 * 50);
        assertMoves(BUYER, -int256(uint256(8_000 * (2 * P + 50))));
    }

    function test_EachFillMayChargeANetworkFeeOfItsOwn() public {
        IEnergyMarket.WindowTerms memory terms = bookTerms();
        (terms.maxFee, terms.feeAccount, terms.mechanism) =
        (30, GRID, IEnergyMarket.Mechanism.PayAsBid);
        windowId = open(terms);
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 bidId = buy(BUYER, 10_000, 3 * P);
        vm.warp(BID_END);
        fills.push(IEnergyMarket.Fill(bidId, offerId, 10_000, 31));
        refuse(0, IEnergyMarket.FeeTooHigh.selector);
        fills.push(IEnergyMarket.Fill(bidId, offerId, 10_000, 30));
        clearAt(0);
        close();
        deliver(1);
        assertMoves(SELLER, int256(uint256(10_000 * (3 * P - 30))));
        assertMoves(GRID, 10_000 * 30);
        assertMoves(BUYER, -int256(uint256(10_000 * 3 * P)));
    }

    function test_APeerMayBuyWhatIsLeftWithAnOrderOfItsOwn() public {
        uint256 offerId = sell(SELLER, 10_000, 2 * P);
        uint256 gridId = buy(GRID, 10_000, 2 * P);
        vm.warp(BID_END);
        fill(gridId, offerId, 10_000);
        clearAt(2 * P);
        close();
        deliver(1);
        assertMoves(SELLER, int256(uint256(10_000 * 2 * P)));
    }

    // ------------------------------------------------------------------------- what it may fill

    function test_RevertWhen_AFillBreaksAnOrder() public {
        uint256 offerId = sell(SELLER, 10_000, 2 * P);
        uint256 bidId = buy(BUYER, 10_000, 3 * P);
        uint256 otherWindow = open(bookTerms());
        vm.prank(SELLER_2);
        uint256 foreignId = market.offer(otherWindow, 10_000, P);
        vm.warp(BID_END);
        fill(bidId, offerId, 10_001);
        refuse(2 * P, IEnergyMarket.EnergyNotLeft.selector);
        fill(bidId, offerId, MIN_UWH - 1);
        refuse(2 * P, IEnergyMarket.EnergyOutOfBounds.selector);
        fill(bidId, offerId, 10_000);
        refuse(2 * P - 1, IEnergyMarket.FillPriceRefused.selector);
        fill(bidId, offerId, 10_000);
        refuse(3 * P + 1, IEnergyMarket.FillPriceRefused.selector);
        fill(offerId, bidId, 10_000);
        refuse(2 * P, IEnergyMarket.WrongSide.selector);
        fill(bidId, foreignId, 10_000);
        refuse(2 * P, IEnergyMarket.OrderOfAnotherWindow.selector);
        fill(bidId, offerId, 10_000);
        fill(bidId, offerId, MIN_UWH);
        refuse(2 * P, IEnergyMarket.EnergyNotLeft.selector);
    }

    function test_RevertWhen_APeerIsSuspendedOrNotAccepted() public {
        uint256 offerId = sell(SELLER, 10_000, P);
        vm.prank(BUYER);
        uint256 bidId = market.bid(windowId, 10_000, P, true);
        vm.warp(BID_END);
        fill(bidId, offerId, 10_000);
        refuse(P, IEnergyMarket.SellerNotAccepted.selector);
        vm.prank(BUYER);
        market.acceptSeller(SELLER, true);
        suspend(SELLER);
        fill(bidId, offerId, 10_000);
        refuse(P, IEnergyMarket.PeerNotApproved.selector);
    }

    function test_RevertWhen_PricesDifferBetweenBatches() public {
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 bidId = buy(BUYER, 10_000, 3 * P);
        vm.warp(BID_END);
        fill(bidId, offerId, 5_000);
        clearAt(2 * P);
        fill(bidId, offerId, 5_000);
        refuse(2 * P + 1, IEnergyMarket.PriceNotUniform.selector);
    }

    function test_RevertWhen_ABooksPricesAreOutsideTheWindowOrCrossed() public {
        IEnergyMarket.WindowTerms memory terms = bookTerms();
        (terms.minPrice, terms.maxPrice) = (P, 3 * P);
        windowId = open(terms);
        vm.warp(BID_END);
        uint64[2][3] memory cases = [[P - 1, P], [3 * P, 3 * P + 1], [2 * P, 2 * P - 1]];
        for (uint256 i = 0; i < 3; i++) {
            expectRefusal(
                abi.encodeWithSelector(
                    IEnergyMarket.BookPriceInvalid.selector, cases[i][0], cases[i][1], P, 3 * P
                )
            );
            vm.prank(COORDINATOR);
            market.clear(batch(cases[i][0], cases[i][1]));
        }
    }

    function test_RevertWhen_ABookOfEachBidsPriceIsGivenOne() public {
        openBy(IEnergyMarket.Mechanism.PayAsBid);
        vm.warp(BID_END);
        refuse(P, IEnergyMarket.BookPriceInvalid.selector);
    }

    function test_RevertWhen_OthersThanTheCoordinatorCloseABook() public {
        vm.warp(BID_END);
        bytes32 role = market.COORDINATOR_ROLE();
        expectRefusal(
            abi.encodeWithSignature(
                "AccessControlUnauthorizedAccount(address,bytes32)", ORACLE, role
            )
        );
        vm.prank(ORACLE);
        market.closeBook(windowId, 10);
    }

    function test_RevertWhen_CapacityIsExceeded() public {
        IEnergyMarket.WindowTerms memory terms = bookTerms();
        terms.capacityUwh = 9_999;
        windowId = open(terms);
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 bidId = buy(BUYER, 10_000, P);
        vm.warp(BID_END);
        fill(bidId, offerId, 10_000);
        refuse(P, IEnergyMarket.CapacityExceeded.selector);
    }

    function test_RevertWhen_ClearedOutOfTimeOrByOthersOrBilaterally() public {
        refuse(P, IEnergyMarket.ClearingClosed.selector);
        vm.warp(CLEAR_BY);
        refuse(P, IEnergyMarket.ClearingClosed.selector);
        vm.warp(BID_END);
        vm.expectPartialRevert(
            bytes4(keccak256("AccessControlUnauthorizedAccount(address,bytes32)"))
        );
        vm.prank(ORACLE);
        market.clear(batch(P, P));
        windowId = WINDOW;
        refuse(P, IEnergyMarket.WrongMechanism.selector);
    }

    function test_RevertWhen_ClearedAfterItWasClosed() public {
        sell(SELLER, 10_000, P);
        buy(BUYER, 10_000, P / 2);
        vm.warp(BID_END);
        vm.prank(COORDINATOR);
        market.closeBook(windowId, 1);
        refuse(P, IEnergyMarket.BookClosing.selector);
        close();
        refuse(P, IEnergyMarket.BookFinal.selector);
        refuseToClose(IEnergyMarket.BookFinal.selector);
    }

    // ------------------------------------------------------------------ what it must not skip

    function test_RevertWhen_ABetterBidIsSkipped() public {
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 lowId = buy(BUYER, 10_000, 2 * P);
        buy(BUYER_2, 10_000, 3 * P);
        vm.warp(BID_END);
        fill(lowId, offerId, 10_000);
        clearAt(P + P / 2);
        refuseToClose(IEnergyMarket.BetterOrderSkipped.selector);
    }

    function test_RevertWhen_ABetterOfferIsSkipped() public {
        uint256 dearId = sell(SELLER, 10_000, 2 * P);
        sell(SELLER_2, 10_000, P);
        uint256 bidId = buy(BUYER, 10_000, 2 * P);
        vm.warp(BID_END);
        fill(bidId, dearId, 10_000);
        clearAt(2 * P);
        refuseToClose(IEnergyMarket.BetterOrderSkipped.selector);
    }

    function test_RevertWhen_TwoOrdersThatMeetAreLeft() public {
        sell(SELLER, 10_000, P);
        buy(BUYER, 10_000, P);
        vm.warp(BID_END);
        refuseToClose(IEnergyMarket.TradesLeft.selector);
    }

    function test_RevertWhen_ThePriceIsNotTheOneOfTheRule() public {
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 bidId = buy(BUYER, 10_000, 2 * P);
        vm.warp(BID_END);
        fill(bidId, offerId, 10_000);
        clearAt(P + P / 2 + 1);
        refuseToClose(IEnergyMarket.PriceNotByRule.selector);
    }

    function test_PriorityDecidesBetweenEqualPrices() public {
        vm.prank(ADMINISTRATOR);
        market.grantPriority(BUYER_2, 1);
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 firstId = buy(BUYER, 10_000, 3 * P);
        uint256 criticalId = buy(BUYER_2, 10_000, 3 * P);
        vm.warp(BID_END);
        uint256 snapshot = vm.snapshotState();
        fill(firstId, offerId, 10_000);
        clearAt(2 * P);
        refuseToClose(IEnergyMarket.BetterOrderSkipped.selector);
        vm.revertToState(snapshot);
        delete fills;
        fill(criticalId, offerId, 10_000);
        clearAt(2 * P);
        close();
    }

    function test_APoorBidOfAHighClassStopsNoClearing() public {
        vm.prank(ADMINISTRATOR);
        market.grantPriority(BUYER_2, 1);
        uint256 offerId = sell(SELLER, 10_000, 2 * P);
        uint256 bidId = buy(BUYER, 10_000, 2 * P);
        buy(BUYER_2, 10_000, P);
        vm.warp(BID_END);
        fill(bidId, offerId, 10_000);
        clearAt(2 * P);
        close();
    }

    /// @notice Its best bid and best offer could not be filled with each other, so no clearing passed.
    function test_RevertWhen_APeerStandsOnBothSides() public {
        uint256 bidId = buy(BUYER, 10_000, 3 * P);
        vm.expectPartialRevert(IEnergyMarket.OnOtherSide.selector);
        sell(BUYER, 10_000, P);
        vm.prank(BUYER);
        market.cancel(bidId);
        sell(BUYER, 10_000, P);
        windowId = open(bookTerms());
        buy(BUYER, 10_000, P);
    }

    function test_TheRuleOfThePriceLeavesTheSpreadAside() public {
        IEnergyMarket.WindowTerms memory terms = bookTerms();
        (terms.maxFee, terms.feeAccount) = (50, GRID);
        windowId = open(terms);
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 bidId = buy(BUYER, 10_000, 3 * P);
        vm.warp(BID_END);
        fill(bidId, offerId, 10_000);
        vm.prank(COORDINATOR);
        market.clear(batch(2 * P - 25, 2 * P + 25));
        close();
    }

    // --------------------------------------------------------------------- midpoint and McAfee

    function openBy(IEnergyMarket.Mechanism mechanism) private {
        IEnergyMarket.WindowTerms memory terms = bookTerms();
        (terms.mechanism, terms.maxFee, terms.feeAccount) = (mechanism, 3 * P, GRID);
        if (mechanism == IEnergyMarket.Mechanism.McAfee) terms.maxEnergyUwh = terms.minEnergyUwh;
        windowId = open(terms);
    }

    function test_EachPairOfAMidpointWindowHalvesItsGain() public {
        openBy(IEnergyMarket.Mechanism.Midpoint);
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 bidId = buy(BUYER, 10_000, 2 * P);
        uint256 dearId = sell(SELLER_2, 10_000, P + 10);
        uint256 poorId = buy(BUYER_2, 10_000, P + 21);
        vm.warp(BID_END);
        fill(bidId, offerId, 10_000);
        fills.push(IEnergyMarket.Fill(poorId, dearId, 10_000, 10));
        clearAt(0);
        close();
        deliver(1);
        deliver(2);
        assertMoves(SELLER, int256(uint256(10_000 * (P + P / 2))));
        assertMoves(BUYER, -int256(uint256(10_000 * (P + P / 2))));
        // (110 + 121 + 10) / 2 = 120.5: the buyer pays 120, of which 10 are the fee.
        assertMoves(BUYER_2, -int256(uint256(10_000 * (P + 20))));
        assertMoves(SELLER_2, int256(uint256(10_000 * (P + 10))));
        assertMoves(GRID, 10_000 * 10);
    }

    function test_RevertWhen_APairOfAMidpointWindowCannotBearItsFee() public {
        openBy(IEnergyMarket.Mechanism.Midpoint);
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 bidId = buy(BUYER, 10_000, P + 9);
        vm.warp(BID_END);
        fills.push(IEnergyMarket.Fill(bidId, offerId, 10_000, 10));
        refuse(0, IEnergyMarket.FillPriceRefused.selector);
    }

    /// @dev Two bids and two offers of one quantity, the first pair of which may trade.
    function bookOfTwoPairs(uint64 bid2, uint64 offer2) private returns (uint256[4] memory ids) {
        openBy(IEnergyMarket.Mechanism.McAfee);
        ids[0] = buy(BUYER, MIN_UWH, 3 * P);
        ids[1] = sell(SELLER, MIN_UWH, P);
        ids[2] = buy(BUYER_2, MIN_UWH, bid2);
        ids[3] = sell(SELLER_2, MIN_UWH, offer2);
        vm.warp(BID_END);
    }

    function test_McAfeeTradesHalfwayBetweenTheNextTwoWhenThatSuitsAll() public {
        uint256[4] memory ids = bookOfTwoPairs(P + P / 2, 2 * P); // no trade; (150 + 200) / 2
        fill(ids[0], ids[1], MIN_UWH);
        clearAt(P + 3 * P / 4);
        close();
        deliver(1);
        assertMoves(SELLER, int256(uint256(MIN_UWH * (P + 3 * P / 4))));
    }

    function test_McAfeeLeavesTheLastPairOutWhenNoNextOneGivesAPrice() public {
        uint256[4] memory ids = bookOfTwoPairs(2 * P, P + P / 2); // both pairs could trade
        fill(ids[0], ids[1], MIN_UWH);
        vm.prank(COORDINATOR);
        market.clear(batch(P + P / 2, 2 * P));
        close();
        deliver(1);
        assertMoves(SELLER, int256(uint256(MIN_UWH * (P + P / 2))));
        assertMoves(BUYER, -int256(uint256(MIN_UWH * 2 * P)));
        assertMoves(GRID, int256(uint256(MIN_UWH * (P / 2))));
    }

    function test_McAfeeLeavesTheOnlyPairOut() public {
        openBy(IEnergyMarket.Mechanism.McAfee);
        sell(SELLER, MIN_UWH, P);
        buy(BUYER, MIN_UWH, 3 * P);
        vm.warp(BID_END);
        close();
        assertTrue(market.isCleared(windowId), "cleared");
    }

    function test_RevertWhen_McAfeesPricesAreOthers() public {
        uint256[4] memory ids = bookOfTwoPairs(2 * P, P + P / 2);
        fill(ids[0], ids[1], MIN_UWH);
        vm.prank(COORDINATOR);
        market.clear(batch(P + P / 2, 2 * P + 1));
        refuseToClose(IEnergyMarket.PriceNotByRule.selector);
    }

    function test_RevertWhen_McAfeeTradesAPairThatHasNoPrice() public {
        uint256[4] memory ids = bookOfTwoPairs(2 * P, P + P / 2);
        fill(ids[0], ids[1], MIN_UWH);
        fill(ids[2], ids[3], MIN_UWH);
        clearAt(2 * P);
        refuseToClose(IEnergyMarket.PriceNotByRule.selector);
    }

    function test_RevertWhen_McAfeeLeavesTwoPairsOut() public {
        bookOfTwoPairs(2 * P, P + P / 2);
        refuseToClose(IEnergyMarket.TradesLeft.selector);
    }

    function test_RevertWhen_McAfeeLeavesAPairOutThatHasAPrice() public {
        bookOfTwoPairs(P + P / 2, 2 * P); // (150 + 200) / 2 suits the first pair
        refuseToClose(IEnergyMarket.TradesLeft.selector);
    }

    function test_RevertWhen_AMcAfeeWindowHasSeveralQuantities() public {
        IEnergyMarket.WindowTerms memory terms = bookTerms();
        terms.mechanism = IEnergyMarket.Mechanism.McAfee;
        vm.expectPartialRevert(IEnergyMarket.EnergyLimitsInvalid.selector);
        open(terms);
        (terms.maxEnergyUwh, terms.capacityUwh) = (terms.minEnergyUwh, 1e6);
        vm.expectPartialRevert(IEnergyMarket.CapacityOrFeeInvalid.selector);
        open(terms);
    }

    // -------------------------------------------------------------------- when it is not finished

    function test_AnUnfinishedBookIsVoidFromClearByOn() public {
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 bidId = buy(BUYER, 10_000, 3 * P);
        vm.warp(BID_END);
        fill(bidId, offerId, 4_000);
        clearAt(2 * P);
        vm.expectPartialRevert(IEnergyMarket.WindowNotCleared.selector);
        report(1, 4_000, 4_000);
        vm.expectPartialRevert(IEnergyMarket.RefundTooEarly.selector);
        market.refund(1);
        vm.warp(CLEAR_BY);
        refuseToClose(IEnergyMarket.ClearingClosed.selector);
        vm.startPrank(STRANGER);
        market.refund(1);
        market.reclaim(bidId);
        vm.stopPrank();
        assertMoves(BUYER, 0);
        vm.expectPartialRevert(IEnergyMarket.NothingLocked.selector);
        market.reclaim(bidId);
    }

    function test_RevertWhen_TheBookIsFrozenOrTradesAreTaken() public {
        uint256 offerId = sell(SELLER, 10_000, P);
        uint256 bidId = buy(BUYER, 10_000, P);
        vm.expectPartialRevert(IEnergyMarket.WrongMechanism.selector);
        vm.prank(BUYER);
        market.take(offerId, 10_000, P);
        vm.warp(BID_END);
        vm.startPrank(BUYER);
        vm.expectPartialRevert(IEnergyMarket.BookFrozen.selector);
        market.cancel(bidId);
        vm.expectPartialRevert(IEnergyMarket.BiddingClosed.selector);
        market.amend(bidId, 10_000, 2 * P);
        vm.stopPrank();
    }

    /// @notice Whatever is filled at whatever price: every wei is a balance, a lock or an escrow, and
    /// after the pass, settlement and refunds all of it is balances.
    function testFuzz_MoneyIsConserved(
        uint64[4] memory energies,
        uint64[4] memory prices,
        uint64 price,
        uint64 filledUwh,
        uint64 meteredUwh,
        bool isClosed
    ) public {
        IEnergyMarket.WindowTerms memory terms = bookTerms();
        terms.isStrict = false;
        windowId = open(terms);
        address[4] memory peers = [SELLER, SELLER_2, BUYER, BUYER_2];
        for (uint256 i = 0; i < 4; i++) {
            uint64 energyUwh = MIN_UWH + energies[i] % 1_000_000;
            if (i < 2) sell(peers[i], energyUwh, 1 + prices[i] % 1000);
            else buy(peers[i], energyUwh, 1 + prices[i] % 1000);
        }
        (,, uint256 last,,) = market.counts();
        vm.warp(BID_END);
        price = 1 + price % 1000;
        for (uint256 i = 0; i < 2; i++) {
            fill(last - i, last - 2 - i, MIN_UWH + filledUwh % 100_000);
            vm.prank(COORDINATOR);
            try market.clear(batch(price, price)) {} catch {}
            delete fills;
        }
        if (isClosed) close();
        vm.warp(REPORT_BY - 1);
        (,,, uint256 trades,) = market.counts();
        for (uint256 i = 1; i <= trades; i++) {
            if (isClosed) report(i, meteredUwh, meteredUwh);
            else market.refund(i);
        }
        for (uint256 i = last - 3; i <= last; i++) {
            if (market.order(i).lockedWei != 0) market.reclaim(i);
        }
        uint256 sumWei = balanceOf(GRID);
        for (uint256 i = 0; i < 4; i++) {
            sumWei += balanceOf(peers[i]);
        }
        assertEq(sumWei, 5 * DEPOSIT, "all balances");
    }
}
