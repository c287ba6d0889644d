// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Clearing} from "./Clearing.sol";
import {ACCEPTED_ONLY, APPROVED, OFFER, OrderSlot, TradeSlot} from "./MarketState.sol";
import {OrderBook} from "./OrderBook.sol";
import {Orders} from "./Orders.sol";
import {Roles} from "./Roles.sol";
import {TradingWindow} from "./TradingWindow.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title Escrow for energy that is traded between peers and metered by their boards
/// @dev Windows, what the coordinator does with their books, and the views. Orders of peers are in
/// `OrderBook`, deliveries in `Settlement`, peers and balances in `PeerRegistry`.
contract EnergyMarket is OrderBook {
    using TradingWindow for IEnergyMarket.WindowTerms;
    using TradingWindow for TradingWindow.Slots;

    uint256 public constant MAX_ENERGY_UWH = TradingWindow.MAX_ENERGY_UWH;
    uint256 public constant MAX_PRICE = TradingWindow.MAX_PRICE;

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
        _state.windows[windowId] =
            terms.pack(_peerOrNone(terms.feeAccount), _peerOrNone(terms.gridAccount));
        if (terms.mechanism != Mechanism.Bilateral) {
            _state.books[windowId].firstOrder = _orderCount + 1;
        }
        emit WindowOpened(windowId, terms);
    }

    function _peerOrNone(address account) private view returns (uint32) {
        return account == address(0) ? 0 : _registered(account);
    }

    /// @inheritdoc IEnergyMarket
    function review(uint256[] calldata orderIds, bool isApproved)
        external
        onlyRole(COORDINATOR_ROLE)
    {
        Clearing.review(_state, orderIds, isApproved);
    }

    /// @inheritdoc IEnergyMarket
    function clear(Batch calldata batch) external onlyRole(COORDINATOR_ROLE) whenNotPaused {
        _tradeCount = uint40(Clearing.clear(_state, batch, _tradeCount, _orderCount));
    }

    /// @inheritdoc IEnergyMarket
    function closeBook(uint256 windowId, uint256 count) external onlyRole(COORDINATOR_ROLE) {
        Clearing.closeBook(_state, windowId, count, _orderCount);
    }

    // ------------------------------------------------------------------------------------ views

    /// @inheritdoc IEnergyMarket
    function window(uint256 windowId) external view returns (WindowTerms memory) {
        TradingWindow.Slots memory terms = _state.windows[windowId];
        if (terms.reportBy == 0) revert UnknownWindow(windowId);
        return terms.unpack(
            _state.accounts[terms.feePeer].account, _state.accounts[terms.gridPeer].account
        );
    }

    /// @inheritdoc IEnergyMarket
    function isCleared(uint256 windowId) external view returns (bool) {
        return _state.books[windowId].isFinal;
    }

    /// @inheritdoc IEnergyMarket
    function order(uint256 orderId) external view returns (Order memory) {
        OrderSlot memory slot = _state.orders[orderId];
        if (slot.peer == 0) revert UnknownOrder(orderId);
        return Order({
            windowId: slot.windowId,
            peer: _state.accounts[slot.peer].account,
            isOffer: slot.flags & OFFER != 0,
            energyUwh: slot.energyUwh,
            priceGweiPerKwh: slot.price,
            priority: slot.priority,
            onlyAccepted: slot.flags & ACCEPTED_ONLY != 0,
            isApproved: slot.flags & APPROVED != 0,
            lockedWei: Orders.lockedWei(slot)
        });
    }

    /// @inheritdoc IEnergyMarket
    function trade(uint256 tradeId) external view returns (Trade memory) {
        TradeSlot memory slot = _known(tradeId);
        return Trade({
            windowId: slot.windowId,
            seller: _state.accounts[slot.seller].account,
            buyer: _state.accounts[slot.buyer].account,
            energyUwh: slot.energyUwh,
            priceGweiPerKwh: slot.price,
            feeGweiPerKwh: slot.fee,
            status: slot.status
        });
    }

    /// @inheritdoc IEnergyMarket
    function counts()
        external
        view
        returns (uint256 peers, uint256 windows, uint256 orders, uint256 trades, uint256 counters)
    {
        return (_peerCount, _windowCount, _orderCount, _tradeCount, _counterCount);
    }
}
