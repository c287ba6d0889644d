// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title What a board signs about a delivery
/// @dev SHA-256, because that is the hash a microcontroller has. All numbers are big-endian:
///
/// delivery id = first 16 bytes of
///     sha256("trueque-delivery" | domain 32 | trade id 8 | attempt 4 | epoch 4)
/// digest = sha256("trueque-report" | delivery id 16 | role 1 | energy 8 | acknowledged 8)
///
/// The role is 0 for the seller, 1 for the buyer. The domain is the contract's own, so a report
/// says nothing on another chain, to another contract, or about another trade.
library DeliveryReports {
    uint8 internal constant SELLER = 0;
    uint8 internal constant BUYER = 1;

    function deliveryId(bytes32 domain, uint256 tradeId, uint32 attempt, uint32 epoch)
        internal
        pure
        returns (bytes16)
    {
        return bytes16(
            sha256(abi.encodePacked("trueque-delivery", domain, uint64(tradeId), attempt, epoch))
        );
    }

    function digest(bytes16 id, uint8 role, uint64 energyUwh, uint64 acknowledgedUwh)
        internal
        pure
        returns (bytes32)
    {
        return sha256(abi.encodePacked("trueque-report", id, role, energyUwh, acknowledgedUwh));
    }

    /// @dev Returns who signed, zero for a signature that is none.
    function signer(bytes16 id, uint8 role, IEnergyMarket.Meter calldata meter)
        internal
        pure
        returns (address found)
    {
        bytes32 signedDigest = digest(id, role, meter.energyUwh, meter.acknowledgedUwh);
        // A signature that is none gives the zero address, which no board has.
        // slither-disable-next-line unused-return
        (found,,) = ECDSA.tryRecover(signedDigest, meter.r, meter.vs);
    }
}
