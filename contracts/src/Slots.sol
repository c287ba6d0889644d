// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {OrderSlot, TradeSlot} from "./MarketState.sol";

/// @title Whole slots, written at once
/// @dev The compiler writes a struct member by member: each reads and writes the slot again, which
/// made a cleared trade dearer by a tenth. Members stand from the lowest bit up, in their order.
library Slots {
    function write(OrderSlot storage slot, OrderSlot memory order) internal {
        uint256 word = uint256(order.peer) | uint256(order.windowId) << 32
            | uint256(order.energyUwh) << 64 | uint256(order.price) << 112 | uint256(order.flags)
            << 152 | uint256(order.priority) << 160 | uint256(order.surplusWei) << 168;
        assembly ("memory-safe") {
            sstore(slot.slot, word)
        }
    }

    function write(TradeSlot storage slot, TradeSlot memory trade) internal {
        uint256 word = uint256(trade.seller) | uint256(trade.buyer) << 32 | uint256(trade.windowId)
            << 64 | uint256(trade.energyUwh) << 96 | uint256(trade.price) << 144
            | uint256(trade.fee) << 184 | uint256(trade.status) << 224;
        assembly ("memory-safe") {
            sstore(slot.slot, word)
        }
    }
}
