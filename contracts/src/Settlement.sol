// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {DeliveryReports} from "./DeliveryReports.sol";
import {PeerRegistry} from "./PeerRegistry.sol";
import {TradingWindow} from "./TradingWindow.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title What both meters saw enters, money leaves: to the seller, to the buyer, or held
abstract contract Settlement is PeerRegistry {
    /// @dev One storage slot.
    struct TradeSlot {
        uint32 seller;
        uint32 buyer;
        uint32 windowId;
        uint48 energyUwh;
        uint40 price;
        TradeStatus status;
    }

    /// @dev Of a disputed trade: what is settled already, and up to where is held. Of a one-sided
    /// one: `lowUwh` is its floor. Other trades have none.
    struct HeldSlot {
        uint48 lowUwh;
        uint48 highUwh;
        uint8 signatures;
    }

    mapping(uint256 windowId => TradingWindow.Slots) internal _windows;
    mapping(uint256 tradeId => TradeSlot) internal _trades;
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
    function reportAlone(
        uint256 tradeId,
        uint32 attempt,
        uint32 epoch,
        bool isSeller,
        Meter calldata meter
    ) external onlyRole(ORACLE_ROLE) {
        TradeSlot memory slot = _reportable(tradeId);
        if (slot.status != TradeStatus.Open) revert TradeClosed(tradeId, slot.status);
        bytes16 id = deliveryId(tradeId, attempt, epoch);
        uint8 signatures = isSeller
            ? _signature(tradeId, id, slot.seller, DeliveryReports.SELLER, meter)
            : _signature(tradeId, id, slot.buyer, DeliveryReports.BUYER, meter);
        uint256 floorUwh =
            Math.min(Math.min(meter.energyUwh, meter.acknowledgedUwh), slot.energyUwh);
        _trades[tradeId].status = TradeStatus.OneSided;
        _held[tradeId] = HeldSlot(uint48(floorUwh), 0, signatures);
        emit MeterReportedAlone(tradeId, isSeller, meter.energyUwh, uint64(floorUwh), signatures);
    }

    function _report(DeliveryReport calldata delivered) private {
        uint256 tradeId = delivered.tradeId;
        TradeSlot memory slot = _reportable(tradeId);
        bytes16 id = deliveryId(tradeId, delivered.attempt, delivered.epoch);
        uint8 signatures =
            _signature(tradeId, id, slot.seller, DeliveryReports.SELLER, delivered.seller);
        signatures |= _signature(tradeId, id, slot.buyer, DeliveryReports.BUYER, delivered.buyer);

        (uint256 lowUwh, uint256 highUwh) = _band(
            delivered.seller.energyUwh,
            delivered.buyer.energyUwh,
            slot.energyUwh,
            _windows[slot.windowId].lossPermille
        );
        uint256 paidWei = lowUwh * slot.price;
        uint256 refundedWei = (slot.energyUwh - highUwh) * slot.price;
        bool isDisputed = highUwh != lowUwh;
        _trades[tradeId].status = isDisputed ? TradeStatus.Disputed : TradeStatus.Settled;
        if (isDisputed) {
            _held[tradeId] = HeldSlot(uint48(lowUwh), uint48(highUwh), signatures);
        }
        _credit(slot.seller, paidWei);
        _credit(slot.buyer, refundedWei);
        if (isDisputed) {
            emit TradeDisputed(
                tradeId,
                delivered.seller.energyUwh,
                delivered.buyer.energyUwh,
                uint64(lowUwh),
                uint64(highUwh),
                paidWei,
                refundedWei,
                signatures
            );
        } else {
            emit TradeSettled(
                tradeId,
                delivered.seller.energyUwh,
                delivered.buyer.energyUwh,
                uint64(lowUwh),
                paidWei,
                refundedWei,
                signatures
            );
        }
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

    /// @dev Returns the role's bit when the peer's board has a key and signed the meter's figures,
    /// 0 when it has none: then the oracle's word counts.
    function _signature(
        uint256 tradeId,
        bytes16 id,
        uint32 peerNumber,
        uint8 role,
        Meter calldata meter
    ) private view returns (uint8 bit) {
        address key = _nodes[peerNumber].key;
        if (key == address(0)) return 0;
        address found = DeliveryReports.signer(id, role, meter);
        if (found != key) revert SignatureInvalid(tradeId, role, key, found);
        return uint8(1) << role;
    }

    function _reportable(uint256 tradeId) private view returns (TradeSlot memory slot) {
        slot = _unclosed(tradeId);
        uint256 reportBy = _windows[slot.windowId].reportBy;
        if (block.timestamp >= reportBy) revert ReportTooLate(tradeId, block.timestamp, reportBy);
    }

    // -------------------------------------------------------------------------------- deadlines

    /// @inheritdoc IEnergyMarket
    function refund(uint256 tradeId) external {
        TradeSlot memory slot = _unclosed(tradeId);
        uint256 reportBy = _windows[slot.windowId].reportBy;
        if (block.timestamp < reportBy) revert RefundTooEarly(tradeId, block.timestamp, reportBy);

        if (slot.status == TradeStatus.Open) {
            uint256 refundedWei = uint256(slot.energyUwh) * slot.price;
            _trades[tradeId].status = TradeStatus.Refunded;
            _credit(slot.buyer, refundedWei);
            emit TradeRefunded(tradeId, refundedWei);
        } else {
            HeldSlot memory floor = _held[tradeId];
            uint256 paidWei = uint256(floor.lowUwh) * slot.price;
            uint256 refundedWei = uint256(slot.energyUwh - floor.lowUwh) * slot.price;
            _trades[tradeId].status = TradeStatus.Settled;
            _credit(slot.seller, paidWei);
            _credit(slot.buyer, refundedWei);
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
        uint256 resolveBy = _windows[slot.windowId].resolveBy;
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
        uint256 resolveBy = _windows[slot.windowId].resolveBy;
        if (block.timestamp < resolveBy) revert SplitTooEarly(tradeId, block.timestamp, resolveBy);
        _resolve(tradeId, slot, held, (uint256(held.lowUwh) + held.highUwh) / 2);
    }

    function _resolve(
        uint256 tradeId,
        TradeSlot memory slot,
        HeldSlot memory held,
        uint256 settledUwh
    ) private {
        uint256 paidWei = (settledUwh - held.lowUwh) * slot.price;
        uint256 refundedWei = (held.highUwh - settledUwh) * slot.price;
        _trades[tradeId].status = TradeStatus.Settled;
        _credit(slot.seller, paidWei);
        _credit(slot.buyer, refundedWei);
        emit DisputeResolved(tradeId, uint64(settledUwh), paidWei, refundedWei);
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

    function _known(uint256 tradeId) internal view returns (TradeSlot memory slot) {
        slot = _trades[tradeId];
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
