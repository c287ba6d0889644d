// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {DeliveryReports} from "./DeliveryReports.sol";
import {PeerRegistry} from "./PeerRegistry.sol";
import {TradeSlot} from "./MarketState.sol";
import {TradingWindow} from "./TradingWindow.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title What both meters saw enters, money leaves: to the seller, to the buyer, or held
abstract contract Settlement is PeerRegistry {
    /// @dev Of a disputed trade: what is settled already, and up to where is held. Of a one-sided
    /// one: `lowUwh` is its floor. Other trades have none.
    struct HeldSlot {
        uint48 lowUwh;
        uint48 highUwh;
        uint8 signatures;
    }

    /// @dev Of all attempts at a trade: what each meter saw, what of it the other had acknowledged,
    /// and whose signatures were checked.
    struct Sums {
        uint256 sellerUwh;
        uint256 buyerUwh;
        uint256 sellerFloorUwh;
        uint256 buyerFloorUwh;
        uint8 signatures;
    }

    mapping(uint256 tradeId => HeldSlot) private _held;

    /// @dev In storage, not immutable: so the code is the same wherever it is deployed.
    bytes32 private _domain;

    constructor() {
        // Not this block's hash, which nobody knows yet: its parent's stands for all before it.
        bytes32 parent = blockhash(block.number - 1);
        _domain = sha256(abi.encodePacked("trueque", block.chainid, address(this), parent));
    }

    // ---------------------------------------------------------------------------------- reports

    /// @inheritdoc IEnergyMarket
    function report(DeliveryReport calldata delivered) external onlyRole(ORACLE_ROLE) {
        _report(delivered);
    }

    /// @inheritdoc IEnergyMarket
    function reportBatch(DeliveryReport[] calldata delivered) external onlyRole(ORACLE_ROLE) {
        for (uint256 i = 0; i < delivered.length; ++i) {
            _report(delivered[i]);
        }
    }

    /// @inheritdoc IEnergyMarket
    function reportAlone(DeliveryReport calldata delivered, bool isSeller)
        external
        onlyRole(ORACLE_ROLE)
    {
        uint256 tradeId = delivered.tradeId;
        TradeSlot memory slot = _reportable(tradeId);
        if (slot.status != TradeStatus.Open) revert TradeClosed(tradeId, slot.status);
        Sums memory sums = _sum(delivered, slot, isSeller, !isSeller);
        (uint256 energyUwh, uint256 floorUwh) =
            isSeller ? (sums.sellerUwh, sums.sellerFloorUwh) : (sums.buyerUwh, sums.buyerFloorUwh);
        floorUwh = Math.min(floorUwh, slot.energyUwh);
        _state.trades[tradeId].status = TradeStatus.OneSided;
        _held[tradeId] = HeldSlot(uint48(floorUwh), 0, sums.signatures);
        emit MeterReportedAlone(
            tradeId, isSeller, uint64(energyUwh), uint64(floorUwh), sums.signatures
        );
    }

    function _report(DeliveryReport calldata delivered) private {
        uint256 tradeId = delivered.tradeId;
        TradeSlot memory slot = _reportable(tradeId);
        Sums memory sums = _sum(delivered, slot, true, true);
        (uint256 lowUwh, uint256 highUwh) = _band(
            sums.sellerUwh,
            sums.buyerUwh,
            slot.energyUwh,
            _state.windows[slot.windowId].lossPermille
        );
        bool isDisputed = highUwh != lowUwh;
        _state.trades[tradeId].status = isDisputed ? TradeStatus.Disputed : TradeStatus.Settled;
        if (isDisputed) {
            _held[tradeId] = HeldSlot(uint48(lowUwh), uint48(highUwh), sums.signatures);
        }
        (uint256 paidWei, uint256 refundedWei) =
            _pay(tradeId, slot, lowUwh, slot.energyUwh - highUwh);
        if (isDisputed) {
            emit TradeDisputed(
                tradeId,
                uint64(sums.sellerUwh),
                uint64(sums.buyerUwh),
                uint64(lowUwh),
                uint64(highUwh),
                paidWei,
                refundedWei,
                sums.signatures
            );
        } else {
            emit TradeSettled(
                tradeId,
                uint64(sums.sellerUwh),
                uint64(sums.buyerUwh),
                uint64(lowUwh),
                paidWei,
                refundedWei,
                sums.signatures
            );
        }
    }

    /// @dev Adds up what the meters saw in all attempts and checks the signatures of those asked for.
    function _sum(
        DeliveryReport calldata delivered,
        TradeSlot memory slot,
        bool ofSeller,
        bool ofBuyer
    ) private view returns (Sums memory sums) {
        address sellerKey = ofSeller ? _state.nodes[slot.seller].key : address(0);
        address buyerKey = ofBuyer ? _state.nodes[slot.buyer].key : address(0);
        sums.signatures = (sellerKey == address(0) ? 0 : 1) | (buyerKey == address(0) ? 0 : 2);
        uint256 tradeId = delivered.tradeId;
        // That nothing moved is a figure, too, and a board with a key signs it.
        if (delivered.attempts.length == 0) revert AttemptOutOfOrder(tradeId, 0, 0);
        uint256 before = 0;
        for (uint256 i = 0; i < delivered.attempts.length; ++i) {
            Attempt calldata one = delivered.attempts[i];
            if (i != 0 && one.number <= before) {
                revert AttemptOutOfOrder(tradeId, one.number, before);
            }
            before = one.number;
            if (sums.signatures != 0) {
                bytes16 id = deliveryId(tradeId, one.number, one.epoch);
                _check(tradeId, id, sellerKey, DeliveryReports.SELLER, one.seller);
                _check(tradeId, id, buyerKey, DeliveryReports.BUYER, one.buyer);
            }
            sums.sellerUwh += one.seller.energyUwh;
            sums.buyerUwh += one.buyer.energyUwh;
            sums.sellerFloorUwh += Math.min(one.seller.energyUwh, one.seller.acknowledgedUwh);
            sums.buyerFloorUwh += Math.min(one.buyer.energyUwh, one.buyer.acknowledgedUwh);
        }
        // Far beyond any order: nothing that counts is cut.
        sums.sellerUwh = Math.min(sums.sellerUwh, type(uint64).max);
        sums.buyerUwh = Math.min(sums.buyerUwh, type(uint64).max);
    }

    /// @dev Returns the lesser meter and, no less than that, the greater one without its allowance
    /// for losses; neither more than agreed.
    function _band(uint256 sellerUwh, uint256 buyerUwh, uint256 agreedUwh, uint256 lossPermille)
        private
        pure
        returns (uint256 lowUwh, uint256 highUwh)
    {
        lowUwh = Math.min(Math.min(sellerUwh, buyerUwh), agreedUwh);
        uint256 greaterUwh = Math.min(Math.max(sellerUwh, buyerUwh), agreedUwh);
        highUwh = Math.max(lowUwh, greaterUwh - greaterUwh * lossPermille / 1000);
    }

    /// @dev Reverts unless the board with that key signed the meter's figures. Without a key the
    /// oracle's word counts.
    function _check(uint256 tradeId, bytes16 id, address key, uint8 role, Meter calldata meter)
        private
        pure
    {
        if (key == address(0)) return;
        address found = DeliveryReports.signer(id, role, meter);
        if (found != key) revert SignatureInvalid(tradeId, role, key, found);
    }

    function _reportable(uint256 tradeId) private view returns (TradeSlot memory slot) {
        slot = _unclosed(tradeId);
        TradingWindow.Slots storage terms = _state.windows[slot.windowId];
        uint256 reportBy = terms.reportBy;
        if (block.timestamp >= reportBy) revert ReportTooLate(tradeId, block.timestamp, reportBy);
        if (_isProvisional(slot.windowId)) revert WindowNotCleared(slot.windowId);
    }

    // -------------------------------------------------------------------------------- deadlines

    /// @inheritdoc IEnergyMarket
    function refund(uint256 tradeId) external {
        TradeSlot memory slot = _unclosed(tradeId);
        TradingWindow.Slots storage terms = _state.windows[slot.windowId];
        // A window that was not cleared in time has no trades.
        uint256 dueS = _isProvisional(slot.windowId) ? terms.clearBy : terms.reportBy;
        if (block.timestamp < dueS) revert RefundTooEarly(tradeId, block.timestamp, dueS);

        if (slot.status == TradeStatus.Open) {
            _state.trades[tradeId].status = TradeStatus.Refunded;
            (, uint256 refundedWei) = _pay(tradeId, slot, 0, slot.energyUwh);
            emit TradeRefunded(tradeId, refundedWei);
        } else {
            HeldSlot memory floor = _held[tradeId];
            _state.trades[tradeId].status = TradeStatus.Settled;
            (uint256 paidWei, uint256 refundedWei) =
                _pay(tradeId, slot, floor.lowUwh, slot.energyUwh - floor.lowUwh);
            emit TradeSettled(
                tradeId,
                floor.lowUwh,
                floor.lowUwh,
                floor.lowUwh,
                paidWei,
                refundedWei,
                floor.signatures
            );
        }
    }

    /// @inheritdoc IEnergyMarket
    function resolve(uint256 tradeId, uint64 settledUwh) external onlyRole(COORDINATOR_ROLE) {
        (TradeSlot memory slot, HeldSlot memory held) = _disputed(tradeId);
        uint256 resolveBy = _state.windows[slot.windowId].resolveBy;
        if (block.timestamp >= resolveBy) {
            revert ResolveTooLate(tradeId, block.timestamp, resolveBy);
        }
        if (settledUwh < held.lowUwh || settledUwh > held.highUwh) {
            revert OutsideDispute(tradeId, settledUwh, held.lowUwh, held.highUwh);
        }
        _resolve(tradeId, slot, held, settledUwh);
    }

    /// @inheritdoc IEnergyMarket
    function split(uint256 tradeId) external {
        (TradeSlot memory slot, HeldSlot memory held) = _disputed(tradeId);
        uint256 resolveBy = _state.windows[slot.windowId].resolveBy;
        if (block.timestamp < resolveBy) revert SplitTooEarly(tradeId, block.timestamp, resolveBy);
        _resolve(tradeId, slot, held, (uint256(held.lowUwh) + held.highUwh) / 2);
    }

    function _resolve(
        uint256 tradeId,
        TradeSlot memory slot,
        HeldSlot memory held,
        uint256 settledUwh
    ) private {
        _state.trades[tradeId].status = TradeStatus.Settled;
        (uint256 paidWei, uint256 refundedWei) =
            _pay(tradeId, slot, settledUwh - held.lowUwh, held.highUwh - settledUwh);
        emit DisputeResolved(tradeId, uint64(settledUwh), paidWei, refundedWei);
    }

    /// @dev Gives `paidUwh` of a trade's escrow to the seller and the window's account, `refundedUwh`
    /// back to the buyer.
    function _pay(uint256 tradeId, TradeSlot memory slot, uint256 paidUwh, uint256 refundedUwh)
        private
        returns (uint256 paidWei, uint256 refundedWei)
    {
        paidWei = paidUwh * slot.price;
        refundedWei = refundedUwh * (uint256(slot.price) + slot.fee);
        _credit(slot.seller, paidWei);
        _credit(slot.buyer, refundedWei);
        uint256 feeWei = paidUwh * slot.fee;
        if (feeWei != 0) {
            uint32 feePeer = _state.windows[slot.windowId].feePeer;
            _credit(feePeer, feeWei);
            emit FeePaid(tradeId, _state.accounts[feePeer].account, feeWei);
        }
    }

    // ------------------------------------------------------------------------------------ views

    /// @inheritdoc IEnergyMarket
    function deliveryId(uint256 tradeId, uint32 attempt, uint32 epoch)
        public
        view
        returns (bytes16)
    {
        return DeliveryReports.deliveryId(_domain, tradeId, attempt, epoch);
    }

    /// @inheritdoc IEnergyMarket
    function domain() external view returns (bytes32) {
        return _domain;
    }

    /// @inheritdoc IEnergyMarket
    function dispute(uint256 tradeId) external view returns (uint64 lowUwh, uint64 highUwh) {
        (, HeldSlot memory held) = _disputed(tradeId);
        return (held.lowUwh, held.highUwh);
    }

    function _disputed(uint256 tradeId)
        private
        view
        returns (TradeSlot memory slot, HeldSlot memory held)
    {
        slot = _known(tradeId);
        if (slot.status != TradeStatus.Disputed) revert NotDisputed(tradeId, slot.status);
        held = _held[tradeId];
    }

    /// @dev Trades of a book become final with it.
    function _isProvisional(uint32 windowId) private view returns (bool) {
        return _state.windows[windowId].mechanism != Mechanism.Bilateral
            && !_state.books[windowId].isFinal;
    }

    function _known(uint256 tradeId) internal view returns (TradeSlot memory slot) {
        slot = _state.trades[tradeId];
        if (slot.status == TradeStatus.None) revert UnknownTrade(tradeId);
    }

    /// @dev Trades whose whole cost is still in escrow.
    function _unclosed(uint256 tradeId) private view returns (TradeSlot memory slot) {
        slot = _known(tradeId);
        if (slot.status != TradeStatus.Open && slot.status != TradeStatus.OneSided) {
            revert TradeClosed(tradeId, slot.status);
        }
    }
}
