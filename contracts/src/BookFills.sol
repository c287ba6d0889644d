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
import {Slots} from "./Slots.sol";
import {TradingWindow} from "./TradingWindow.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title The checks of a fill: two orders enter, or one and the grid account; a trade leaves
/// @dev Part of `Clearing`.
library BookFills {
    using Accounts for MarketState;
    using Slots for OrderSlot;
    using Slots for TradeSlot;

    /// @dev Makes trade `tradeId` of one fill.
    function fillOne(
        MarketState storage state,
        TradingWindow.Slots memory window,
        BookSlot memory book,
        IEnergyMarket.Fill calldata fill,
        uint256 windowId,
        uint256 tradeId
    ) internal {
        if (window.gridPeer != 0 && (fill.bidId == 0 || fill.offerId == 0)) {
            _fillWithGrid(state, window, fill, windowId, tradeId);
            return;
        }
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

    /// @dev The window's grid account takes the other side of an order: it buys at the window's least
    /// price and sells at its highest, whatever the book's price, on one of the two sides only.
    function _fillWithGrid(
        MarketState storage state,
        TradingWindow.Slots memory window,
        IEnergyMarket.Fill calldata fill,
        uint256 windowId,
        uint256 tradeId
    ) private {
        bool isBuying = fill.bidId == 0;
        uint256 orderId = isBuying ? fill.offerId : fill.bidId;
        OrderSlot memory order =
            _side(state, window, windowId, orderId, fill.energyUwh, isBuying ? OFFER : 0);
        address peer = state.approved(order.peer);
        address grid = state.approved(window.gridPeer);
        if (order.peer == window.gridPeer) revert IEnergyMarket.SelfTrade(orderId, peer);
        if (order.flags & ACCEPTED_ONLY != 0 && !state.accepted[order.peer][window.gridPeer]) {
            revert IEnergyMarket.SellerNotAccepted(orderId, grid);
        }
        uint40 price = isBuying ? window.minPrice : window.maxPrice;
        if (order.price != price || fill.feeGweiPerKwh != 0) {
            revert IEnergyMarket.FillPriceRefused(
                fill.bidId,
                fill.offerId,
                isBuying ? price : order.price,
                isBuying ? order.price : price,
                price,
                fill.feeGweiPerKwh
            );
        }
        _standGrid(state.extremes[windowId], windowId, grid, isBuying);

        uint48 energyUwh = uint48(fill.energyUwh);
        order.energyUwh -= energyUwh;
        state.orders[orderId].write(order);
        state.trades[tradeId].write(
            TradeSlot({
                seller: isBuying ? order.peer : window.gridPeer,
                buyer: isBuying ? window.gridPeer : order.peer,
                windowId: uint32(windowId),
                energyUwh: energyUwh,
                price: price,
                fee: 0,
                status: IEnergyMarket.TradeStatus.Open
            })
        );
        // The lock of a bid at this price becomes the trade's escrow as it is.
        if (isBuying) state.debit(window.gridPeer, uint256(energyUwh) * price);
        emit IEnergyMarket.TradeCleared(
            tradeId,
            fill.bidId,
            fill.offerId,
            isBuying ? peer : grid,
            isBuying ? grid : peer,
            energyUwh,
            price,
            0
        );
    }

    /// @dev What is left of a book is on one side of it, else the peers could have traded it.
    function _standGrid(Extremes storage seen, uint256 windowId, address grid, bool isBuying)
        private
    {
        if (isBuying ? seen.gridSells : seen.gridBuys) {
            revert IEnergyMarket.OnOtherSide(windowId, grid);
        }
        if (isBuying) seen.gridBuys = true;
        else seen.gridSells = true;
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
}
