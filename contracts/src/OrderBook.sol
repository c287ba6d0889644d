// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Accounts} from "./Accounts.sol";
import {CounterOffers} from "./CounterOffers.sol";
import {Orders} from "./Orders.sol";
import {
    ACCEPTED_ONLY,
    APPROVED,
    MarketState,
    OFFER,
    OrderSlot,
    PeerSlot,
    TradeSlot
} from "./MarketState.sol";
import {Settlement} from "./Settlement.sol";
import {Slots} from "./Slots.sol";
import {TradingWindow} from "./TradingWindow.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title Orders of peers, and what they trade with each other
/// @dev `TradingWindow` bounds every number that enters, so the casts below never cut a value.
abstract contract OrderBook is Settlement {
    using Accounts for MarketState;
    using Orders for MarketState;
    using Slots for OrderSlot;
    using Slots for TradeSlot;

    // ----------------------------------------------------------------------------------- orders

    /// @inheritdoc IEnergyMarket
    function offer(uint256 windowId, uint64 energyUwh, uint64 priceGweiPerKwh)
        external
        whenNotPaused
        returns (uint256 orderId)
    {
        orderId = _place(windowId, _approved(msg.sender), OFFER, energyUwh, priceGweiPerKwh);
    }

    /// @inheritdoc IEnergyMarket
    function bid(uint256 windowId, uint64 energyUwh, uint64 priceGweiPerKwh, bool onlyAccepted)
        external
        whenNotPaused
        returns (uint256 orderId)
    {
        uint32 number = _approved(msg.sender);
        uint8 flags = onlyAccepted ? ACCEPTED_ONLY : 0;
        orderId = _place(windowId, number, flags, energyUwh, priceGweiPerKwh);
        _debit(number, uint256(energyUwh) * priceGweiPerKwh);
    }

    /// @inheritdoc IEnergyMarket
    function amend(uint256 orderId, uint64 energyUwh, uint64 priceGweiPerKwh)
        external
        whenNotPaused
    {
        OrderSlot storage slot = _ownOrder(orderId);
        OrderSlot memory old = slot;
        _state.approved(old.peer);
        TradingWindow.Slots storage terms = _state.windows[old.windowId];
        _checkOrder(old.windowId, terms, energyUwh, priceGweiPerKwh);
        _state.release(msg.sender, old.windowId, old.energyUwh);
        _state.hold(msg.sender, old.windowId, energyUwh, terms.maxEnergyUwh);

        slot.energyUwh = uint48(energyUwh);
        slot.price = uint40(priceGweiPerKwh);
        slot.flags = old.flags & ~APPROVED;
        if (old.flags & OFFER == 0) {
            _credit(old.peer, Orders.lockedWei(old));
            _debit(old.peer, uint256(energyUwh) * priceGweiPerKwh);
        }
        emit OrderAmended(orderId, energyUwh, priceGweiPerKwh);
    }

    /// @inheritdoc IEnergyMarket
    function cancel(uint256 orderId) external {
        OrderSlot storage slot = _ownOrder(orderId);
        TradingWindow.Slots storage terms = _state.windows[slot.windowId];
        if (
            terms.mechanism != Mechanism.Bilateral && block.timestamp >= terms.bidEnd
                && block.timestamp < terms.clearBy
        ) revert BookFrozen(slot.windowId, block.timestamp, terms.bidEnd, terms.clearBy);
        _state.release(msg.sender, slot.windowId, slot.energyUwh);
        _state.close(orderId, slot);
    }

    /// @inheritdoc IEnergyMarket
    function reclaim(uint256 orderId) external {
        OrderSlot storage slot = _state.orders[orderId];
        if (slot.peer == 0) revert UnknownOrder(orderId);
        if (Orders.lockedWei(slot) == 0) revert NothingLocked(orderId);
        uint256 clearBy = _state.windows[slot.windowId].clearBy;
        if (block.timestamp < clearBy) revert ReclaimTooEarly(orderId, block.timestamp, clearBy);
        _state.close(orderId, slot);
    }

    /// @inheritdoc IEnergyMarket
    function take(uint256 orderId, uint64 energyUwh, uint64 limitPrice)
        external
        whenNotPaused
        returns (uint256 tradeId)
    {
        uint32 taker = _approved(msg.sender);
        OrderSlot storage slot = _state.open(orderId);
        OrderSlot memory taken = slot;
        if (taken.peer == taker) revert SelfTrade(orderId, msg.sender);
        address maker = _state.approved(taken.peer);
        _checkTake(orderId, taken, energyUwh, limitPrice, taker);

        bool isOffer = taken.flags & OFFER != 0;
        slot.energyUwh = taken.energyUwh - uint48(energyUwh);
        tradeId = ++_tradeCount;
        _state.trades[tradeId].write(
            TradeSlot({
                seller: isOffer ? taken.peer : taker,
                buyer: isOffer ? taker : taken.peer,
                windowId: taken.windowId,
                energyUwh: uint48(energyUwh),
                price: taken.price,
                fee: 0,
                status: TradeStatus.Open
            })
        );
        // The lock of a bid becomes the trade's escrow as it is: only an offer's taker pays now.
        if (isOffer) _debit(taker, uint256(energyUwh) * taken.price);
        emit TradeMade(
            tradeId,
            orderId,
            taken.windowId,
            isOffer ? maker : msg.sender,
            isOffer ? msg.sender : maker,
            msg.sender,
            energyUwh,
            taken.price
        );
    }

    // --------------------------------------------------------------------------- counter-offers

    /// @inheritdoc IEnergyMarket
    function counter(uint256 orderId, uint64 energyUwh, uint64 priceGweiPerKwh)
        external
        whenNotPaused
        returns (uint256 counterId)
    {
        counterId = ++_counterCount;
        CounterOffers.open(_state, counterId, orderId, energyUwh, priceGweiPerKwh);
    }

    /// @inheritdoc IEnergyMarket
    function counterAgain(uint256 counterId, uint64 energyUwh, uint64 priceGweiPerKwh)
        external
        whenNotPaused
    {
        CounterOffers.again(_state, counterId, energyUwh, priceGweiPerKwh);
    }

    /// @inheritdoc IEnergyMarket
    function accept(uint256 counterId, uint64 energyUwh, uint64 priceGweiPerKwh)
        external
        whenNotPaused
        returns (uint256 tradeId)
    {
        tradeId = ++_tradeCount;
        CounterOffers.accept(_state, counterId, tradeId, energyUwh, priceGweiPerKwh);
    }

    /// @inheritdoc IEnergyMarket
    function withdrawCounter(uint256 counterId) external {
        CounterOffers.withdraw(_state, counterId);
    }

    /// @inheritdoc IEnergyMarket
    function counterOffer(uint256 counterId) external view returns (CounterOffer memory) {
        return CounterOffers.read(_state, counterId);
    }

    // ------------------------------------------------------------------------------- for orders

    function _place(
        uint256 windowId,
        uint32 number,
        uint8 flags,
        uint64 energyUwh,
        uint64 priceGweiPerKwh
    ) private returns (uint256 orderId) {
        TradingWindow.Slots storage terms = _state.windows[windowId];
        _checkOrder(windowId, terms, energyUwh, priceGweiPerKwh);
        uint8 priority = _stand(uint32(windowId), terms, flags & OFFER != 0, energyUwh);

        // 2^40 orders would cost more gas than there will be.
        unchecked {
            orderId = ++_orderCount;
        }
        _state.orders[orderId].write(
            OrderSlot({
                peer: number,
                windowId: uint32(windowId),
                energyUwh: uint48(energyUwh),
                price: uint40(priceGweiPerKwh),
                flags: flags,
                priority: priority,
                surplusWei: 0
            })
        );
        emit OrderPlaced(
            orderId,
            windowId,
            msg.sender,
            flags & OFFER != 0,
            energyUwh,
            priceGweiPerKwh,
            priority,
            flags & ACCEPTED_ONLY != 0
        );
    }

    function _checkOrder(
        uint256 windowId,
        TradingWindow.Slots storage terms,
        uint64 energyUwh,
        uint64 priceGweiPerKwh
    ) private view {
        (uint256 start, uint256 end) = (terms.bidStart, terms.bidEnd);
        if (end == 0) revert UnknownWindow(windowId);
        if (block.timestamp < start || block.timestamp >= end) {
            revert BiddingClosed(windowId, block.timestamp, start, end);
        }
        (uint256 min, uint256 max) = (terms.minEnergyUwh, terms.maxEnergyUwh);
        if (energyUwh < min || energyUwh > max) revert EnergyOutOfBounds(energyUwh, min, max);
        (min, max) = (terms.minPrice, terms.maxPrice);
        if (priceGweiPerKwh < min || priceGweiPerKwh > max) {
            revert PriceOutOfBounds(priceGweiPerKwh, min, max);
        }
    }

    /// @dev Counts a new order for its peer, and returns the peer's priority. In a book that is
    /// cleared a peer stands on one side: it could not be closed if the best orders were its own.
    function _stand(
        uint32 windowId,
        TradingWindow.Slots storage terms,
        bool isOffer,
        uint256 energyUwh
    ) private returns (uint8) {
        PeerSlot storage peerSlot = _state.hold(msg.sender, windowId, energyUwh, terms.maxEnergyUwh);
        if (peerSlot.placedUwh != energyUwh) {
            if (peerSlot.isSelling != isOffer && terms.mechanism != Mechanism.Bilateral) {
                revert OnOtherSide(windowId, msg.sender);
            }
        }
        peerSlot.isSelling = isOffer;
        return peerSlot.priority;
    }

    function _ownOrder(uint256 orderId) private view returns (OrderSlot storage slot) {
        slot = _state.open(orderId);
        if (_state.accounts[slot.peer].account != msg.sender) {
            revert NotYourOrder(orderId, msg.sender);
        }
    }

    function _checkTake(
        uint256 orderId,
        OrderSlot memory taken,
        uint64 energyUwh,
        uint64 limitPrice,
        uint32 taker
    ) private {
        TradingWindow.Slots storage terms = _state.checkPart(orderId, taken, energyUwh);
        bool isOffer = taken.flags & OFFER != 0;
        if (isOffer ? taken.price > limitPrice : taken.price < limitPrice) {
            revert LimitNotMet(orderId, taken.price, limitPrice);
        }
        if (taken.flags & ACCEPTED_ONLY != 0 && !_state.accepted[taken.peer][taker]) {
            revert SellerNotAccepted(orderId, msg.sender);
        }
        _state.hold(msg.sender, taken.windowId, energyUwh, terms.maxEnergyUwh);
    }
}
