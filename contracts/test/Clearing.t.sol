// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {BookTest} from "./Book.t.sol";

/// @notice Books that the coordinator clears: what it gives, and what it may fill.
contract ClearingTest is BookTest {
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
