// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

contract TakeTest is MarketTest {
    function take(address taker, uint256 orderId, uint64 energyUwh, uint64 limit)
        private
        returns (uint256)
    {
        vm.prank(taker);
        return market.take(orderId, energyUwh, limit);
    }

    function test_TakeOfOfferPaysFromTakersBalance() public {
        uint256 orderId = offer(ENERGY);
        uint256 tradeId = take(BUYER, orderId, ENERGY, PRICE);

        assertEq(balanceOf(BUYER), DEPOSIT - cost(ENERGY), "buyer");
        assertEq(balanceOf(SELLER), DEPOSIT, "seller is paid only for metered energy");
        IEnergyMarket.Trade memory made = market.trade(tradeId);
        assertEq(made.seller, SELLER, "seller");
        assertEq(made.buyer, BUYER, "buyer");
        assertEq(made.windowId, WINDOW, "window");
        assertEq(made.energyUwh, ENERGY, "energy");
        assertEq(made.priceGweiPerKwh, PRICE, "price");
        assertStatus(tradeId, IEnergyMarket.TradeStatus.Open);
    }

    function test_TakeOfBidPaysFromItsLock() public {
        uint256 orderId = bid(ENERGY);
        uint256 tradeId = take(SELLER, orderId, ENERGY, PRICE);

        assertEq(balanceOf(BUYER), DEPOSIT - cost(ENERGY), "buyer pays once");
        assertEq(balanceOf(SELLER), DEPOSIT, "seller pays nothing");
        assertEq(market.trade(tradeId).seller, SELLER, "taker of a bid sells");
        assertEq(market.trade(tradeId).buyer, BUYER, "maker of a bid buys");
    }

    function test_TakeEmitsTrade() public {
        uint256 orderId = offer(ENERGY);
        expectEvent();
        emit IEnergyMarket.TradeMade(1, orderId, WINDOW, SELLER, BUYER, BUYER, ENERGY, PRICE);
        take(BUYER, orderId, ENERGY, PRICE);
    }

    function test_TakeLeavesTheRestForOthers() public {
        uint256 orderId = offer(ENERGY);
        take(BUYER, orderId, 20_000, PRICE);
        assertEq(leftOf(orderId), 30_000, "left");
        take(BUYER, orderId, 30_000, PRICE);
        assertEq(leftOf(orderId), 0, "left after both");
    }

    function test_TakeBetweenBidEndAndClearBy() public {
        uint256 orderId = offer(ENERGY);
        vm.warp(CLEAR_BY - 1);
        take(BUYER, orderId, ENERGY, PRICE);
    }

    function test_TakeAtABetterPriceThanTheLimitTradesAtTheOrdersPrice() public {
        uint256 tradeId = take(BUYER, offer(ENERGY), ENERGY, 2 * PRICE);
        assertEq(market.trade(tradeId).priceGweiPerKwh, PRICE, "price");
    }

    function test_RevertWhen_OfferIsAboveTheBuyersLimit() public {
        uint256 orderId = offer(ENERGY);
        expectRefusal(
            abi.encodeWithSelector(IEnergyMarket.LimitNotMet.selector, orderId, PRICE, PRICE - 1)
        );
        take(BUYER, orderId, ENERGY, PRICE - 1);
    }

    function test_RevertWhen_BidIsBelowTheSellersLimit() public {
        uint256 orderId = bid(ENERGY);
        expectRefusal(
            abi.encodeWithSelector(IEnergyMarket.LimitNotMet.selector, orderId, PRICE, PRICE + 1)
        );
        take(SELLER, orderId, ENERGY, PRICE + 1);
    }

    function test_RevertWhen_PeerTakesItsOwnOrder() public {
        uint256 orderId = offer(ENERGY);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.SelfTrade.selector, orderId, SELLER));
        take(SELLER, orderId, ENERGY, PRICE);
    }

    function test_RevertWhen_MoreIsTakenThanIsLeft() public {
        uint256 orderId = offer(ENERGY);
        take(BUYER, orderId, 20_000, PRICE);
        expectRefusal(
            abi.encodeWithSelector(IEnergyMarket.EnergyNotLeft.selector, orderId, 30_001, 30_000)
        );
        take(BUYER, orderId, 30_001, PRICE);
    }

    function test_RevertWhen_NothingIsLeft() public {
        uint256 orderId = offer(ENERGY);
        take(BUYER, orderId, ENERGY, PRICE);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.OrderClosed.selector, orderId));
        take(BUYER, orderId, ENERGY, PRICE);
    }

    function test_RevertWhen_TakeIsUnderTheMinimum() public {
        uint256 orderId = offer(ENERGY);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.EnergyOutOfBounds.selector, MIN_UWH - 1, MIN_UWH, ENERGY
            )
        );
        take(BUYER, orderId, MIN_UWH - 1, PRICE);
    }

    function test_RevertWhen_RemainderIsUnderTheMinimum() public {
        uint256 orderId = offer(ENERGY);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.RemainderTooSmall.selector, orderId, MIN_UWH - 1, MIN_UWH
            )
        );
        take(BUYER, orderId, ENERGY - MIN_UWH + 1, PRICE);
    }

    function test_RevertWhen_TakenAtClearBy() public {
        uint256 orderId = offer(ENERGY);
        vm.warp(CLEAR_BY);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.TakingClosed.selector, WINDOW, CLEAR_BY, T0, CLEAR_BY
            )
        );
        take(BUYER, orderId, ENERGY, PRICE);
    }

    function test_RevertWhen_BuyerCannotPay() public {
        uint256 orderId = offer(ENERGY);
        vm.prank(BUYER);
        market.withdraw(DEPOSIT - cost(ENERGY) + 1);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.BalanceTooLow.selector, BUYER, cost(ENERGY), cost(ENERGY) - 1
            )
        );
        take(BUYER, orderId, ENERGY, PRICE);
    }

    function test_RevertWhen_OrderIsUnknown() public {
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.UnknownOrder.selector, 7));
        take(BUYER, 7, ENERGY, PRICE);
    }

    function test_RevertWhen_TakerIsSuspended() public {
        uint256 orderId = offer(ENERGY);
        suspend(BUYER);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.PeerNotApproved.selector, BUYER, IEnergyMarket.PeerStatus.Suspended
            )
        );
        take(BUYER, orderId, ENERGY, PRICE);
    }

    function test_RevertWhen_MakerIsSuspended() public {
        uint256 orderId = offer(ENERGY);
        suspend(SELLER);
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.PeerNotApproved.selector, SELLER, IEnergyMarket.PeerStatus.Suspended
            )
        );
        take(BUYER, orderId, ENERGY, PRICE);
    }

    function test_RevertWhen_MarketIsPaused() public {
        uint256 orderId = offer(ENERGY);
        pause();
        expectRefusal(abi.encodeWithSignature("EnforcedPause()"));
        take(BUYER, orderId, ENERGY, PRICE);
    }

    /// @notice Whatever is taken, the order, the trade and the buyer's money move by that energy.
    function testFuzz_TakeMovesExactlyTheEnergyTaken(uint64 ordered, uint64 taken) public {
        ordered = uint64(2 * MIN_UWH + ordered % (MAX_UWH - 2 * MIN_UWH));
        taken = uint64(MIN_UWH + taken % (ordered - 2 * MIN_UWH + 1));
        uint256 orderId = offer(ordered);
        uint256 tradeId = take(BUYER, orderId, taken, PRICE);

        assertEq(leftOf(orderId), ordered - taken, "left");
        assertEq(market.trade(tradeId).energyUwh, taken, "traded");
        assertEq(balanceOf(BUYER), DEPOSIT - cost(taken), "paid");
    }
}
