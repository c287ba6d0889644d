// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Accounts} from "./Accounts.sol";
import {BookFills} from "./BookFills.sol";
import {APPROVED, BookSlot, Extremes, MarketState, OFFER, OrderSlot} from "./MarketState.sol";
import {Orders} from "./Orders.sol";
import {SkippedOrders} from "./SkippedOrders.sol";
import {Slots} from "./Slots.sol";
import {TradingWindow} from "./TradingWindow.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title What the coordinator does with a book: reviews, batches of fills, the closing pass
/// @dev An external library only so that the market stays below the size limit of contracts.
library Clearing {
    using Accounts for MarketState;
    using Orders for MarketState;
    using Slots for OrderSlot;

    /// @dev See `IEnergyMarket.review`.
    function review(MarketState storage state, uint256[] calldata orderIds, bool isApproved)
        external
    {
        for (uint256 i = 0; i < orderIds.length; ++i) {
            uint256 orderId = orderIds[i];
            OrderSlot storage slot = state.open(orderId);
            uint32 windowId = slot.windowId;
            TradingWindow.Slots storage window = state.windows[windowId];
            if (!window.needsApproval || slot.flags & APPROVED != 0) {
                revert IEnergyMarket.NothingToReview(orderId);
            }
            if (block.timestamp >= window.clearBy) {
                revert IEnergyMarket.TakingClosed(
                    windowId, block.timestamp, window.bidStart, window.clearBy
                );
            }
            emit IEnergyMarket.OrderReviewed(orderId, isApproved);
            if (isApproved) {
                slot.flags |= APPROVED;
            } else {
                state.release(state.accounts[slot.peer].account, windowId, slot.energyUwh);
                state.close(orderId, slot);
            }
        }
    }

    /// @dev See `IEnergyMarket.clear`. Returns the number of the last trade made.
    function clear(
        MarketState storage state,
        IEnergyMarket.Batch calldata batch,
        uint256 tradeId,
        uint40 lastOrder
    ) external returns (uint256) {
        uint256 windowId = batch.windowId;
        TradingWindow.Slots memory window = state.windows[windowId];
        BookSlot memory book = _begin(state, windowId, window, lastOrder);
        if (book.nextOrder != book.firstOrder) revert IEnergyMarket.BookClosing(windowId);
        _agreePrice(batch, window, book);

        uint256 filledUwh = book.filledUwh;
        for (uint256 i = 0; i < batch.fills.length; ++i) {
            IEnergyMarket.Fill calldata fill = batch.fills[i];
            filledUwh += fill.energyUwh;
            BookFills.fillOne(state, window, book, fill, windowId, ++tradeId);
        }
        if (window.capacityUwh != 0 && filledUwh > window.capacityUwh) {
            revert IEnergyMarket.CapacityExceeded(windowId, filledUwh, window.capacityUwh);
        }
        // Energy of orders of one window: the sum of all stays below 2^48 by MAX_ENERGY_UWH only if
        // it is checked.
        if (filledUwh > type(uint48).max) {
            revert IEnergyMarket.CapacityExceeded(windowId, filledUwh, type(uint48).max);
        }
        book.filledUwh = uint48(filledUwh);
        state.books[windowId] = book;
        return tradeId;
    }

    /// @dev See `IEnergyMarket.closeBook`.
    function closeBook(MarketState storage state, uint256 windowId, uint256 count, uint40 lastOrder)
        external
    {
        TradingWindow.Slots memory window = state.windows[windowId];
        BookSlot memory book = _begin(state, windowId, window, lastOrder);
        Extremes memory seen = state.extremes[windowId];
        uint256 next = book.nextOrder;
        uint256 end = book.lastOrder + 1;
        if (count < end - next) end = next + count;
        for (; next < end; ++next) {
            _closeOrder(state, window, seen, windowId, next);
        }
        book.nextOrder = uint40(next);
        if (next != book.lastOrder + 1) {
            state.extremes[windowId] = seen;
        } else {
            book.isFinal = true;
            SkippedOrders.checkGrid(windowId, book, seen);
            if (window.isStrict) SkippedOrders.checkNoneSkipped(windowId, window, book, seen);
            emit IEnergyMarket.WindowCleared(windowId, book.filledUwh);
        }
        state.books[windowId] = book;
    }

    // ------------------------------------------------------------------------------------- book

    /// @dev Returns the book, frozen now if it was not; in a window's time for clearing only.
    function _begin(
        MarketState storage state,
        uint256 windowId,
        TradingWindow.Slots memory window,
        uint40 lastOrder
    ) private view returns (BookSlot memory book) {
        if (window.reportBy == 0) revert IEnergyMarket.UnknownWindow(windowId);
        if (window.mechanism == IEnergyMarket.Mechanism.Bilateral) {
            revert IEnergyMarket.WrongMechanism(windowId, window.mechanism);
        }
        if (block.timestamp < window.bidEnd || block.timestamp >= window.clearBy) {
            revert IEnergyMarket.ClearingClosed(
                windowId, block.timestamp, window.bidEnd, window.clearBy
            );
        }
        book = state.books[windowId];
        if (book.isFinal) revert IEnergyMarket.BookFinal(windowId);
        if (book.lastOrder == 0) {
            book.lastOrder = lastOrder;
            book.nextOrder = book.firstOrder;
        }
    }

    /// @dev Publishes the book's prices with its first fills; later fills must be at the same.
    function _agreePrice(
        IEnergyMarket.Batch calldata batch,
        TradingWindow.Slots memory window,
        BookSlot memory book
    ) private {
        (uint256 sell, uint256 buy) = (batch.sellPrice, batch.buyPrice);
        bool isUniform = window.mechanism == IEnergyMarket.Mechanism.Uniform
            || window.mechanism == IEnergyMarket.Mechanism.McAfee;
        if (book.filledUwh == 0 && book.sellPrice == 0) {
            bool isInside = isUniform
                ? sell >= window.minPrice && buy <= window.maxPrice
                : sell == 0 && buy == 0;
            if (!isInside || sell > buy) {
                revert IEnergyMarket.BookPriceInvalid(sell, buy, window.minPrice, window.maxPrice);
            }
            (book.sellPrice, book.spread) = (uint40(sell), uint40(buy - sell));
            emit IEnergyMarket.BookPriced(batch.windowId, uint64(sell), uint64(buy));
        } else if (sell != book.sellPrice || buy != uint256(book.sellPrice) + book.spread) {
            revert IEnergyMarket.PriceNotUniform(
                batch.windowId, sell, buy, book.sellPrice, uint256(book.sellPrice) + book.spread
            );
        }
    }

    // ---------------------------------------------------------------------------------- closing

    /// @dev Returns a bid's surplus, and remembers how good the order is.
    function _closeOrder(
        MarketState storage state,
        TradingWindow.Slots memory window,
        Extremes memory seen,
        uint256 windowId,
        uint256 orderId
    ) private {
        OrderSlot memory slot = state.orders[orderId];
        if (slot.windowId != windowId) return;
        bool isOffer = slot.flags & OFFER != 0;
        if (window.isStrict || window.gridPeer != 0) {
            SkippedOrders.remember(state, window, seen, slot, isOffer);
        }
        if (isOffer) return;
        uint256 refundedWei = uint256(slot.energyUwh) * slot.price + slot.surplusWei;
        if (refundedWei == 0) return;
        emit IEnergyMarket.SurplusReturned(orderId, slot.energyUwh, refundedWei);
        (slot.energyUwh, slot.surplusWei) = (0, 0);
        state.orders[orderId].write(slot);
        state.credit(slot.peer, refundedWei);
    }
}
