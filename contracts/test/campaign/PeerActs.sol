// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../../src/interfaces/IEnergyMarket.sol";
import {Cast} from "./Cast.sol";
import {Ids, IdSets} from "./Ids.sol";

/// @notice What peers do with their money, their orders and each other's, and bystanders with what
/// is due.
abstract contract PeerActs is Cast {
    using IdSets for Ids;

    function openWindow(uint64 length) public virtual;

    function deposit(uint256 who, uint256 amountWei) external {
        address account = peers[who % PEERS];
        amountWei = 1 + amountWei % 1 ether;
        vm.deal(account, account.balance + amountWei);
        vm.prank(account);
        market.deposit{value: amountWei}();
        depositedWei += amountWei;
    }

    function withdraw(uint256 who, uint256 amountWei) external {
        address account = peers[who % PEERS];
        uint256 balanceWei = market.peer(account).balanceWei;
        if (balanceWei == 0) return;
        amountWei = 1 + amountWei % balanceWei;
        vm.prank(account);
        market.withdraw(amountWei);
        withdrawnWei += amountWei;
    }

    function order(uint256 who, bool isOffer, uint64 energyUwh, uint64 price) external {
        place(peers[who % PEERS], isOffer, energyUwh, 1 + price % highest);
    }

    /// @dev At the window's limits, where the grid account trades and offers and bids surely meet.
    function orderAtLimit(uint256 who, bool isOffer, uint64 energyUwh) external {
        place(peers[who % PEERS], isOffer, energyUwh, 0);
    }

    /// @dev A price of zero stands for the window's limit.
    function place(address account, bool isOffer, uint64 energyUwh, uint64 price)
        internal
        returns (uint256 orderId)
    {
        if (block.timestamp >= bidEnd) openWindow(price);
        // In a book that is cleared each peer mostly stays on its side.
        if (isBook && energyUwh % 8 != 0) isOffer = account == peers[newestWindow % PEERS];
        if (price == 0) price = isOffer ? 1 : highest;
        energyUwh = MIN_UWH + energyUwh % (MAX_UWH - MIN_UWH + 1);
        if (energyUwh % 2 == 0) energyUwh = MAX_UWH / 4; // the one quantity of McAfee's windows
        vm.prank(account);
        if (isOffer) {
            orderId = market.offer(newestWindow, energyUwh, price);
            offers.add(orderId);
            newOffers.push(orderId);
        } else {
            orderId = market.bid(newestWindow, energyUwh, price, energyUwh % 5 == 1);
            bids.add(orderId);
            newBids.push(orderId);
        }
    }

    function amend(uint256 seed, uint64 energyUwh, uint64 price) external {
        uint256 orderId = pickOrder(seed);
        if (orderId == 0) return;
        vm.prank(market.order(orderId).peer);
        market.amend(orderId, MIN_UWH + energyUwh % MAX_UWH, 1 + price % highest);
    }

    function cancel(uint256 seed) external {
        uint256 orderId = pickOrder(seed);
        if (orderId == 0) return;
        vm.prank(market.order(orderId).peer);
        market.cancel(orderId);
        look(orderId);
    }

    function take(uint256 who, uint256 seed, uint64 energyUwh, bool whole) external {
        uint256 orderId = isBook && seed % 8 != 0 ? 0 : pickOrder(seed);
        if (orderId == 0) return;
        IEnergyMarket.Order memory taken = market.order(orderId);
        if (taken.energyUwh == 0) return;
        energyUwh = whole ? taken.energyUwh : 1 + energyUwh % taken.energyUwh;
        if (peers[who % PEERS] == taken.peer) who = who % PEERS + 1;
        vm.prank(peers[who % PEERS]);
        uint256 tradeId = market.take(orderId, energyUwh, taken.priceGweiPerKwh);
        agree(tradeId, uint256(energyUwh) * taken.priceGweiPerKwh);
        look(orderId);
        counted.taken++;
    }

    function acceptSeller(uint256 buyer, uint256 seller, bool isAccepted) external {
        vm.prank(peers[buyer % PEERS]);
        market.acceptSeller(peers[seller % PEERS], isAccepted);
    }

    // --------------------------------------------------------------------------- counter-offers

    function counter(uint256 who, uint256 seed, uint64 energyUwh, uint64 price) external {
        uint256 orderId = isBook && seed % 8 != 0 ? 0 : pickOrder(seed);
        if (orderId == 0) return;
        IEnergyMarket.Order memory answered = market.order(orderId);
        if (answered.energyUwh == 0) return;
        if (peers[who % PEERS] == answered.peer) who = who % PEERS + 1;
        if (energyUwh % 2 == 0) energyUwh = answered.energyUwh;
        vm.prank(peers[who % PEERS]);
        counters.add(market.counter(orderId, energyUwh, 1 + price % highest));
    }

    function counterAgain(uint256 seed, bool byMaker, uint64 energyUwh, uint64 price) external {
        uint256 counterId = counters.pick(seed);
        if (counterId == 0) return;
        IEnergyMarket.CounterOffer memory standing = market.counterOffer(counterId);
        if (energyUwh % 2 == 0) energyUwh = standing.energyUwh;
        vm.prank(byMaker ? market.order(standing.orderId).peer : standing.peer);
        market.counterAgain(counterId, energyUwh, 1 + price % highest);
    }

    function accept(uint256 seed) external {
        uint256 counterId = counters.pick(seed);
        if (counterId == 0) return;
        IEnergyMarket.CounterOffer memory standing = market.counterOffer(counterId);
        vm.prank(standing.isMakers ? standing.peer : market.order(standing.orderId).peer);
        uint256 tradeId = market.accept(counterId, standing.energyUwh, standing.priceGweiPerKwh);
        agree(tradeId, uint256(standing.energyUwh) * standing.priceGweiPerKwh);
        counters.remove(counterId);
        look(standing.orderId);
        counted.accepted++;
    }

    function withdrawCounter(uint256 seed, uint256 who) external {
        uint256 counterId = counters.pick(seed);
        if (counterId == 0) return;
        vm.prank(peers[who % PEERS]);
        market.withdrawCounter(counterId);
        counters.remove(counterId);
    }

    // ------------------------------------------------------------------------------ bystanders

    function reclaim(uint256 seed) external {
        uint256 orderId = bids.pick(seed);
        if (orderId == 0) return;
        market.reclaim(orderId);
        look(orderId);
    }

    function refund(uint256 seed) external {
        uint256 tradeId = openTrades.pick(seed);
        if (tradeId == 0) return;
        uint256 beforeWei = balancesWei();
        market.refund(tradeId);
        sort(tradeId, beforeWei);
        counted.refunded++;
    }

    function split(uint256 seed) external {
        uint256 tradeId = disputedTrades.pick(seed);
        if (tradeId == 0) return;
        uint256 beforeWei = balancesWei();
        market.split(tradeId);
        sort(tradeId, beforeWei);
        counted.splits++;
    }
}
