// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

/// @notice Ending what is left of an order: by its peer (cancel) or by anyone (reclaim).
contract CancelTest is MarketTest {
    function cancel(address sender, uint256 orderId) private {
        vm.prank(sender);
        market.cancel(orderId);
    }

    function test_CancelOfBidFreesItsLock() public {
        uint256 orderId = bid(ENERGY);
        expectEvent();
        emit IEnergyMarket.OrderCancelled(orderId, ENERGY, cost(ENERGY));
        cancel(BUYER, orderId);
        assertEq(balanceOf(BUYER), DEPOSIT, "balance");
        assertEq(leftOf(orderId), 0, "left");
    }

    function test_CancelOfOfferReturnsNothing() public {
        uint256 orderId = offer(ENERGY);
        expectEvent();
        emit IEnergyMarket.OrderCancelled(orderId, ENERGY, 0);
        cancel(SELLER, orderId);
        assertEq(balanceOf(SELLER), DEPOSIT, "balance");
    }

    function test_CancelAfterAPartialTakeFreesOnlyTheRest() public {
        uint256 orderId = bid(ENERGY);
        vm.prank(SELLER);
        market.take(orderId, 20_000, PRICE);
        cancel(BUYER, orderId);
        assertEq(balanceOf(BUYER), DEPOSIT - cost(20_000), "the trade keeps its escrow");
    }

    function test_CancelWorksDuringAPauseASuspensionAndAfterTheWindow() public {
        uint256 orderId = bid(ENERGY);
        suspend(BUYER);
        pause();
        vm.warp(REPORT_BY);
        cancel(BUYER, orderId);
        assertEq(balanceOf(BUYER), DEPOSIT, "balance");
    }

    function test_RevertWhen_CancelledTwice() public {
        uint256 orderId = bid(ENERGY);
        cancel(BUYER, orderId);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.OrderClosed.selector, orderId));
        cancel(BUYER, orderId);
    }

    function test_RevertWhen_OthersCancel() public {
        uint256 orderId = bid(ENERGY);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.NotYourOrder.selector, orderId, SELLER));
        cancel(SELLER, orderId);
    }

    function test_RevertWhen_CancelledOrderIsTaken() public {
        uint256 orderId = offer(ENERGY);
        cancel(SELLER, orderId);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.OrderClosed.selector, orderId));
        vm.prank(BUYER);
        market.take(orderId, ENERGY, PRICE);
    }

    function test_RevertWhen_UnknownOrderIsCancelled() public {
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.UnknownOrder.selector, 1));
        cancel(SELLER, 1);
    }

    function test_ReclaimByAnyoneFreesTheLockFromClearByOn() public {
        uint256 orderId = bid(ENERGY);
        vm.warp(CLEAR_BY);
        pause();
        expectEvent();
        emit IEnergyMarket.OrderCancelled(orderId, ENERGY, cost(ENERGY));
        vm.prank(STRANGER);
        market.reclaim(orderId);
        assertEq(balanceOf(BUYER), DEPOSIT, "balance");
    }

    function test_RevertWhen_ReclaimedBeforeClearBy() public {
        uint256 orderId = bid(ENERGY);
        vm.warp(CLEAR_BY - 1);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.ReclaimTooEarly.selector, orderId, CLEAR_BY - 1, CLEAR_BY
            )
        );
        market.reclaim(orderId);
    }

    function test_RevertWhen_AnOfferIsReclaimed() public {
        uint256 orderId = offer(ENERGY);
        vm.warp(CLEAR_BY);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.NothingLocked.selector, orderId));
        market.reclaim(orderId);
    }

    function test_RevertWhen_ReclaimedTwice() public {
        uint256 orderId = bid(ENERGY);
        vm.warp(CLEAR_BY);
        market.reclaim(orderId);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.NothingLocked.selector, orderId));
        market.reclaim(orderId);
    }
}
