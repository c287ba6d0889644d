// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {BookTest} from "./Book.t.sol";

/// @notice Books whose prices are made of pairs: midpoint and McAfee.
contract PairsTest is BookTest {
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
}
