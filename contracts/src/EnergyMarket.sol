// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Roles} from "./Roles.sol";
import {Settlement} from "./Settlement.sol";
import {TradingWindow} from "./TradingWindow.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title Escrow for energy that is traded between peers and metered by their boards
/// @dev An order and a trade each fit one storage slot. `TradingWindow` bounds every number that
/// enters, so the casts below never cut a value.
contract EnergyMarket is Settlement {
    using TradingWindow for IEnergyMarket.WindowTerms;
    using TradingWindow for TradingWindow.Slots;

    uint256 public constant MAX_ENERGY_UWH = TradingWindow.MAX_ENERGY_UWH;
    uint256 public constant MAX_PRICE = TradingWindow.MAX_PRICE;

    struct OrderSlot {
        uint32 peer;
        uint32 windowId;
        uint48 energyUwh;
        uint40 price;
        bool isOffer;
    }

    mapping(uint256 orderId => OrderSlot) private _orders;

    constructor(address administrator, address coordinator, address oracle)
        Roles(administrator, coordinator, oracle)
    {}

    // ---------------------------------------------------------------------------------- windows

    /// @inheritdoc IEnergyMarket
    function openWindow(WindowTerms calldata terms)
        external
        onlyRole(COORDINATOR_ROLE)
        whenNotPaused
        returns (uint256 windowId)
    {
        windowId = ++_windowCount;
        _windows[windowId] = terms.pack();
        emit WindowOpened(windowId, terms);
    }

    // ----------------------------------------------------------------------------------- orders

    /// @inheritdoc IEnergyMarket
    function offer(uint256 windowId, uint64 energyUwh, uint64 priceGweiPerKwh)
        external
        whenNotPaused
        returns (uint256 orderId)
    {
        (uint32 number,) = _approved(msg.sender);
        orderId = _place(windowId, number, true, energyUwh, priceGweiPerKwh);
    }

    /// @inheritdoc IEnergyMarket
    function bid(uint256 windowId, uint64 energyUwh, uint64 priceGweiPerKwh)
        external
        whenNotPaused
        returns (uint256 orderId)
    {
        (uint32 number, Account storage account) = _approved(msg.sender);
        orderId = _place(windowId, number, false, energyUwh, priceGweiPerKwh);
        _debit(account, uint256(energyUwh) * priceGweiPerKwh);
    }

    /// @inheritdoc IEnergyMarket
    function cancel(uint256 orderId) external {
        OrderSlot storage slot = _openOrder(orderId);
        if (_accounts[slot.peer].account != msg.sender) revert NotYourOrder(orderId, msg.sender);
        _close(orderId, slot);
    }

    /// @inheritdoc IEnergyMarket
    function reclaim(uint256 orderId) external {
        OrderSlot storage slot = _openOrder(orderId);
        if (slot.isOffer) revert NothingLocked(orderId);
        uint256 clearBy = _windows[slot.windowId].clearBy;
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
        address maker = _requireApproved(_accounts[taken.peer]);
        _checkTake(orderId, taken, energyUwh, limitPrice);

        slot.energyUwh = taken.energyUwh - uint48(energyUwh);
        tradeId = ++_tradeCount;
        _trades[tradeId] = TradeSlot({
            seller: taken.isOffer ? taken.peer : taker,
            buyer: taken.isOffer ? taker : taken.peer,
            windowId: taken.windowId,
            energyUwh: uint48(energyUwh),
            price: taken.price,
            status: TradeStatus.Open
        });
        // The lock of a bid becomes the trade's escrow as it is: only an offer's taker pays now.
        if (taken.isOffer) _debit(takerAccount, uint256(energyUwh) * taken.price);
        emit TradeMade(
            tradeId,
            orderId,
            taken.windowId,
            taken.isOffer ? maker : msg.sender,
            taken.isOffer ? msg.sender : maker,
            msg.sender,
            energyUwh,
            taken.price
        );
    }

    // ------------------------------------------------------------------------------------ views

    /// @inheritdoc IEnergyMarket
    function window(uint256 windowId) external view returns (WindowTerms memory) {
        return _window(windowId).unpack();
    }

    /// @inheritdoc IEnergyMarket
    function order(uint256 orderId) external view returns (Order memory) {
        OrderSlot memory slot = _orders[orderId];
        if (slot.peer == 0) revert UnknownOrder(orderId);
        return Order(
            slot.windowId, _accounts[slot.peer].account, slot.isOffer, slot.energyUwh, slot.price
        );
    }

    /// @inheritdoc IEnergyMarket
    function trade(uint256 tradeId) external view returns (Trade memory) {
        TradeSlot memory slot = _known(tradeId);
        return Trade({
            windowId: slot.windowId,
            seller: _accounts[slot.seller].account,
            buyer: _accounts[slot.buyer].account,
            energyUwh: slot.energyUwh,
            priceGweiPerKwh: slot.price,
            status: slot.status
        });
    }

    /// @inheritdoc IEnergyMarket
    function counts()
        external
        view
        returns (uint256 peers, uint256 windows, uint256 orders, uint256 trades)
    {
        return (_peerCount, _windowCount, _orderCount, _tradeCount);
    }

    // -------------------------------------------------------------------- windows, orders, trades

    function _window(uint256 windowId) private view returns (TradingWindow.Slots memory terms) {
        terms = _windows[windowId];
        if (terms.reportBy == 0) revert UnknownWindow(windowId);
    }

    function _place(
        uint256 windowId,
        uint32 number,
        bool isOffer,
        uint64 energyUwh,
        uint64 priceGweiPerKwh
    ) private returns (uint256 orderId) {
        TradingWindow.Slots memory terms = _window(windowId);
        if (block.timestamp < terms.bidStart || block.timestamp >= terms.bidEnd) {
            revert BiddingClosed(windowId, block.timestamp, terms.bidStart, terms.bidEnd);
        }
        if (energyUwh < terms.minEnergyUwh || energyUwh > terms.maxEnergyUwh) {
            revert EnergyOutOfBounds(energyUwh, terms.minEnergyUwh, terms.maxEnergyUwh);
        }
        if (priceGweiPerKwh < terms.minPrice || priceGweiPerKwh > terms.maxPrice) {
            revert PriceOutOfBounds(priceGweiPerKwh, terms.minPrice, terms.maxPrice);
        }

        orderId = ++_orderCount;
        _orders[orderId] = OrderSlot({
            peer: number,
            windowId: uint32(windowId),
            energyUwh: uint48(energyUwh),
            price: uint40(priceGweiPerKwh),
            isOffer: isOffer
        });
        emit OrderPlaced(orderId, windowId, msg.sender, isOffer, energyUwh, priceGweiPerKwh);
    }

    function _openOrder(uint256 orderId) private view returns (OrderSlot storage slot) {
        slot = _orders[orderId];
        if (slot.peer == 0) revert UnknownOrder(orderId);
        if (slot.energyUwh == 0) revert OrderClosed(orderId);
    }

    /// @dev Ends an open order and gives a bid's lock back.
    function _close(uint256 orderId, OrderSlot storage slot) private {
        uint48 energyUwh = slot.energyUwh;
        uint256 refundedWei = slot.isOffer ? 0 : uint256(energyUwh) * slot.price;
        slot.energyUwh = 0;
        _credit(slot.peer, refundedWei);
        emit OrderCancelled(orderId, energyUwh, refundedWei);
    }

    function _checkTake(
        uint256 orderId,
        OrderSlot memory taken,
        uint64 energyUwh,
        uint64 limitPrice
    ) private view {
        TradingWindow.Slots memory terms = _windows[taken.windowId];
        if (block.timestamp < terms.bidStart || block.timestamp >= terms.clearBy) {
            revert TakingClosed(taken.windowId, block.timestamp, terms.bidStart, terms.clearBy);
        }
        if (taken.isOffer ? taken.price > limitPrice : taken.price < limitPrice) {
            revert LimitNotMet(orderId, taken.price, limitPrice);
        }
        if (energyUwh > taken.energyUwh) revert EnergyNotLeft(orderId, energyUwh, taken.energyUwh);
        if (energyUwh < terms.minEnergyUwh) {
            revert EnergyOutOfBounds(energyUwh, terms.minEnergyUwh, taken.energyUwh);
        }
        uint256 remainderUwh = taken.energyUwh - energyUwh;
        if (remainderUwh != 0 && remainderUwh < terms.minEnergyUwh) {
            revert RemainderTooSmall(orderId, remainderUwh, terms.minEnergyUwh);
        }
    }
}
