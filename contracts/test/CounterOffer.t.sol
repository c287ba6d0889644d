// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

/// @notice Other terms for an order: who may propose and accept them, and what they hold.
contract CounterOfferTest is MarketTest {
    address private constant OTHER = address(0xB3);
    uint64 private constant LOW = PRICE / 2;
    uint64 private constant MIDDLE = 3 * PRICE / 4;

    function setUp() public override {
        super.setUp();
        makePeer(OTHER, "house-3");
    }

    function answer(address peer, uint256 orderId, uint64 energyUwh, uint64 price)
        private
        returns (uint256)
    {
        vm.prank(peer);
        return market.counter(orderId, energyUwh, price);
    }

    function again(address peer, uint256 counterId, uint64 energyUwh, uint64 price) private {
        vm.prank(peer);
        market.counterAgain(counterId, energyUwh, price);
    }

    function accept(address peer, uint256 counterId, uint64 energyUwh, uint64 price)
        private
        returns (uint256)
    {
        vm.prank(peer);
        return market.accept(counterId, energyUwh, price);
    }

    function refuse(bytes4 selector) private {
        vm.expectPartialRevert(selector);
    }

    function test_ABuyersAnswerLocksItsCostAndTradesWhenTheSellerAccepts() public {
        uint256 orderId = offer(ENERGY);
        expectEvent();
        emit IEnergyMarket.CounterOffered(1, orderId, BUYER, false, ENERGY, LOW);
        uint256 counterId = answer(BUYER, orderId, ENERGY, LOW);
        assertEq(balanceOf(BUYER), DEPOSIT - uint256(ENERGY) * LOW, "locked");
        assertEq(market.counterOffer(counterId).lockedWei, uint256(ENERGY) * LOW, "lock shown");

        expectEvent();
        emit IEnergyMarket.CounterAccepted(counterId, 1);
        expectEvent();
        emit IEnergyMarket.TradeMade(1, orderId, WINDOW, SELLER, BUYER, BUYER, ENERGY, LOW);
        uint256 tradeId = accept(SELLER, counterId, ENERGY, LOW);

        assertEq(leftOf(orderId), 0, "left");
        assertEq(balanceOf(BUYER), DEPOSIT - uint256(ENERGY) * LOW, "paid once");
        report(tradeId, ENERGY, ENERGY);
        assertEq(balanceOf(SELLER), DEPOSIT + uint256(ENERGY) * LOW, "seller");
        refuse(IEnergyMarket.UnknownCounter.selector);
        market.counterOffer(counterId);
    }

    function test_BothSidesAnswerEachOtherUntilOneAccepts() public {
        uint256 orderId = offer(ENERGY);
        uint256 counterId = answer(BUYER, orderId, ENERGY, LOW);
        again(SELLER, counterId, ENERGY, MIDDLE);
        assertEq(balanceOf(BUYER), DEPOSIT, "the buyer's lock is free");
        again(BUYER, counterId, ENERGY, LOW + 1);
        again(BUYER, counterId, ENERGY / 2, LOW + 2);
        assertEq(balanceOf(BUYER), DEPOSIT - uint256(ENERGY / 2) * (LOW + 2), "newest lock");
        again(SELLER, counterId, ENERGY / 2, MIDDLE);
        uint256 tradeId = accept(BUYER, counterId, ENERGY / 2, MIDDLE);
        assertEq(balanceOf(BUYER), DEPOSIT - uint256(ENERGY / 2) * MIDDLE, "paid");
        assertEq(leftOf(orderId), ENERGY / 2, "rest of the offer");
        assertEq(market.trade(tradeId).priceGweiPerKwh, MIDDLE, "price");
    }

    function test_ADearerAnswerToABidIsPaidFromItsLockAndTheBalance() public {
        uint256 orderId = bid(ENERGY);
        uint256 counterId = answer(SELLER, orderId, ENERGY, 2 * PRICE);
        assertEq(market.counterOffer(counterId).lockedWei, 0, "sellers lock nothing");
        accept(BUYER, counterId, ENERGY, 2 * PRICE);
        assertEq(balanceOf(BUYER), DEPOSIT - 2 * cost(ENERGY), "paid");
        assertEq(market.order(orderId).lockedWei, 0, "bid's lock");
    }

    function test_RevertWhen_ABuyersBalanceDoesNotCoverItsOwnTermsAnyMore() public {
        uint256 counterId = answer(SELLER, bid(ENERGY), ENERGY, PRICE + 1);
        again(BUYER, counterId, ENERGY, PRICE + 1); // the maker's terms lock no more than its bid
        vm.startPrank(BUYER);
        market.withdraw(DEPOSIT - cost(ENERGY));
        vm.stopPrank();
        refuse(IEnergyMarket.BalanceTooLow.selector);
        accept(SELLER, counterId, ENERGY, PRICE + 1);
    }

    function test_AcceptingACheaperBidReturnsTheRestOfItsLock() public {
        uint256 orderId = bid(ENERGY);
        uint256 counterId = answer(SELLER, orderId, ENERGY, PRICE);
        again(BUYER, counterId, ENERGY, LOW);
        accept(SELLER, counterId, ENERGY, LOW);
        assertEq(balanceOf(BUYER), DEPOSIT - uint256(ENERGY) * LOW, "paid");
    }

    function test_EitherSideWithdrawsAndTheLockIsFree() public {
        uint256 orderId = offer(ENERGY);
        address[2] memory sides = [BUYER, SELLER];
        for (uint256 i = 0; i < 2; i++) {
            uint256 counterId = answer(BUYER, orderId, ENERGY, LOW);
            expectEvent();
            emit IEnergyMarket.CounterWithdrawn(counterId, uint256(ENERGY) * LOW);
            vm.prank(sides[i]);
            market.withdrawCounter(counterId);
            assertEq(balanceOf(BUYER), DEPOSIT, "free");
        }
    }

    function test_AnyoneFreesItsLockOnceTheWindowIsOver() public {
        uint256 counterId = answer(BUYER, offer(ENERGY), ENERGY, LOW);
        refuse(IEnergyMarket.CounterNotYours.selector);
        vm.prank(STRANGER);
        market.withdrawCounter(counterId);
        vm.warp(CLEAR_BY);
        vm.prank(STRANGER);
        market.withdrawCounter(counterId);
        assertEq(balanceOf(BUYER), DEPOSIT, "free");
    }

    function test_ItIsWithdrawnEvenWhenPausedAndSuspended() public {
        uint256 counterId = answer(BUYER, offer(ENERGY), ENERGY, LOW);
        suspend(BUYER);
        pause();
        vm.prank(BUYER);
        market.withdrawCounter(counterId);
        assertEq(balanceOf(BUYER), DEPOSIT, "free");
    }

    function test_RevertWhen_TheTermsChangedMeanwhile() public {
        uint256 counterId = answer(BUYER, offer(ENERGY), ENERGY, MIDDLE);
        again(BUYER, counterId, ENERGY, LOW);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.CounterChanged.selector, counterId, uint256(ENERGY), uint256(LOW)
            )
        );
        accept(SELLER, counterId, ENERGY, MIDDLE);
    }

    function test_RevertWhen_ItIsNotTheOtherSidesToAccept() public {
        uint256 counterId = answer(BUYER, offer(ENERGY), ENERGY, LOW);
        refuse(IEnergyMarket.CounterNotYours.selector);
        accept(BUYER, counterId, ENERGY, LOW);
        refuse(IEnergyMarket.CounterNotYours.selector);
        accept(OTHER, counterId, ENERGY, LOW);
        again(SELLER, counterId, ENERGY, MIDDLE);
        refuse(IEnergyMarket.CounterNotYours.selector);
        accept(SELLER, counterId, ENERGY, MIDDLE);
        refuse(IEnergyMarket.CounterNotYours.selector);
        again(OTHER, counterId, ENERGY, LOW);
    }

    function test_RevertWhen_TheOrderIsGone() public {
        uint256 orderId = offer(ENERGY);
        uint256 counterId = answer(BUYER, orderId, ENERGY, LOW);
        vm.prank(OTHER);
        market.take(orderId, ENERGY - MIN_UWH, PRICE);
        refuse(IEnergyMarket.EnergyNotLeft.selector);
        accept(SELLER, counterId, ENERGY, LOW);
        vm.prank(OTHER);
        market.take(orderId, MIN_UWH, PRICE);
        refuse(IEnergyMarket.OrderClosed.selector);
        accept(SELLER, counterId, ENERGY, LOW);
    }

    function test_RevertWhen_ItIsToOnesOwnOrderOrByAStranger() public {
        uint256 orderId = offer(ENERGY);
        refuse(IEnergyMarket.SelfTrade.selector);
        answer(SELLER, orderId, ENERGY, LOW);
        refuse(IEnergyMarket.NotRegistered.selector);
        answer(STRANGER, orderId, ENERGY, LOW);
        suspend(BUYER);
        refuse(IEnergyMarket.PeerNotApproved.selector);
        answer(BUYER, orderId, ENERGY, LOW);
    }

    function test_RevertWhen_TermsAreOutOfBounds() public {
        uint256 orderId = offer(ENERGY);
        refuse(IEnergyMarket.EnergyNotLeft.selector);
        answer(BUYER, orderId, ENERGY + 1, LOW);
        refuse(IEnergyMarket.EnergyOutOfBounds.selector);
        answer(BUYER, orderId, MIN_UWH - 1, LOW);
        refuse(IEnergyMarket.RemainderTooSmall.selector);
        answer(BUYER, orderId, ENERGY - 1, LOW);
        refuse(IEnergyMarket.PriceOutOfBounds.selector);
        answer(BUYER, orderId, ENERGY, 0);
        vm.prank(OTHER);
        uint256 largeId = market.offer(WINDOW, MAX_UWH, PRICE);
        refuse(IEnergyMarket.BalanceTooLow.selector);
        answer(BUYER, largeId, MAX_UWH, 1e12);
        vm.warp(CLEAR_BY);
        refuse(IEnergyMarket.TakingClosed.selector);
        answer(BUYER, orderId, ENERGY, LOW);
    }

    function test_RevertWhen_TheSellerIsNotAccepted() public {
        vm.prank(BUYER);
        uint256 orderId = market.bid(WINDOW, ENERGY, PRICE, true);
        refuse(IEnergyMarket.SellerNotAccepted.selector);
        answer(SELLER, orderId, ENERGY, PRICE);
    }

    function test_RevertWhen_OrdersAreClearedTogether() public {
        IEnergyMarket.WindowTerms memory terms = windowTerms();
        terms.mechanism = IEnergyMarket.Mechanism.Uniform;
        vm.prank(COORDINATOR);
        uint256 windowId = market.openWindow(terms);
        vm.prank(SELLER);
        uint256 orderId = market.offer(windowId, ENERGY, PRICE);
        refuse(IEnergyMarket.WrongMechanism.selector);
        answer(BUYER, orderId, ENERGY, LOW);
    }

    function test_ItsEnergyCountsForTheNodeWhileItStands() public {
        uint64 most = MAX_UWH;
        vm.prank(SELLER);
        uint256 orderId = market.offer(WINDOW, most, 1);
        uint256 counterId = answer(BUYER, orderId, most, 2);
        refuse(IEnergyMarket.NodeLimitExceeded.selector);
        bid(MIN_UWH);
        vm.prank(BUYER);
        market.withdrawCounter(counterId);
        bid(MIN_UWH);
    }

    /// @notice Whatever is proposed: every wei is a balance, a lock, a counter's lock or an escrow.
    function testFuzz_MoneyIsConserved(bool isOffer, uint8[8] memory dice, uint64[8] memory prices)
        public
    {
        uint256 orderId = isOffer ? offer(ENERGY) : bid(ENERGY);
        uint256 counterId = answer(isOffer ? BUYER : SELLER, orderId, ENERGY, PRICE);
        for (uint256 i = 0; i < 8; i++) {
            vm.prank(dice[i] % 2 == 0 ? SELLER : BUYER);
            uint64 energyUwh = MIN_UWH + uint64(dice[i]) * 100;
            try market.counterAgain(counterId, energyUwh, 1 + prices[i] % 1e9) {} catch {}
            assertWhole(orderId, counterId, 0);
        }
        IEnergyMarket.CounterOffer memory last = market.counterOffer(counterId);
        address other = last.isMakers == isOffer ? BUYER : SELLER;
        vm.prank(other);
        try market.accept(counterId, last.energyUwh, last.priceGweiPerKwh) {
            assertWhole(orderId, 0, uint256(last.energyUwh) * last.priceGweiPerKwh);
        } catch {
            assertWhole(orderId, counterId, 0);
        }
    }

    function assertWhole(uint256 orderId, uint256 counterId, uint256 escrowWei) private view {
        uint256 sumWei = balanceOf(SELLER) + balanceOf(BUYER) + market.order(orderId).lockedWei;
        if (counterId != 0) sumWei += market.counterOffer(counterId).lockedWei;
        assertEq(sumWei + escrowWei, 2 * DEPOSIT, "every wei");
    }
}
