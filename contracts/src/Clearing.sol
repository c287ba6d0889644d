// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Accounts} from "./Accounts.sol";
import {
    ACCEPTED_ONLY,
    APPROVED,
    BookSlot,
    Extremes,
    FILLED,
    MarketState,
    OFFER,
    OrderSlot,
    TradeSlot
} from "./MarketState.sol";
import {Orders} from "./Orders.sol";
import {Slots} from "./Slots.sol";
import {TradingWindow} from "./TradingWindow.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title What the coordinator does with a book: its fills enter, checked trades leave
/// @dev An external library only so that the market stays below the size limit of contracts.
///
/// A rank orders one side of a book, higher is better: price first, where a lower offer is the better
/// one, then priority class. Not the class first: at one price for all, a higher class may stand
/// behind a bid that pays what it does not, and then no clearing would pass. No rank is zero.
library Clearing {
    using Accounts for MarketState;
    using Orders for MarketState;
    using Slots for OrderSlot;
    using Slots for TradeSlot;

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
            _fill(state, window, book, fill, windowId, ++tradeId);
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
            if (window.isStrict) _checkNoneSkipped(windowId, window, book, seen);
            emit IEnergyMarket.WindowCleared(windowId, book.filledUwh);
        }
        state.books[windowId] = book;
    }

    // ------------------------------------------------------------------------------------ fills

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

    function _fill(
        MarketState storage state,
        TradingWindow.Slots memory window,
        BookSlot memory book,
        IEnergyMarket.Fill calldata fill,
        uint256 windowId,
        uint256 tradeId
    ) private {
        OrderSlot memory bid = _side(state, window, windowId, fill.bidId, fill.energyUwh, 0);
        OrderSlot memory offer = _side(state, window, windowId, fill.offerId, fill.energyUwh, OFFER);
        (address seller, address buyer) = _pair(state, fill, bid, offer);
        (uint256 price, uint256 fee) = _prices(window, book, fill, bid.price, offer.price);

        uint48 energyUwh = uint48(fill.energyUwh);
        state.trades[tradeId].write(
            TradeSlot({
                seller: offer.peer,
                buyer: bid.peer,
                windowId: uint32(windowId),
                energyUwh: energyUwh,
                price: uint40(price),
                fee: uint40(fee),
                status: IEnergyMarket.TradeStatus.Open
            })
        );
        // Of the bid's lock, the trade's cost becomes its escrow; the rest waits for the pass.
        bid.surplusWei += uint88(uint256(energyUwh) * (bid.price - price - fee));
        bid.energyUwh -= energyUwh;
        offer.energyUwh -= energyUwh;
        bid.flags |= FILLED;
        offer.flags |= FILLED;
        state.orders[fill.bidId].write(bid);
        state.orders[fill.offerId].write(offer);
        emit IEnergyMarket.TradeCleared(
            tradeId, fill.bidId, fill.offerId, seller, buyer, energyUwh, uint64(price), uint64(fee)
        );
    }

    /// @dev Returns an order that may be filled with that much energy, on the side `flag`.
    function _side(
        MarketState storage state,
        TradingWindow.Slots memory window,
        uint256 windowId,
        uint256 orderId,
        uint256 energyUwh,
        uint8 flag
    ) private view returns (OrderSlot memory slot) {
        slot = state.orders[orderId];
        if (slot.windowId != windowId) {
            revert IEnergyMarket.OrderOfAnotherWindow(orderId, slot.windowId);
        }
        if (slot.flags & OFFER != flag) revert IEnergyMarket.WrongSide(orderId);
        if (window.needsApproval && slot.flags & APPROVED == 0) {
            revert IEnergyMarket.OrderNotApproved(orderId);
        }
        if (energyUwh > slot.energyUwh) {
            revert IEnergyMarket.EnergyNotLeft(orderId, energyUwh, slot.energyUwh);
        }
        if (energyUwh < window.minEnergyUwh) {
            revert IEnergyMarket.EnergyOutOfBounds(energyUwh, window.minEnergyUwh, slot.energyUwh);
        }
    }

    /// @dev Returns both peers when they may trade with each other. They differ: in a book that is
    /// cleared a peer stands on one side.
    function _pair(
        MarketState storage state,
        IEnergyMarket.Fill calldata fill,
        OrderSlot memory bid,
        OrderSlot memory offer
    ) private view returns (address seller, address buyer) {
        buyer = state.approved(bid.peer);
        seller = state.approved(offer.peer);
        if (bid.flags & ACCEPTED_ONLY != 0 && !state.accepted[bid.peer][offer.peer]) {
            revert IEnergyMarket.SellerNotAccepted(fill.bidId, seller);
        }
    }

    function _prices(
        TradingWindow.Slots memory window,
        BookSlot memory book,
        IEnergyMarket.Fill calldata fill,
        uint256 bidPrice,
        uint256 offerPrice
    ) private pure returns (uint256 price, uint256 fee) {
        fee = uint256(fill.feeGweiPerKwh) + book.spread;
        if (fee > window.maxFee) revert IEnergyMarket.FeeTooHigh(fill.bidId, fee, window.maxFee);
        price = book.sellPrice;
        if (window.mechanism == IEnergyMarket.Mechanism.PayAsBid) {
            price = fee < bidPrice ? bidPrice - fee : 0;
        } else if (window.mechanism == IEnergyMarket.Mechanism.Midpoint) {
            // Both halve what they gain after the fee; the buyer's price is rounded down.
            uint256 buyPrice = (bidPrice + offerPrice + fee) / 2;
            price = fee < buyPrice ? buyPrice - fee : 0;
        }
        if (price < offerPrice || price + fee > bidPrice) {
            revert IEnergyMarket.FillPriceRefused(
                fill.bidId, fill.offerId, bidPrice, offerPrice, price, fee
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
        if (window.isStrict) _remember(state, window, seen, slot, isOffer);
        if (isOffer) return;
        uint256 refundedWei = uint256(slot.energyUwh) * slot.price + slot.surplusWei;
        if (refundedWei == 0) return;
        emit IEnergyMarket.SurplusReturned(orderId, slot.energyUwh, refundedWei);
        (slot.energyUwh, slot.surplusWei) = (0, 0);
        state.orders[orderId].write(slot);
        state.credit(slot.peer, refundedWei);
    }

    function _remember(
        MarketState storage state,
        TradingWindow.Slots memory window,
        Extremes memory seen,
        OrderSlot memory slot,
        bool isOffer
    ) private view {
        uint48 rank = _rank(slot, isOffer);
        if (slot.flags & FILLED != 0) {
            uint48 worst = isOffer ? seen.worstOffer : seen.worstBid;
            if (worst == 0 || rank < worst) {
                if (isOffer) seen.worstOffer = rank;
                else seen.worstBid = rank;
            }
        }
        // What is left of these could not have been filled, or the contract cannot tell.
        if (slot.energyUwh < window.minEnergyUwh || slot.flags & ACCEPTED_ONLY != 0) return;
        if (window.needsApproval && slot.flags & APPROVED == 0) return;
        if (state.accounts[slot.peer].status != IEnergyMarket.PeerStatus.Approved) return;
        if (isOffer) {
            if (rank > seen.offerLeft) {
                (seen.offerLeft, seen.nextOfferLeft) = (rank, seen.offerLeft);
            } else if (rank > seen.nextOfferLeft) {
                seen.nextOfferLeft = rank;
            }
        } else {
            if (rank > seen.bidLeft) (seen.bidLeft, seen.nextBidLeft) = (rank, seen.bidLeft);
            else if (rank > seen.nextBidLeft) seen.nextBidLeft = rank;
        }
    }

    /// @dev Reverts when a better order was left than one that was filled, when two that were left
    /// would have met, or when the price is not the one of the window's rule.
    function _checkNoneSkipped(
        uint256 windowId,
        TradingWindow.Slots memory window,
        BookSlot memory book,
        Extremes memory seen
    ) private pure {
        if (seen.worstBid != 0 && seen.bidLeft > seen.worstBid) {
            revert IEnergyMarket.BetterOrderSkipped(windowId, false);
        }
        if (seen.worstOffer != 0 && seen.offerLeft > seen.worstOffer) {
            revert IEnergyMarket.BetterOrderSkipped(windowId, true);
        }
        if (window.mechanism == IEnergyMarket.Mechanism.McAfee) {
            return _checkMcAfee(windowId, book, seen);
        }
        bool hasRoom = window.capacityUwh == 0
            || uint256(window.capacityUwh) - book.filledUwh >= window.minEnergyUwh;
        if (hasRoom && _meet(seen.bidLeft, seen.offerLeft)) {
            revert IEnergyMarket.TradesLeft(windowId);
        }
        bool hasRule = window.kPermille != TradingWindow.NO_PRICE_RULE;
        if (hasRule && seen.worstBid != 0 && book.sellPrice != 0) {
            uint256 low = _offerPrice(seen.worstOffer);
            uint256 high = _bidPrice(seen.worstBid) - book.spread;
            _requirePrice(windowId, book, low + (high - low) * window.kPermille / 1000);
        }
    }

    /// @dev McAfee's double auction (doi:10.1016/0022-0531(92)90091-U). With k trades possible, the
    /// price is halfway between the (k+1)th bid and offer where that suits the k-th ones. Otherwise
    /// the k-th pair is left out: its bid is what buyers pay, its offer what sellers get.
    function _checkMcAfee(uint256 windowId, BookSlot memory book, Extremes memory seen)
        private
        pure
    {
        bool hasFills = seen.worstBid != 0;
        if (_meet(seen.bidLeft, seen.offerLeft)) {
            uint256 bidPrice = _bidPrice(seen.bidLeft);
            uint256 offerPrice = _offerPrice(seen.offerLeft);
            bool couldTrade = seen.nextBidLeft != 0 && seen.nextOfferLeft != 0
                && _isHalfwayWithin(seen.nextBidLeft, seen.nextOfferLeft, offerPrice, bidPrice);
            if (couldTrade || _meet(seen.nextBidLeft, seen.nextOfferLeft)) {
                revert IEnergyMarket.TradesLeft(windowId);
            }
            if (!hasFills) return;
            _requirePrice(windowId, book, offerPrice);
            if (book.spread != bidPrice - offerPrice) {
                revert IEnergyMarket.PriceNotByRule(
                    windowId, uint256(book.sellPrice) + book.spread, bidPrice
                );
            }
        } else if (hasFills) {
            bool isHalfway = seen.bidLeft != 0 && seen.offerLeft != 0 && book.spread == 0
                && _isHalfwayWithin(
                    seen.bidLeft,
                    seen.offerLeft,
                    _offerPrice(seen.worstOffer),
                    _bidPrice(seen.worstBid)
                );
            // Zero stands for: no price would do, a pair must be left out.
            uint256 sum = _bidPrice(seen.bidLeft) + _offerPrice(seen.offerLeft);
            _requirePrice(windowId, book, isHalfway ? sum / 2 : 0);
        }
    }

    function _requirePrice(uint256 windowId, BookSlot memory book, uint256 price) private pure {
        if (price != book.sellPrice) {
            revert IEnergyMarket.PriceNotByRule(windowId, book.sellPrice, price);
        }
    }

    function _meet(uint48 bid, uint48 offer) private pure returns (bool) {
        return bid != 0 && offer != 0 && _bidPrice(bid) >= _offerPrice(offer);
    }

    function _isHalfwayWithin(uint48 bid, uint48 offer, uint256 low, uint256 high)
        private
        pure
        returns (bool)
    {
        uint256 sum = _bidPrice(bid) + _offerPrice(offer);
        return 2 * low <= sum && sum <= 2 * high;
    }

    /// @dev Above zero, as the lowest price is.
    function _rank(OrderSlot memory slot, bool isOffer) private pure returns (uint48) {
        uint40 merit = isOffer ? type(uint40).max - slot.price : slot.price;
        return (uint48(merit) << 8) | slot.priority;
    }

    function _bidPrice(uint48 rank) private pure returns (uint256) {
        return rank >> 8;
    }

    function _offerPrice(uint48 rank) private pure returns (uint256) {
        return type(uint40).max - (rank >> 8);
    }
}
