// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {BookTest} from "./Book.t.sol";

/// @notice Books that are not finished in time, and what may happen to one meanwhile.
contract UnfinishedTest is BookTest {
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
}
