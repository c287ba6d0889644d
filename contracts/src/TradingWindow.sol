// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title Which terms a trading window may have, and how they are stored
/// @dev An external library, as `Clearing`, only so that the market stays below the size limit.
/// Everything that an order or a trade is computed from is bounded here, once, before it is narrowed:
/// times < 2^32, MAX_ENERGY_UWH < 2^48, MAX_PRICE < 2^40, and the largest cost
/// MAX_ENERGY_UWH * MAX_PRICE < 2^88. So no cast of the market cuts a value, no sum overflows.
library TradingWindow {
    /// @notice 100 MWh, the largest order any window may admit.
    uint256 internal constant MAX_ENERGY_UWH = 1e14;
    /// @notice 1000 ETH/kWh in gwei/kWh, the highest price any window may admit.
    uint256 internal constant MAX_PRICE = 1e12;
    /// @notice In the year 2106.
    uint256 internal constant MAX_TIME_S = type(uint32).max;

    uint256 internal constant MAX_LOSS_PERMILLE = 500;
    /// @notice As kPermille: the window has no rule for its price.
    uint256 internal constant NO_PRICE_RULE = 1001;

    /// @dev `IEnergyMarket.WindowTerms` in three slots: what every order needs, what takes, clearing
    /// and reports need, and the rest.
    struct Slots {
        uint32 bidStart;
        uint40 bidEnd;
        IEnergyMarket.Mechanism mechanism;
        uint48 minEnergyUwh;
        uint48 maxEnergyUwh;
        uint40 minPrice;
        uint40 maxPrice;
        uint40 clearBy;
        uint40 deliveryStart;
        uint40 deliveryEnd;
        uint40 reportBy;
        uint40 resolveBy;
        uint16 lossPermille;
        bool needsApproval;
        bool isStrict;
        uint16 kPermille;
        uint48 capacityUwh;
        uint40 maxFee;
        uint32 feePeer;
        uint32 gridPeer;
    }

    /// @dev Reverts unless the terms make sense and bidding is not over yet.
    function pack(IEnergyMarket.WindowTerms calldata terms, uint32 feePeer, uint32 gridPeer)
        external
        view
        returns (Slots memory)
    {
        _checkTimes(terms);
        _checkLimits(terms);
        return Slots({
            bidStart: uint32(terms.bidStart),
            bidEnd: uint40(terms.bidEnd),
            minEnergyUwh: uint48(terms.minEnergyUwh),
            maxEnergyUwh: uint48(terms.maxEnergyUwh),
            minPrice: uint40(terms.minPrice),
            maxPrice: uint40(terms.maxPrice),
            clearBy: uint40(terms.clearBy),
            deliveryStart: uint40(terms.deliveryStart),
            deliveryEnd: uint40(terms.deliveryEnd),
            reportBy: uint40(terms.reportBy),
            resolveBy: uint40(terms.resolveBy),
            lossPermille: uint16(terms.lossPermille),
            mechanism: terms.mechanism,
            needsApproval: terms.needsApproval,
            isStrict: terms.isStrict,
            kPermille: uint16(terms.kPermille),
            capacityUwh: uint48(terms.capacityUwh),
            maxFee: uint40(terms.maxFee),
            feePeer: feePeer,
            gridPeer: gridPeer
        });
    }

    function unpack(Slots memory slots, address feeAccount, address gridAccount)
        external
        pure
        returns (IEnergyMarket.WindowTerms memory)
    {
        return IEnergyMarket.WindowTerms({
            bidStart: slots.bidStart,
            bidEnd: slots.bidEnd,
            clearBy: slots.clearBy,
            deliveryStart: slots.deliveryStart,
            deliveryEnd: slots.deliveryEnd,
            reportBy: slots.reportBy,
            resolveBy: slots.resolveBy,
            minEnergyUwh: slots.minEnergyUwh,
            maxEnergyUwh: slots.maxEnergyUwh,
            minPrice: slots.minPrice,
            maxPrice: slots.maxPrice,
            lossPermille: slots.lossPermille,
            mechanism: slots.mechanism,
            needsApproval: slots.needsApproval,
            isStrict: slots.isStrict,
            kPermille: slots.kPermille,
            capacityUwh: slots.capacityUwh,
            maxFee: slots.maxFee,
            feeAccount: feeAccount,
            gridAccount: gridAccount
        });
    }

    function _checkTimes(IEnergyMarket.WindowTerms calldata terms) private view {
        _requireBefore("bidEnd", terms.bidStart, terms.bidEnd);
        _requireNotAfter("clearBy", terms.bidEnd, terms.clearBy);
        if (terms.mechanism != IEnergyMarket.Mechanism.Bilateral) {
            _requireBefore("clearBy", terms.bidEnd, terms.clearBy);
        }
        _requireNotAfter("deliveryStart", terms.bidStart, terms.deliveryStart);
        _requireBefore("deliveryEnd", terms.deliveryStart, terms.deliveryEnd);
        _requireNotAfter("deliveryEnd", terms.clearBy, terms.deliveryEnd);
        _requireBefore("reportBy", terms.deliveryEnd, terms.reportBy);
        _requireNotAfter("resolveBy", terms.reportBy, terms.resolveBy);
        // The last time is the latest one, so the others fit too.
        if (terms.resolveBy > MAX_TIME_S) {
            revert IEnergyMarket.WindowTimeTooLate(terms.resolveBy, MAX_TIME_S);
        }
        if (terms.bidEnd <= block.timestamp) {
            revert IEnergyMarket.BiddingAlreadyOver(terms.bidEnd, block.timestamp);
        }
    }

    function _checkLimits(IEnergyMarket.WindowTerms calldata terms) private pure {
        (uint256 min, uint256 max) = (terms.minEnergyUwh, terms.maxEnergyUwh);
        if (min == 0 || min > max || max > MAX_ENERGY_UWH) {
            revert IEnergyMarket.EnergyLimitsInvalid(min, max, MAX_ENERGY_UWH);
        }
        (min, max) = (terms.minPrice, terms.maxPrice);
        if (min == 0 || min > max || max > MAX_PRICE) {
            revert IEnergyMarket.PriceLimitsInvalid(min, max, MAX_PRICE);
        }
        if (terms.lossPermille > MAX_LOSS_PERMILLE) {
            revert IEnergyMarket.LossAllowanceTooLarge(terms.lossPermille, MAX_LOSS_PERMILLE);
        }
        if (terms.kPermille > NO_PRICE_RULE) revert IEnergyMarket.KInvalid(terms.kPermille);
        if (terms.capacityUwh > type(uint48).max || terms.maxFee > MAX_PRICE) {
            revert IEnergyMarket.CapacityOrFeeInvalid(terms.capacityUwh, terms.maxFee);
        }
        if (terms.maxFee != 0 && terms.feeAccount == address(0)) {
            revert IEnergyMarket.ZeroAddress();
        }
        if (terms.mechanism == IEnergyMarket.Mechanism.McAfee) _checkMcAfee(terms);
    }

    /// @dev McAfee's rule is about orders of one and the same quantity, and knows no other limit, and
    /// leaves out a pair that could have traded: that is not for the grid.
    function _checkMcAfee(IEnergyMarket.WindowTerms calldata terms) private pure {
        if (terms.minEnergyUwh != terms.maxEnergyUwh) {
            revert IEnergyMarket.EnergyLimitsInvalid(
                terms.minEnergyUwh, terms.maxEnergyUwh, MAX_ENERGY_UWH
            );
        }
        if (terms.capacityUwh != 0) {
            revert IEnergyMarket.CapacityOrFeeInvalid(terms.capacityUwh, terms.maxFee);
        }
        if (terms.gridAccount != address(0)) {
            revert IEnergyMarket.GridNotAllowed(terms.gridAccount, terms.mechanism);
        }
    }

    function _requireBefore(bytes32 field, uint256 earlierS, uint256 laterS) private pure {
        if (earlierS >= laterS) {
            revert IEnergyMarket.WindowTimesOutOfOrder(field, earlierS, laterS);
        }
    }

    function _requireNotAfter(bytes32 field, uint256 earlierS, uint256 laterS) private pure {
        if (earlierS > laterS) {
            revert IEnergyMarket.WindowTimesOutOfOrder(field, earlierS, laterS);
        }
    }
}
