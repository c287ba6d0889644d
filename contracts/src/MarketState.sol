// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {TradingWindow} from "./TradingWindow.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @dev Bits of `OrderSlot.flags`.
uint8 constant OFFER = 1;
uint8 constant APPROVED = 2;
uint8 constant ACCEPTED_ONLY = 4; // a bid for energy of the producers its peer accepts
uint8 constant FILLED = 8; // in part or whole, by clearing

/// @dev All structs of this file but `Node` and `Extremes` fit one storage slot.
struct Account {
    address account;
    uint88 balanceWei;
    IEnergyMarket.PeerStatus status;
}

/// @dev What an account's own calls need first. `placedUwh` is what its orders and takes hold in
/// `windowId`, the newest window it traded in; there, `isSelling` is the side of its last order.
struct PeerSlot {
    uint32 number;
    uint32 windowId;
    uint48 placedUwh;
    uint8 priority;
    bool isSelling;
}

struct Node {
    bytes32 id;
    address key;
}

/// @dev `surplusWei` is what fills below a bid's price saved: the closing pass returns it.
struct OrderSlot {
    uint32 peer;
    uint32 windowId;
    uint48 energyUwh;
    uint40 price;
    uint8 flags;
    uint8 priority;
    uint88 surplusWei;
}

/// @dev The buyer's cost is energy times the sum of both prices; `fee` goes to the window's account.
struct TradeSlot {
    uint32 seller;
    uint32 buyer;
    uint32 windowId;
    uint48 energyUwh;
    uint40 price;
    uint40 fee;
    IEnergyMarket.TradeStatus status;
}

/// @dev How far the clearing of a window's book has come. `lastOrder` is zero until it begins.
struct BookSlot {
    uint40 firstOrder;
    uint40 lastOrder;
    uint40 nextOrder;
    uint40 sellPrice;
    uint40 spread;
    uint48 filledUwh;
    bool isFinal;
}

/// @dev What the closing pass has seen: the worst filled, the best left and the second best left
/// order of each side, each as rank (see `SkippedOrders`), zero while there is none; and on which side
/// the grid account was filled. Two slots, written only with the latter, and when the pass takes
/// several calls.
struct Extremes {
    uint48 worstBid;
    uint48 bidLeft;
    uint48 nextBidLeft;
    uint48 worstOffer;
    uint48 offerLeft;
    uint48 nextOfferLeft;
    bool gridBuys;
    bool gridSells;
}

/// @dev The last word on a counter-offer to `orderId`: of the order's maker, or of `peer`. While it
/// is the peer's, its energy counts for the peer, and, where it buys, its cost is locked.
struct CounterSlot {
    uint40 orderId;
    uint32 peer;
    uint48 energyUwh;
    uint40 price;
    bool isMakers;
}

/// @dev Everything but roles and counters, so that libraries can work on it.
struct MarketState {
    mapping(uint32 number => Account) accounts;
    mapping(uint32 number => Node) nodes;
    mapping(uint256 windowId => TradingWindow.Slots) windows;
    mapping(uint256 windowId => BookSlot) books;
    mapping(uint256 windowId => Extremes) extremes;
    mapping(uint256 orderId => OrderSlot) orders;
    mapping(uint256 tradeId => TradeSlot) trades;
    mapping(uint32 buyer => mapping(uint32 seller => bool)) accepted;
    mapping(uint256 counterId => CounterSlot) counters;
    mapping(address account => PeerSlot) peers;
}
