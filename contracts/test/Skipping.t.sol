// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {BookTest} from "./Book.t.sol";

/// @notice Strict books: no better order is skipped, and the price is the rule's.
contract SkippingTest is BookTest {
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
}
