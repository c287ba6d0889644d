// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Accounts} from "./Accounts.sol";
import {APPROVED, MarketState, OFFER, OrderSlot} from "./MarketState.sol";
import {TradingWindow} from "./TradingWindow.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title What an order holds, how it ends, and which part of it two peers may agree on
/// @dev For the market and for the libraries it calls.
library Orders {
    function open(MarketState storage state, uint256 orderId)
        internal
        view
        returns (OrderSlot storage slot)
    {
        slot = state.orders[orderId];
        if (slot.peer == 0) revert IEnergyMarket.UnknownOrder(orderId);
        if (slot.energyUwh == 0) revert IEnergyMarket.OrderClosed(orderId);
    }

    /// @dev Ends an order and gives a bid's lock back.
    function close(MarketState storage state, uint256 orderId, OrderSlot storage slot) internal {
        uint48 energyUwh = slot.energyUwh;
        uint256 refundedWei = lockedWei(slot);
        (slot.energyUwh, slot.surplusWei) = (0, 0);
        Accounts.credit(state, slot.peer, refundedWei);
        emit IEnergyMarket.OrderCancelled(orderId, energyUwh, refundedWei);
    }

    /// @dev A bid's money: what its energy left would cost, and what its fills saved.
    function lockedWei(OrderSlot memory slot) internal pure returns (uint256) {
        if (slot.flags & OFFER != 0) return 0;
        return uint256(slot.energyUwh) * slot.price + slot.surplusWei;
    }

    /// @dev Reverts unless the order may trade that much now, leaving nothing or enough.
    function checkPart(
        MarketState storage state,
        uint256 orderId,
        OrderSlot memory order,
        uint256 energyUwh
    ) internal view returns (TradingWindow.Slots storage window) {
        uint256 windowId = order.windowId;
        window = state.windows[windowId];
        if (window.mechanism != IEnergyMarket.Mechanism.Bilateral) {
            revert IEnergyMarket.WrongMechanism(windowId, window.mechanism);
        }
        if (block.timestamp < window.bidStart || block.timestamp >= window.clearBy) {
            revert IEnergyMarket.TakingClosed(
                windowId, block.timestamp, window.bidStart, window.clearBy
            );
        }
        if (window.needsApproval && order.flags & APPROVED == 0) {
            revert IEnergyMarket.OrderNotApproved(orderId);
        }
        if (energyUwh > order.energyUwh) {
            revert IEnergyMarket.EnergyNotLeft(orderId, energyUwh, order.energyUwh);
        }
        uint256 min = window.minEnergyUwh;
        if (energyUwh < min) {
            revert IEnergyMarket.EnergyOutOfBounds(energyUwh, min, order.energyUwh);
        }
        uint256 remainderUwh = order.energyUwh - energyUwh;
        if (remainderUwh != 0 && remainderUwh < min) {
            revert IEnergyMarket.RemainderTooSmall(orderId, remainderUwh, min);
        }
    }
}
