// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

/// @notice Amendments, what a node may hold in a window, approval, and accepted sellers.
contract AmendTest is MarketTest {
    function amend(address peer, uint256 orderId, uint64 energyUwh, uint64 price) private {
        vm.prank(peer);
        market.amend(orderId, energyUwh, price);
    }

    function review(uint256 orderId, bool isApproved) private {
        uint256[] memory orderIds = new uint256[](1);
        orderIds[0] = orderId;
        vm.prank(COORDINATOR);
        market.review(orderIds, isApproved);
    }

    function openReviewed() private returns (uint256) {
        IEnergyMarket.WindowTerms memory terms = windowTerms();
        terms.needsApproval = true;
        vm.prank(COORDINATOR);
        return market.openWindow(terms);
    }

    function test_AmendMovesTheLockWithTheOrder() public {
        uint256 orderId = bid(ENERGY);
        expectEvent();
        emit IEnergyMarket.OrderAmended(orderId, 20_000, 2 * PRICE);
        amend(BUYER, orderId, 20_000, 2 * PRICE);
        assertEq(balanceOf(BUYER), DEPOSIT - 2 * cost(20_000), "buyer");
        assertEq(leftOf(orderId), 20_000, "energy");
        vm.prank(BUYER);
        market.cancel(orderId);
        assertEq(balanceOf(BUYER), DEPOSIT, "all back");
    }

    function test_AmendedOfferTradesAtItsNewPrice() public {
        uint256 orderId = offer(ENERGY);
        amend(SELLER, orderId, 30_000, PRICE / 2);
        vm.prank(BUYER);
        market.take(orderId, 30_000, PRICE / 2);
        assertEq(balanceOf(BUYER), DEPOSIT - cost(30_000) / 2, "buyer");
    }

    function test_RevertWhen_AmendedByOthersLateOutOfBoundsOrTooDear() public {
        uint256 orderId = bid(ENERGY);
        vm.expectPartialRevert(IEnergyMarket.NotYourOrder.selector);
        amend(SELLER, orderId, ENERGY, PRICE);
        vm.expectPartialRevert(IEnergyMarket.EnergyOutOfBounds.selector);
        amend(BUYER, orderId, MIN_UWH - 1, PRICE);
        vm.expectPartialRevert(IEnergyMarket.PriceOutOfBounds.selector);
        amend(BUYER, orderId, ENERGY, 0);
        vm.expectPartialRevert(IEnergyMarket.BalanceTooLow.selector);
        amend(BUYER, orderId, MAX_UWH, 2e9);
        vm.warp(BID_END);
        vm.expectPartialRevert(IEnergyMarket.BiddingClosed.selector);
        amend(BUYER, orderId, ENERGY, PRICE);
    }

    function test_RevertWhen_ANodeHoldsMoreThanTheWindowLets() public {
        uint256 first = offer(MAX_UWH - 10_000);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.NodeLimitExceeded.selector, SELLER, MAX_UWH + 1, MAX_UWH
            )
        );
        offer(10_001);
        uint256 second = offer(10_000);
        vm.expectPartialRevert(IEnergyMarket.NodeLimitExceeded.selector);
        amend(SELLER, second, 10_001, PRICE);
        vm.prank(SELLER);
        market.cancel(first);
        offer(20_000);
    }

    function test_RevertWhen_ATakeExceedsWhatItsNodeMayHold() public {
        offer(MAX_UWH);
        uint256 bidId = bid(ENERGY);
        vm.expectPartialRevert(IEnergyMarket.NodeLimitExceeded.selector);
        vm.prank(SELLER);
        market.take(bidId, ENERGY, PRICE);
    }

    function test_RevertWhen_ANodeGoesBackToAnOlderWindow() public {
        vm.prank(COORDINATOR);
        uint256 newer = market.openWindow(windowTerms());
        vm.prank(SELLER);
        market.offer(newer, MAX_UWH, PRICE);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.WindowPassed.selector, WINDOW, newer));
        offer(ENERGY);
    }

    function test_OrdersWaitForApprovalWhereTheWindowSaysSo() public {
        uint256 windowId = openReviewed();
        vm.prank(SELLER);
        uint256 orderId = market.offer(windowId, ENERGY, PRICE);
        vm.expectPartialRevert(IEnergyMarket.OrderNotApproved.selector);
        vm.prank(BUYER);
        market.take(orderId, ENERGY, PRICE);
        expectEvent();
        emit IEnergyMarket.OrderReviewed(orderId, true);
        review(orderId, true);
        vm.prank(BUYER);
        market.take(orderId, 20_000, PRICE);
        amend(SELLER, orderId, 20_000, PRICE);
        vm.expectPartialRevert(IEnergyMarket.OrderNotApproved.selector);
        vm.prank(BUYER);
        market.take(orderId, 20_000, PRICE);
    }

    function test_RejectionFreesTheLock() public {
        uint256 windowId = openReviewed();
        vm.prank(BUYER);
        uint256 orderId = market.bid(windowId, ENERGY, PRICE, false);
        review(orderId, false);
        assertEq(balanceOf(BUYER), DEPOSIT, "buyer");
        vm.expectPartialRevert(IEnergyMarket.OrderClosed.selector);
        review(orderId, true);
    }

    function test_RevertWhen_ReviewedTwiceOrWithoutNeedOrByOthers() public {
        uint256 plain = offer(ENERGY);
        vm.expectPartialRevert(IEnergyMarket.NothingToReview.selector);
        review(plain, true);
        uint256 windowId = openReviewed();
        vm.prank(SELLER);
        uint256 orderId = market.offer(windowId, ENERGY, PRICE);
        review(orderId, true);
        vm.expectPartialRevert(IEnergyMarket.NothingToReview.selector);
        review(orderId, false);
        vm.expectPartialRevert(
            bytes4(keccak256("AccessControlUnauthorizedAccount(address,bytes32)"))
        );
        vm.prank(ORACLE);
        market.review(new uint256[](0), true);
    }

    function test_OrdersAreReviewedUntilBeforeClearBy() public {
        uint256 windowId = openReviewed();
        vm.prank(SELLER);
        uint256 orderId = market.offer(windowId, ENERGY, PRICE);
        vm.warp(CLEAR_BY);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.TakingClosed.selector, windowId, CLEAR_BY, T0, CLEAR_BY
            )
        );
        review(orderId, true);
        vm.warp(CLEAR_BY - 1);
        review(orderId, true);
    }

    function test_ABidMayNameItsSellers() public {
        vm.prank(BUYER);
        uint256 orderId = market.bid(WINDOW, ENERGY, PRICE, true);
        vm.expectPartialRevert(IEnergyMarket.SellerNotAccepted.selector);
        vm.prank(SELLER);
        market.take(orderId, ENERGY, PRICE);
        expectEvent();
        emit IEnergyMarket.SellerAccepted(BUYER, SELLER, true);
        vm.prank(BUYER);
        market.acceptSeller(SELLER, true);
        vm.prank(SELLER);
        market.take(orderId, ENERGY, PRICE);
    }
}
