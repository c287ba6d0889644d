// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {
    ACCEPTED_ONLY,
    APPROVED,
    Account,
    FILLED,
    OFFER,
    OrderSlot,
    PeerSlot,
    TradeSlot
} from "./MarketState.sol";
import {Settlement} from "./Settlement.sol";
import {TradingWindow} from "./TradingWindow.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title Orders of peers, and what they trade with each other
/// @dev `TradingWindow` bounds every number that enters, so the casts below never cut a value.
abstract contract OrderBook is Settlement {
    // ----------------------------------------------------------------------------------- orders

    /// @inheritdoc IEnergyMarket
    function offer(uint256 windowId, uint64 energyUwh, uint64 priceGweiPerKwh)
        external
        whenNotPaused
        returns (uint256 orderId)
    {
        (uint32 number,) = _approved(msg.sender);
        orderId = _place(windowId, number, OFFER, energyUwh, priceGweiPerKwh);
    }

    /// @inheritdoc IEnergyMarket
    function bid(uint256 windowId, uint64 energyUwh, uint64 priceGweiPerKwh, bool onlyAccepted)
        external
        whenNotPaused
        returns (uint256 orderId)
    {
        (uint32 number, Account storage account) = _approved(msg.sender);
        uint8 flags = onlyAccepted ? ACCEPTED_ONLY : 0;
        orderId = _place(windowId, number, flags, energyUwh, priceGweiPerKwh);
        _debit(account, uint256(energyUwh) * priceGweiPerKwh);
    }

    /// @inheritdoc IEnergyMarket
    function amend(uint256 orderId, uint64 energyUwh, uint64 priceGweiPerKwh)
        external
        whenNotPaused
    {
        OrderSlot storage slot = _ownOrder(orderId);
        OrderSlot memory old = slot;
        Account storage account = _state.accounts[old.peer];
        _requireApproved(account);
        TradingWindow.Slots storage terms = _state.windows[old.windowId];
        _checkOrder(old.windowId, terms, energyUwh, priceGweiPerKwh);
        _unplace(msg.sender, old);
        _hold(old.windowId, energyUwh, terms.maxEnergyUwh);

        slot.energyUwh = uint48(energyUwh);
        slot.price = uint40(priceGweiPerKwh);
        slot.flags = old.flags & ~APPROVED;
        if (old.flags & OFFER == 0) {
            _credit(old.peer, _lockedWei(old));
            _debit(account, uint256(energyUwh) * priceGweiPerKwh);
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
        _unplace(msg.sender, slot);
        _close(orderId, slot);
    }

    /// @inheritdoc IEnergyMarket
    function reclaim(uint256 orderId) external {
        OrderSlot storage slot = _state.orders[orderId];
        if (slot.peer == 0) revert UnknownOrder(orderId);
        if (_lockedWei(slot) == 0) revert NothingLocked(orderId);
        uint256 clearBy = _state.windows[slot.windowId].clearBy;
        if (block.timestamp < clearBy) revert ReclaimTooEarly(orderId, block.timestamp, clearBy);
        _close(orderId, slot);
    }

    /// @inheritdoc IEnergyMarket
    function take(uint256 orderId, uint64 energyUwh, uint64 limitPrice)
        external
        whenNotPaused
        returns (uint256 tradeId)
    {
        (uint32 taker, Account storage takerAccount) = _approved(msg.sender);
        OrderSlot storage slot = _openOrder(orderId);
        OrderSlot memory taken = slot;
        if (taken.peer == taker) revert SelfTrade(orderId, msg.sender);
        address maker = _requireApproved(_state.accounts[taken.peer]);
        _checkTake(orderId, taken, energyUwh, limitPrice, taker);

        bool isOffer = taken.flags & OFFER != 0;
        slot.energyUwh = taken.energyUwh - uint48(energyUwh);
        tradeId = ++_tradeCount;
        _state.trades[tradeId] = TradeSlot({
            seller: isOffer ? taken.peer : taker,
            buyer: isOffer ? taker : taken.peer,
            windowId: taken.windowId,
            energyUwh: uint48(energyUwh),
            price: taken.price,
            fee: 0,
            status: TradeStatus.Open
        });
        // The lock of a bid becomes the trade's escrow as it is: only an offer's taker pays now.
        if (isOffer) _debit(takerAccount, uint256(energyUwh) * taken.price);
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
        uint8 priority = _hold(uint32(windowId), energyUwh, terms.maxEnergyUwh);

        // 2^40 orders would cost more gas than there will be.
        unchecked {
            orderId = ++_orderCount;
        }
        _state.orders[orderId] = OrderSlot({
            peer: number,
            windowId: uint32(windowId),
            energyUwh: uint48(energyUwh),
            price: uint40(priceGweiPerKwh),
            flags: flags,
            priority: priority,
            surplusWei: 0
        });
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

    /// @dev Counts energy towards what the sender's node may hold in a window; returns the node's priority.
    /// One window is counted, the newest the node traded in, so an older one is over for it.
    function _hold(uint32 windowId, uint256 energyUwh, uint256 limitUwh)
        private
        returns (uint8 priority)
    {
        PeerSlot storage peerSlot = _peers[msg.sender];
        uint32 counted = peerSlot.windowId;
        if (windowId < counted) revert WindowPassed(windowId, counted);
        uint256 heldUwh = energyUwh + (windowId == counted ? peerSlot.placedUwh : 0);
        if (heldUwh > limitUwh) {
            revert NodeLimitExceeded(msg.sender, heldUwh, limitUwh);
        }
        (peerSlot.windowId, peerSlot.placedUwh) = (windowId, uint48(heldUwh));
        return peerSlot.priority;
    }

    /// @dev What an order still holds no longer counts for its peer.
    function _unplace(address account, OrderSlot memory slot) internal {
        PeerSlot storage peerSlot = _peers[account];
        if (peerSlot.windowId == slot.windowId) peerSlot.placedUwh -= slot.energyUwh;
    }

    function _openOrder(uint256 orderId) internal view returns (OrderSlot storage slot) {
        slot = _state.orders[orderId];
        if (slot.peer == 0) revert UnknownOrder(orderId);
        if (slot.energyUwh == 0) revert OrderClosed(orderId);
    }

    function _ownOrder(uint256 orderId) private view returns (OrderSlot storage slot) {
        slot = _openOrder(orderId);
        if (_state.accounts[slot.peer].account != msg.sender) {
            revert NotYourOrder(orderId, msg.sender);
        }
    }

    /// @dev A bid's money: what its energy left would cost, and what its fills saved.
    function _lockedWei(OrderSlot memory slot) internal pure returns (uint256) {
        if (slot.flags & OFFER != 0) return 0;
        return uint256(slot.energyUwh) * slot.price + slot.surplusWei;
    }

    /// @dev Ends an order and gives a bid's lock back.
    function _close(uint256 orderId, OrderSlot storage slot) internal {
        uint48 energyUwh = slot.energyUwh;
        uint256 refundedWei = _lockedWei(slot);
        (slot.energyUwh, slot.surplusWei) = (0, 0);
        _credit(slot.peer, refundedWei);
        emit OrderCancelled(orderId, energyUwh, refundedWei);
    }

    function _checkTake(
        uint256 orderId,
        OrderSlot memory taken,
        uint64 energyUwh,
        uint64 limitPrice,
        uint32 taker
    ) private {
        TradingWindow.Slots storage terms = _state.windows[taken.windowId];
        if (terms.mechanism != Mechanism.Bilateral) {
            revert WrongMechanism(taken.windowId, terms.mechanism);
        }
        if (block.timestamp < terms.bidStart || block.timestamp >= terms.clearBy) {
            revert TakingClosed(taken.windowId, block.timestamp, terms.bidStart, terms.clearBy);
        }
        if (terms.needsApproval && taken.flags & APPROVED == 0) revert OrderNotApproved(orderId);
        bool isOffer = taken.flags & OFFER != 0;
        if (isOffer ? taken.price > limitPrice : taken.price < limitPrice) {
            revert LimitNotMet(orderId, taken.price, limitPrice);
        }
        if (taken.flags & ACCEPTED_ONLY != 0 && !_state.accepted[taken.peer][taker]) {
            revert SellerNotAccepted(orderId, msg.sender);
        }
        if (energyUwh > taken.energyUwh) revert EnergyNotLeft(orderId, energyUwh, taken.energyUwh);
        uint256 min = terms.minEnergyUwh;
        if (energyUwh < min) revert EnergyOutOfBounds(energyUwh, min, taken.energyUwh);
        uint256 remainderUwh = taken.energyUwh - energyUwh;
        if (remainderUwh != 0 && remainderUwh < min) {
            revert RemainderTooSmall(orderId, remainderUwh, min);
        }
        _hold(taken.windowId, energyUwh, terms.maxEnergyUwh);
    }
}
