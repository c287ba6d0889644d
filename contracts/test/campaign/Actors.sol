// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EnergyMarket} from "../../src/EnergyMarket.sol";
import {IEnergyMarket} from "../../src/interfaces/IEnergyMarket.sol";
import {Cast} from "./Cast.sol";
import {Ids, IdSets} from "./Ids.sol";
import {PeerActs} from "./PeerActs.sol";

interface Watcher {
    function look() external view;
}

/// @notice Does what peers, coordinator, oracle, administrator and bystanders may do, in any order and
/// at any time, with values bent into a range where most calls pass.
contract Actors is PeerActs {
    using IdSets for Ids;

    uint256 private constant WAITS_PER_LOOK = 64;

    Watcher private immutable watcher;
    uint256 private book; // the window that was filled last
    uint256 public waits;
    bool public isBroken;

    constructor(EnergyMarket market_, address[PEERS] memory peers_, address[3] memory roles)
        Cast(market_, peers_, roles)
    {
        watcher = Watcher(msg.sender);
    }

    // ------------------------------------------------------------------------------ coordinator

    function openWindow(uint64 length) public override {
        if (block.timestamp < bidEnd && length % 8 != 0) return;
        uint64 start = uint64(block.timestamp);
        length = 10 + length % 100;
        IEnergyMarket.Mechanism mechanism =
            IEnergyMarket.Mechanism(length % 7 < 4 ? 1 + length % 7 : 0);
        isBook = mechanism != IEnergyMarket.Mechanism.Bilateral;
        delete newOffers;
        delete newBids;
        bidEnd = start + length;
        highest = length % 8 == 0 ? 1e12 : 1e9; // so dear that few can pay, or not
        bool isMcAfee = mechanism == IEnergyMarket.Mechanism.McAfee;
        vm.prank(coordinator);
        newestWindow = market.openWindow(
            IEnergyMarket.WindowTerms({
                bidStart: start,
                bidEnd: uint64(bidEnd),
                clearBy: start + 2 * length,
                deliveryStart: start + length,
                deliveryEnd: start + 3 * length,
                reportBy: start + 4 * length,
                resolveBy: start + 5 * length,
                minEnergyUwh: isMcAfee ? MAX_UWH / 4 : MIN_UWH,
                maxEnergyUwh: isMcAfee ? MAX_UWH / 4 : 3 * MAX_UWH,
                minPrice: 1,
                maxPrice: highest,
                lossPermille: length % 100,
                mechanism: mechanism,
                needsApproval: length % 5 == 0,
                isStrict: length % 3 == 0,
                kPermille: length % 2 == 0 ? 500 : 1001,
                capacityUwh: length % 11 == 0 && !isMcAfee ? 2 * MAX_UWH : 0,
                maxFee: 1e12,
                feeAccount: peers[2],
                gridAccount: length % 4 == 0 || isMcAfee ? address(0) : peers[2]
            })
        );
    }

    function review(uint256 seed, bool isApproved) external {
        uint256[] memory ids = new uint256[](1);
        ids[0] = pickOrder(seed);
        if (ids[0] == 0) return;
        vm.prank(coordinator);
        market.review(ids, isApproved);
        look(ids[0]);
    }

    /// @dev Fills a bid with an offer of the newest window at prices that often suit them.
    function clear(uint256 seed, uint64 energyUwh, uint64 fee) external {
        IEnergyMarket.Mechanism mechanism = market.window(newestWindow).mechanism;
        if (mechanism == IEnergyMarket.Mechanism.Bilateral || !bidsEnded(seed)) return;
        uint256 bidId = pickInBook(newBids, seed / 6);
        uint256 offerId = pickInBook(newOffers, seed / 6);
        if (bidId == 0 || offerId == 0) return;
        uint64 price = market.order(offerId).priceGweiPerKwh;
        uint64 most = market.order(offerId).energyUwh;
        if (market.order(bidId).energyUwh < most) most = market.order(bidId).energyUwh;
        fill(
            mechanism,
            [bidId, offerId],
            seed % 5 == 0 ? 1 + energyUwh % most : most,
            price,
            fee % 1000
        );
    }

    /// @dev Places an order at the window's limit, if it can still be placed, and fills it, or another
    /// one, with the grid account.
    function clearWithGrid(uint256 seed, uint64 energyUwh) external {
        IEnergyMarket.WindowTerms memory terms = market.window(newestWindow);
        if (terms.gridAccount == address(0)) return;
        if (terms.mechanism == IEnergyMarket.Mechanism.Bilateral) return;
        uint256 orderId = pickOrder(seed);
        if (block.timestamp < bidEnd) {
            orderId = place(peers[seed % PEERS], energyUwh % 3 == 0, energyUwh, 0);
        }
        if (orderId == 0 || !bidsEnded(seed)) return;
        IEnergyMarket.Order memory left = market.order(orderId);
        if (left.energyUwh == 0) return;
        if (seed % 5 == 0) left.energyUwh = 1 + energyUwh % left.energyUwh;
        uint256[2] memory ids = left.isOffer ? [0, orderId] : [orderId, 0];
        fill(terms.mechanism, ids, left.energyUwh, left.priceGweiPerKwh, 0);
    }

    /// @dev Now and then it lets the rest of the window's bidding time pass.
    function bidsEnded(uint256 seed) private returns (bool) {
        if (block.timestamp >= bidEnd) return true;
        if (seed % 4 != 0) return false;
        vm.warp(bidEnd);
        return true;
    }

    /// @param ids of the bid and of the offer.
    function fill(
        IEnergyMarket.Mechanism mechanism,
        uint256[2] memory ids,
        uint64 energyUwh,
        uint64 price,
        uint64 fee
    ) private {
        IEnergyMarket.Batch memory batch;
        (batch.windowId, batch.fills) = (newestWindow, new IEnergyMarket.Fill[](1));
        bool isUniform = mechanism == IEnergyMarket.Mechanism.Uniform
            || mechanism == IEnergyMarket.Mechanism.McAfee;
        if (isUniform) (batch.sellPrice, batch.buyPrice, fee) = (price, price + fee, 0);
        batch.fills[0] = IEnergyMarket.Fill(ids[0], ids[1], energyUwh, fee);
        book = newestWindow;
        vm.prank(coordinator);
        market.clear(batch);
        filled(ids[0], ids[1]);
    }

    function filled(uint256 bidId, uint256 offerId) private {
        (,,, uint256 tradeId,) = market.counts();
        IEnergyMarket.Trade memory made = market.trade(tradeId);
        agree(tradeId, uint256(made.energyUwh) * (made.priceGweiPerKwh + made.feeGweiPerKwh));
        if (bidId != 0) look(bidId);
        if (offerId != 0) look(offerId);
        if (bidId == 0 || offerId == 0) counted.filledWithGrid++;
        else counted.filled++;
    }

    function closeBook(uint256 count) external {
        if (book == 0) return;
        vm.prank(coordinator);
        market.closeBook(book, count % 20);
        if (market.isCleared(book)) counted.booksClosed++;
    }

    function resolve(uint256 seed, uint64 settledUwh) external {
        uint256 tradeId = disputedTrades.pick(seed);
        if (tradeId == 0 || seed % 16 != 0) return;
        (uint64 lowUwh, uint64 highUwh) = market.dispute(tradeId);
        uint256 beforeWei = balancesWei();
        vm.prank(coordinator);
        market.resolve(tradeId, lowUwh + settledUwh % (highUwh - lowUwh + 1));
        sort(tradeId, beforeWei);
        counted.resolved++;
    }

    // ----------------------------------------------------------------------------------- oracle

    function report(uint256 seed, uint64 sellerUwh, uint64 buyerUwh) external {
        uint256 tradeId = openTrades.pick(seed);
        if (tradeId == 0) return;
        if (seed % 2 == 0) buyerUwh = sellerUwh; // meters often agree
        IEnergyMarket.DeliveryReport memory delivered = reportOf(tradeId, sellerUwh, buyerUwh);
        uint256 beforeWei = balancesWei();
        vm.prank(oracle);
        market.report(delivered);
        sort(tradeId, beforeWei);
        if (disputedTrades.place[tradeId] == 0) counted.reported++;
        else counted.disputed++;
    }

    function reportAlone(uint256 seed, bool isSeller, uint64 energyUwh, uint64 heardUwh) external {
        uint256 tradeId = openTrades.pick(seed);
        if (tradeId == 0) return;
        IEnergyMarket.DeliveryReport memory delivered = reportOf(tradeId, energyUwh, heardUwh);
        vm.prank(oracle);
        market.reportAlone(delivered, isSeller);
    }

    function reportOf(uint256 tradeId, uint64 sellerUwh, uint64 buyerUwh)
        private
        pure
        returns (IEnergyMarket.DeliveryReport memory delivered)
    {
        (sellerUwh, buyerUwh) = (sellerUwh % (2 * MAX_UWH), buyerUwh % (2 * MAX_UWH));
        delivered.tradeId = tradeId;
        delivered.attempts = new IEnergyMarket.Attempt[](1);
        delivered.attempts[0].seller = IEnergyMarket.Meter(sellerUwh, buyerUwh, 0, 0);
        delivered.attempts[0].buyer = IEnergyMarket.Meter(buyerUwh, sellerUwh, 0, 0);
    }

    // --------------------------------------------------------------------- administrator, time

    function suspendOrApprove(uint256 who, uint8 dice) external {
        address account = peers[who % PEERS];
        bytes32 nodeId = market.peer(account).nodeId;
        vm.prank(administrator);
        if (dice % 8 == 0) market.suspend(account);
        else market.approve(account, nodeId, address(0));
    }

    function grantPriority(uint256 who, uint8 priority) external {
        vm.prank(administrator);
        market.grantPriority(peers[who % PEERS], priority % 3);
    }

    function pauseOrGoOn(uint8 dice) external {
        vm.prank(administrator);
        if (dice % 16 == 0) market.pause();
        else market.unpause();
    }

    /// @dev Now and then the campaign looks at the whole, which takes long.
    function wait(uint256 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 24);
        if (++waits % WAITS_PER_LOOK != 0) return;
        try watcher.look() {}
        catch {
            isBroken = true;
        }
    }
}
