// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Accounts} from "./Accounts.sol";
import {Account, MarketState, Node} from "./MarketState.sol";
import {Roles} from "./Roles.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title Who takes part, in which role, and with how much money
/// @dev Peers are numbered, so that whatever refers to two of them still fits one storage slot.
abstract contract PeerRegistry is Roles, ReentrancyGuard, Pausable {
    using Address for address payable;

    /// @notice The most the contract holds, so that every balance fits its 88 bits: 309 million ETH.
    uint256 public constant MAX_TOTAL_WEI = type(uint88).max;

    // The market's counters stand here too: so they share the slot of Pausable's flag, which every
    // new order and trade reads anyway.
    uint32 internal _peerCount;
    uint32 internal _windowCount;
    uint40 internal _orderCount;
    uint40 internal _tradeCount;
    uint40 internal _counterCount;

    MarketState internal _state;
    mapping(bytes32 nodeId => uint32 number) private _holderOfNodeId;
    mapping(address nodeKey => uint32 number) private _holderOfNodeKey;

    // --------------------------------------------------------------------------------- registry

    /// @inheritdoc IEnergyMarket
    function register() external whenNotPaused {
        if (_state.peers[msg.sender].number != 0) revert AlreadyRegistered(msg.sender);
        _refuseRole(DEFAULT_ADMIN_ROLE);
        _refuseRole(COORDINATOR_ROLE);
        _refuseRole(ORACLE_ROLE);

        uint32 number = ++_peerCount;
        _state.peers[msg.sender].number = number;
        _state.accounts[number] = Account(msg.sender, 0, PeerStatus.Registered);
        emit PeerRegistered(msg.sender);
    }

    /// @inheritdoc IEnergyMarket
    function approve(address peerAccount, bytes32 nodeId, address nodeKey)
        external
        onlyRole(DEFAULT_ADMIN_ROLE)
    {
        uint32 number = _registered(peerAccount);
        if (nodeId == 0) revert ZeroNodeId();
        uint32 holder = _holderOfNodeId[nodeId];
        if (holder != 0 && holder != number) {
            revert NodeIdTaken(nodeId, _state.accounts[holder].account);
        }
        holder = _holderOfNodeKey[nodeKey];
        if (holder != 0 && holder != number) {
            revert NodeKeyTaken(nodeKey, _state.accounts[holder].account);
        }

        Node storage node = _freeNode(number);
        _holderOfNodeId[nodeId] = number;
        // Boards without a key all show zero, which therefore has no holder.
        if (nodeKey != address(0)) _holderOfNodeKey[nodeKey] = number;
        node.id = nodeId;
        node.key = nodeKey;
        _state.accounts[number].status = PeerStatus.Approved;
        emit PeerApproved(peerAccount, nodeId, nodeKey);
    }

    /// @inheritdoc IEnergyMarket
    function suspend(address peerAccount) external onlyRole(DEFAULT_ADMIN_ROLE) {
        Account storage account = _state.accounts[_registered(peerAccount)];
        if (account.status == PeerStatus.Suspended) revert AlreadySuspended(peerAccount);

        account.status = PeerStatus.Suspended;
        emit PeerSuspended(peerAccount);
    }

    /// @inheritdoc IEnergyMarket
    function remove(address peerAccount) external onlyRole(DEFAULT_ADMIN_ROLE) {
        uint32 number = _registered(peerAccount);
        Node storage node = _freeNode(number);
        (node.id, node.key) = (0, address(0));
        _state.accounts[number].status = PeerStatus.Registered;
        emit PeerRemoved(peerAccount);
    }

    /// @inheritdoc IEnergyMarket
    function grantPriority(address peerAccount, uint8 priority)
        external
        onlyRole(DEFAULT_ADMIN_ROLE)
    {
        _registered(peerAccount);
        _state.peers[peerAccount].priority = priority;
        emit PriorityGranted(peerAccount, priority);
    }

    /// @inheritdoc IEnergyMarket
    function acceptSeller(address seller, bool isAccepted) external {
        _state.accepted[_registered(msg.sender)][_registered(seller)] = isAccepted;
        emit SellerAccepted(msg.sender, seller, isAccepted);
    }

    /// @inheritdoc IEnergyMarket
    function pause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _pause();
    }

    /// @inheritdoc IEnergyMarket
    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _unpause();
    }

    // --------------------------------------------------------------------------------- balances

    /// @inheritdoc IEnergyMarket
    function deposit() external payable whenNotPaused {
        Account storage account = _state.accounts[_registered(msg.sender)];
        if (msg.value == 0) revert ZeroAmount();
        if (address(this).balance > MAX_TOTAL_WEI) {
            revert MarketFull(address(this).balance, MAX_TOTAL_WEI);
        }

        account.balanceWei += uint88(msg.value);
        emit Deposited(msg.sender, msg.value);
    }

    /// @inheritdoc IEnergyMarket
    function withdraw(uint256 amountWei) external nonReentrant {
        uint32 number = _registered(msg.sender);
        if (amountWei == 0) revert ZeroAmount();

        _debit(number, amountWei);
        emit Withdrawn(msg.sender, amountWei);
        payable(msg.sender).sendValue(amountWei);
    }

    // ------------------------------------------------------------------------------------ views

    /// @inheritdoc IEnergyMarket
    function peer(address account) external view returns (Peer memory) {
        return _peerView(_registered(account));
    }

    /// @inheritdoc IEnergyMarket
    function peerAt(uint256 number) external view returns (Peer memory) {
        if (number == 0 || number > _peerCount) revert NotRegistered(address(0));
        return _peerView(uint32(number));
    }

    // ----------------------------------------------------------------------- for the market

    /// @dev Peers never get a role, just as role holders never become peers.
    function _grantRole(bytes32 role, address account) internal override returns (bool) {
        if (_state.peers[account].number != 0) revert RoleMayNotTrade(account, role);
        return super._grantRole(role, account);
    }

    function _refuseRole(bytes32 role) private view {
        if (hasRole(role, msg.sender)) revert RoleMayNotTrade(msg.sender, role);
    }

    /// @dev Lets another peer have the node that this one had.
    function _freeNode(uint32 number) private returns (Node storage node) {
        node = _state.nodes[number];
        delete _holderOfNodeId[node.id];
        delete _holderOfNodeKey[node.key];
    }

    function _registered(address account) internal view returns (uint32 number) {
        number = _state.peers[account].number;
        if (number == 0) revert NotRegistered(account);
    }

    /// @dev Returns the number of a peer that may trade.
    function _approved(address account) internal view returns (uint32 number) {
        number = _registered(account);
        Accounts.approved(_state, number);
    }

    function _debit(uint32 number, uint256 amountWei) internal {
        Accounts.debit(_state, number, amountWei);
    }

    function _credit(uint32 number, uint256 amountWei) internal {
        Accounts.credit(_state, number, amountWei);
    }

    function _peerView(uint32 number) private view returns (Peer memory) {
        Account memory account = _state.accounts[number];
        Node memory node = _state.nodes[number];
        return Peer(account.account, account.status, account.balanceWei, node.id, node.key);
    }
}
