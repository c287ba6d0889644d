// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EnergyMarket} from "../../src/EnergyMarket.sol";
import {IEnergyMarket} from "../../src/interfaces/IEnergyMarket.sol";
import {Vm} from "../Vm.sol";
import {Ids, IdSets} from "./Ids.sol";

/// @notice How often what happened, to show that a campaign reaches all of it.
struct Tally {
    uint64 taken;
    uint64 filled;
    uint64 filledWithGrid;
    uint64 accepted;
    uint64 booksClosed;
    uint64 reported;
    uint64 disputed;
    uint64 resolved;
    uint64 splits;
    uint64 refunded;
}

/// @notice Who acts in a campaign, what they know of the market, and what it should owe them.
/// @dev Ids are kept here rather than looked for: most of a campaign's time would go into looking.
abstract contract Cast {
    using IdSets for Ids;

    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint64 internal constant MIN_UWH = 1000;
    uint64 internal constant MAX_UWH = 1e6;
    uint256 internal constant PEERS = 3;

    EnergyMarket public immutable market;
    address[PEERS] public peers; // the last one is the account of fees and of the grid, too
    address internal immutable administrator;
    address internal immutable coordinator;
    address internal immutable oracle;

    uint256 public depositedWei;
    uint256 public withdrawnWei;
    uint256 public agreedWei;
    uint256 public closedWei;

    Tally internal counted;

    uint256 internal newestWindow;
    uint256 internal bidEnd; // of the newest window
    uint64 internal highest = 1e12; // price of the newest window
    bool internal isBook; // the newest window is cleared
    uint256[] internal newOffers; // of the newest window
    uint256[] internal newBids;
    Ids internal offers;
    Ids internal bids;
    Ids internal counters;
    Ids internal openTrades;
    Ids internal disputedTrades;

    constructor(EnergyMarket market_, address[PEERS] memory peers_, address[3] memory roles) {
        market = market_;
        peers = peers_;
        (administrator, coordinator, oracle) = (roles[0], roles[1], roles[2]);
    }

    function tally() external view returns (Tally memory) {
        return counted;
    }

    /// @notice What may still hold money: bids, counter-offers, open and disputed trades.
    function live()
        external
        view
        returns (uint256[] memory, uint256[] memory, uint256[] memory, uint256[] memory)
    {
        return (bids.list, counters.list, openTrades.list, disputedTrades.list);
    }

    function balancesWei() internal view returns (uint256 sumWei) {
        for (uint256 i = 0; i < PEERS; i++) {
            sumWei += market.peer(peers[i]).balanceWei;
        }
    }

    function agree(uint256 tradeId, uint256 costWei) internal {
        agreedWei += costWei;
        openTrades.add(tradeId);
    }

    /// @dev Mostly one of the newest window.
    function pickOrder(uint256 seed) internal view returns (uint256) {
        bool isOffer = seed % 2 == 0;
        if (seed % 16 < 4) return (isOffer ? offers : bids).pick(seed / 16);
        return pickInBook(isOffer ? newOffers : newBids, seed / 16);
    }

    /// @dev An order of the newest window; zero when none was found.
    function pickInBook(uint256[] storage side, uint256 seed) internal view returns (uint256) {
        for (uint256 i = 0; i < 3 && i < side.length; i++) {
            uint256 orderId = side[(seed + i) % side.length];
            if (market.order(orderId).energyUwh != 0) return orderId;
        }
        return 0;
    }

    /// @dev Forgets an order that nothing more can happen to.
    function look(uint256 orderId) internal {
        IEnergyMarket.Order memory found = market.order(orderId);
        if (found.energyUwh != 0 || found.lockedWei != 0) return;
        (found.isOffer ? offers : bids).remove(orderId);
    }

    /// @dev Where a trade stands after something happened to it. The balances before and after tell
    /// what left its escrow: to its seller, its buyer, and the account of the fee.
    function sort(uint256 tradeId, uint256 beforeWei) internal {
        closedWei += balancesWei() - beforeWei;
        IEnergyMarket.TradeStatus status = market.trade(tradeId).status;
        if (status == IEnergyMarket.TradeStatus.OneSided) return;
        openTrades.remove(tradeId);
        if (status == IEnergyMarket.TradeStatus.Disputed) disputedTrades.add(tradeId);
        else disputedTrades.remove(tradeId);
    }
}
