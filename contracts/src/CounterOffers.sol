// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Accounts} from "./Accounts.sol";
import {
    ACCEPTED_ONLY,
    CounterSlot,
    MarketState,
    OFFER,
    OrderSlot,
    TradeSlot
} from "./MarketState.sol";
import {Orders} from "./Orders.sol";
import {Slots} from "./Slots.sol";
import {TradingWindow} from "./TradingWindow.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title Other terms for an order: proposed by either side in turn, until one accepts the other's
/// @dev An external library, as `Clearing`, only so that the market stays below the size limit.
/// Two peers speak: the order's maker, and the one who answered it, whom the slot names.
library CounterOffers {
    using Accounts for MarketState;
    using Orders for MarketState;
    using Slots for TradeSlot;

    /// @dev See `IEnergyMarket.counter`.
    function open(
        MarketState storage state,
        uint256 counterId,
        uint256 orderId,
        uint64 energyUwh,
        uint64 price
    ) external {
        OrderSlot memory order = state.orders[orderId];
        uint32 number = state.peers[msg.sender].number;
        if (number == 0) revert IEnergyMarket.NotRegistered(msg.sender);
        if (number == order.peer) revert IEnergyMarket.SelfTrade(orderId, msg.sender);
        if (order.flags & ACCEPTED_ONLY != 0 && !state.accepted[order.peer][number]) {
            revert IEnergyMarket.SellerNotAccepted(orderId, msg.sender);
        }
        CounterSlot memory slot = CounterSlot(uint40(orderId), number, 0, 0, false);
        _propose(state, counterId, slot, order, energyUwh, price);
    }

    /// @dev See `IEnergyMarket.counterAgain`.
    function again(MarketState storage state, uint256 counterId, uint64 energyUwh, uint64 price)
        external
    {
        CounterSlot memory slot = _known(state, counterId);
        OrderSlot memory order = state.orders[slot.orderId];
        slot.isMakers = _isMakers(state, counterId, slot, order);
        _free(state, state.counters[counterId], order);
        _propose(state, counterId, slot, order, energyUwh, price);
    }

    /// @dev See `IEnergyMarket.accept`.
    function accept(
        MarketState storage state,
        uint256 counterId,
        uint256 tradeId,
        uint64 energyUwh,
        uint64 price
    ) external {
        CounterSlot memory slot = _known(state, counterId);
        OrderSlot memory order = state.orders[slot.orderId];
        if (_isMakers(state, counterId, slot, order) == slot.isMakers) {
            revert IEnergyMarket.CounterNotYours(counterId, msg.sender);
        }
        if (slot.energyUwh != energyUwh || slot.price != price) {
            revert IEnergyMarket.CounterChanged(counterId, slot.energyUwh, slot.price);
        }
        TradingWindow.Slots storage window = _check(state, slot, order, energyUwh);
        _free(state, slot, order);
        delete state.counters[counterId];
        emit IEnergyMarket.CounterAccepted(counterId, tradeId);
        _trade(state, slot, order, tradeId, window.maxEnergyUwh);
    }

    /// @dev See `IEnergyMarket.withdrawCounter`.
    function withdraw(MarketState storage state, uint256 counterId) external {
        CounterSlot memory slot = _known(state, counterId);
        OrderSlot memory order = state.orders[slot.orderId];
        if (block.timestamp < state.windows[order.windowId].clearBy) {
            _isMakers(state, counterId, slot, order); // reverts for others
        }
        delete state.counters[counterId];
        emit IEnergyMarket.CounterWithdrawn(counterId, _free(state, slot, order));
    }

    /// @dev See `IEnergyMarket.counterOffer`.
    function read(MarketState storage state, uint256 counterId)
        external
        view
        returns (IEnergyMarket.CounterOffer memory)
    {
        CounterSlot memory slot = _known(state, counterId);
        return IEnergyMarket.CounterOffer({
            orderId: slot.orderId,
            peer: state.accounts[slot.peer].account,
            isMakers: slot.isMakers,
            energyUwh: slot.energyUwh,
            priceGweiPerKwh: slot.price,
            lockedWei: _lockedWei(state, slot)
        });
    }

    // ------------------------------------------------------------------------------------ steps

    /// @dev What terms of the peer lock, where it buys.
    function _lockedWei(MarketState storage state, CounterSlot memory slot)
        private
        view
        returns (uint256)
    {
        bool isBuyers = !slot.isMakers && state.orders[slot.orderId].flags & OFFER != 0;
        return isBuyers ? uint256(slot.energyUwh) * slot.price : 0;
    }

    /// @dev Lets terms stand; those of the peer count for it and, where it buys, lock their cost.
    function _propose(
        MarketState storage state,
        uint256 counterId,
        CounterSlot memory slot,
        OrderSlot memory order,
        uint64 energyUwh,
        uint64 price
    ) private {
        TradingWindow.Slots storage window = _check(state, slot, order, energyUwh);
        (uint256 min, uint256 max) = (window.minPrice, window.maxPrice);
        if (price < min || price > max) revert IEnergyMarket.PriceOutOfBounds(price, min, max);
        // No more than the order's energy and the window's price: neither is cut.
        (slot.energyUwh, slot.price) = (uint48(energyUwh), uint40(price));
        state.counters[counterId] = slot;
        if (!slot.isMakers) {
            state.hold(msg.sender, order.windowId, slot.energyUwh, window.maxEnergyUwh);
            state.debit(slot.peer, _lockedWei(state, slot));
        }
        emit IEnergyMarket.CounterOffered(
            counterId,
            slot.orderId,
            state.accounts[slot.peer].account,
            slot.isMakers,
            slot.energyUwh,
            slot.price
        );
    }

    /// @dev Undoes what standing terms hold; returns the money that went back.
    function _free(MarketState storage state, CounterSlot memory slot, OrderSlot memory order)
        private
        returns (uint256 freedWei)
    {
        if (slot.isMakers) return 0;
        state.release(state.accounts[slot.peer].account, order.windowId, slot.energyUwh);
        freedWei = _lockedWei(state, slot);
        state.credit(slot.peer, freedWei);
    }

    /// @dev Reverts unless the order can trade that much now, and both peers may.
    function _check(
        MarketState storage state,
        CounterSlot memory slot,
        OrderSlot memory order,
        uint256 energyUwh
    ) private view returns (TradingWindow.Slots storage window) {
        if (order.peer == 0) revert IEnergyMarket.UnknownOrder(slot.orderId);
        if (order.energyUwh == 0) revert IEnergyMarket.OrderClosed(slot.orderId);
        state.approved(order.peer);
        state.approved(slot.peer);
        return state.checkPart(slot.orderId, order, energyUwh);
    }

    /// @dev The order's energy and the peer's word become a trade at the terms that were accepted.
    function _trade(
        MarketState storage state,
        CounterSlot memory slot,
        OrderSlot memory order,
        uint256 tradeId,
        uint256 limitUwh
    ) private {
        address maker = state.accounts[order.peer].account;
        address peer = state.accounts[slot.peer].account;
        bool isOffer = order.flags & OFFER != 0;
        // What the maker held and locked for the order, it now holds and pays for the trade.
        state.orders[slot.orderId].energyUwh = order.energyUwh - slot.energyUwh;
        if (!isOffer) state.credit(order.peer, uint256(slot.energyUwh) * order.price);
        state.debit(isOffer ? slot.peer : order.peer, uint256(slot.energyUwh) * slot.price);
        state.hold(peer, order.windowId, slot.energyUwh, limitUwh);
        state.trades[tradeId].write(
            TradeSlot({
                seller: isOffer ? order.peer : slot.peer,
                buyer: isOffer ? slot.peer : order.peer,
                windowId: order.windowId,
                energyUwh: slot.energyUwh,
                price: slot.price,
                fee: 0,
                status: IEnergyMarket.TradeStatus.Open
            })
        );
        emit IEnergyMarket.TradeMade(
            tradeId,
            slot.orderId,
            order.windowId,
            isOffer ? maker : peer,
            isOffer ? peer : maker,
            peer,
            slot.energyUwh,
            slot.price
        );
    }

    /// @dev Tells whether the sender is the order's maker; reverts when it is neither of the two.
    function _isMakers(
        MarketState storage state,
        uint256 counterId,
        CounterSlot memory slot,
        OrderSlot memory order
    ) private view returns (bool) {
        if (state.accounts[order.peer].account == msg.sender) return true;
        if (state.accounts[slot.peer].account == msg.sender) return false;
        revert IEnergyMarket.CounterNotYours(counterId, msg.sender);
    }

    function _known(MarketState storage state, uint256 counterId)
        private
        view
        returns (CounterSlot memory slot)
    {
        slot = state.counters[counterId];
        if (slot.orderId == 0) revert IEnergyMarket.UnknownCounter(counterId);
    }
}
