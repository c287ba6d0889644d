// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title Three roles with one holder each, handed over in two steps
/// @dev OpenZeppelin's two-step rules cover the administrator only; here a grant of any role is an
/// offer, and the one who takes it up replaces the holder. So no role ends at a mistyped address.
abstract contract Roles is IEnergyMarket, AccessControl {
    bytes32 public constant COORDINATOR_ROLE = keccak256("COORDINATOR_ROLE");
    bytes32 public constant ORACLE_ROLE = keccak256("ORACLE_ROLE");

    mapping(bytes32 role => address) private _holders;
    mapping(bytes32 role => address) private _candidates;

    constructor(address administrator, address coordinator, address oracle) {
        if (administrator == address(0) || coordinator == address(0) || oracle == address(0)) {
            revert ZeroAddress();
        }
        _hand(DEFAULT_ADMIN_ROLE, administrator);
        _hand(COORDINATOR_ROLE, coordinator);
        _hand(ORACLE_ROLE, oracle);
    }

    /// @notice Offers a role to an account, which `acceptRole` then makes its only holder; zero takes
    /// the offer back. Administrator only.
    function grantRole(bytes32 role, address account) public override onlyRole(DEFAULT_ADMIN_ROLE) {
        if (_holders[role] == address(0)) revert UnknownRole(role);
        _candidates[role] = account;
        emit RoleOffered(role, account);
    }

    /// @inheritdoc IEnergyMarket
    function acceptRole(bytes32 role) external {
        if (_candidates[role] != msg.sender) revert RoleNotOffered(role, msg.sender);
        delete _candidates[role];
        _hand(role, msg.sender);
    }

    /// @notice Roles are handed over, never left without a holder.
    function revokeRole(bytes32 role, address account) public pure override {
        revert RoleNeedsHolder(role, account);
    }

    /// @notice Roles are handed over, never left without a holder.
    function renounceRole(bytes32 role, address account) public pure override {
        revert RoleNeedsHolder(role, account);
    }

    function _hand(bytes32 role, address account) private {
        _revokeRole(role, _holders[role]);
        _holders[role] = account;
        _grantRole(role, account);
    }
}
