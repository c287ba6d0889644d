// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";

/// @title Escrow for energy that is traded between peers and metered by their boards
/// @dev Peers are numbered, so that an order and a trade each fit one storage slot. Every number
/// that enters is bounded before it is narrowed, so no cast here can cut a value:
/// MAX_ENERGY_UWH < 2^48, MAX_PRICE < 2^40, their product < MAX_TOTAL_WEI = 2^88 - 1, and balances
/// cannot outgrow the contract's own wei, which `deposit` keeps within MAX_TOTAL_WEI.
contract EnergyMarket is IEnergyMarket, AccessControl, ReentrancyGuard, Pausable {
    using Address for address payable;

    bytes32 public constant COORDINATOR_ROLE = keccak256("COORDINATOR_ROLE");
    bytes32 public constant ORACLE_ROLE = keccak256("ORACLE_ROLE");

    /// @notice 100 MWh, the largest order any window may admit.
    uint256 public constant MAX_ENERGY_UWH = 1e14;
    /// @notice 1000 ETH/kWh in gwei/kWh, the highest price any window may admit.
    uint256 public constant MAX_PRICE = 1e12;
    uint256 public constant MAX_TOTAL_WEI = type(uint88).max;

    struct Account {
        address account;
        uint88 balanceWei;
        PeerStatus status;
    }

    struct Node {
        bytes32 id;
        address key;
    }

    struct Window {
        uint40 bidStart;
        uint40 bidEnd;
        uint40 clearBy;
        uint40 deliveryStart;
        uint40 deliveryEnd;
        uint40 reportBy;
        uint48 minEnergyUwh;
        uint48 maxEnergyUwh;
        uint40 minPrice;
        uint40 maxPrice;
    }

    struct OrderSlot {
        uint32 peer;
        uint32 windowId;
        uint48 energyUwh;
        uint40 price;
        bool isOffer;
    }

    struct TradeSlot {
        uint32 seller;
        uint32 buyer;
        uint32 windowId;
        uint40 orderId;
        uint48 energyUwh;
        uint40 price;
        TradeStatus status;
    }

    // The counters share the slot of Pausable's flag, which every new order reads anyway.
    uint32 private _peerCount;
    uint32 private _windowCount;
    uint40 private _orderCount;
    uint40 private _tradeCount;

    mapping(address account => uint32 number) private _numberOf;
    mapping(uint32 number => Account) private _accounts;
    mapping(uint32 number => Node) private _nodes;
    mapping(bytes32 nodeId => uint32 number) private _holderOfNodeId;
    mapping(address nodeKey => uint32 number) private _holderOfNodeKey;
    mapping(uint256 windowId => Window) private _windows;
    mapping(uint256 orderId => OrderSlot) private _orders;
    mapping(uint256 tradeId => TradeSlot) private _trades;

    constructor(address administrator, address coordinator, address oracle) {
        if (administrator == address(0) || coordinator == address(0) || oracle == address(0)) {
            revert ZeroAddress();
        }
        _grantRole(DEFAULT_ADMIN_ROLE, administrator);
        _grantRole(COORDINATOR_ROLE, coordinator);
        _grantRole(ORACLE_ROLE, oracle);
    }

    // --------------------------------------------------------------------------------- registry

    /// @inheritdoc IEnergyMarket
    function register() external whenNotPaused {
        if (_numberOf[msg.sender] != 0) revert AlreadyRegistered(msg.sender);
        _refuseRole(DEFAULT_ADMIN_ROLE);
        _refuseRole(COORDINATOR_ROLE);
        _refuseRole(ORACLE_ROLE);

        uint32 number = ++_peerCount;
        _numberOf[msg.sender] = number;
        _accounts[number] = Account(msg.sender, 0, PeerStatus.Registered);
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
        if (holder != 0 && holder != number) revert NodeIdTaken(nodeId, _accounts[holder].account);
        holder = _holderOfNodeKey[nodeKey];
        if (holder != 0 && holder != number) {
            revert NodeKeyTaken(nodeKey, _accounts[holder].account);
        }

        Node storage node = _nodes[number];
        delete _holderOfNodeId[node.id];
        delete _holderOfNodeKey[node.key];
        _holderOfNodeId[nodeId] = number;
        // Boards without a key all show zero, which therefore has no holder.
        if (nodeKey != address(0)) _holderOfNodeKey[nodeKey] = number;
        node.id = nodeId;
        node.key = nodeKey;
        _accounts[number].status = PeerStatus.Approved;
        emit PeerApproved(peerAccount, nodeId, nodeKey);
    }

    /// @inheritdoc IEnergyMarket
    function suspend(address peerAccount) external onlyRole(DEFAULT_ADMIN_ROLE) {
        Account storage account = _accounts[_registered(peerAccount)];
        if (account.status == PeerStatus.Suspended) revert AlreadySuspended(peerAccount);

        account.status = PeerStatus.Suspended;
        emit PeerSuspended(peerAccount);
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
        Account storage account = _accounts[_registered(msg.sender)];
        if (msg.value == 0) revert ZeroAmount();
        if (address(this).balance > MAX_TOTAL_WEI) {
            revert MarketFull(address(this).balance, MAX_TOTAL_WEI);
        }

        account.balanceWei += uint88(msg.value);
        emit Deposited(msg.sender, msg.value);
    }

    /// @inheritdoc IEnergyMarket
    function withdraw(uint256 amountWei) external nonReentrant {
        Account storage account = _accounts[_registered(msg.sender)];
        if (amountWei == 0) revert ZeroAmount();

        _debit(account, amountWei);
        emit Withdrawn(msg.sender, amountWei);
        payable(msg.sender).sendValue(amountWei);
    }

    // ---------------------------------------------------------------------------------- windows

    /// @inheritdoc IEnergyMarket
    function openWindow(WindowTerms calldata terms)
        external
        onlyRole(COORDINATOR_ROLE)
        whenNotPaused
        returns (uint256 windowId)
    {
        _checkTimes(terms);
        _checkLimits(terms);

        windowId = ++_windowCount;
        _windows[windowId] = Window({
            bidStart: uint40(terms.bidStart),
            bidEnd: uint40(terms.bidEnd),
            clearBy: uint40(terms.clearBy),
            deliveryStart: uint40(terms.deliveryStart),
            deliveryEnd: uint40(terms.deliveryEnd),
            reportBy: uint40(terms.reportBy),
            minEnergyUwh: uint48(terms.minEnergyUwh),
            maxEnergyUwh: uint48(terms.maxEnergyUwh),
            minPrice: uint40(terms.minPrice),
            maxPrice: uint40(terms.maxPrice)
        });
        emit WindowOpened(windowId, terms);
    }

    // ----------------------------------------------------------------------------------- orders

    /// @inheritdoc IEnergyMarket
    function offer(uint256 windowId, uint64 energyUwh, uint64 priceGweiPerKwh)
        external
        whenNotPaused
        returns (uint256 orderId)
    {
        (uint32 number,) = _approved(msg.sender);
        orderId = _place(windowId, number, true, energyUwh, priceGweiPerKwh);
    }

    /// @inheritdoc IEnergyMarket
    function bid(uint256 windowId, uint64 energyUwh, uint64 priceGweiPerKwh)
        external
        whenNotPaused
        returns (uint256 orderId)
    {
        (uint32 number, Account storage account) = _approved(msg.sender);
        orderId = _place(windowId, number, false, energyUwh, priceGweiPerKwh);
        _debit(account, uint256(energyUwh) * priceGweiPerKwh);
    }

    /// @inheritdoc IEnergyMarket
    function cancel(uint256 orderId) external {
        OrderSlot storage slot = _openOrder(orderId);
        if (_accounts[slot.peer].account != msg.sender) revert NotYourOrder(orderId, msg.sender);
        _close(orderId, slot);
    }

    /// @inheritdoc IEnergyMarket
    function reclaim(uint256 orderId) external {
        OrderSlot storage slot = _openOrder(orderId);
        if (slot.isOffer) revert NothingLocked(orderId);
        uint256 clearBy = _windows[slot.windowId].clearBy;
        if (block.timestamp < clearBy) revert ReclaimTooEarly(orderId, block.timestamp, clearBy);
        _close(orderId, slot);
    }

    /// @inheritdoc IEnergyMarket
    function take(uint256 orderId, uint64 energyUwh, uint64 limitPrice)
        external
        whenNotPaused
        returns (uint256 tradeId)
    {
        (uint32 taker, Account storage takerAccount) = _approved(msg.sender);
        OrderSlot storage slot = _openOrder(orderId);
        OrderSlot memory taken = slot;
        if (taken.peer == taker) revert SelfTrade(orderId, msg.sender);
        address maker = _requireApproved(_accounts[taken.peer]);
        _checkTake(orderId, taken, energyUwh, limitPrice);

        slot.energyUwh = taken.energyUwh - uint48(energyUwh);
        tradeId = ++_tradeCount;
        _trades[tradeId] = TradeSlot({
            seller: taken.isOffer ? taken.peer : taker,
            buyer: taken.isOffer ? taker : taken.peer,
            windowId: taken.windowId,
            orderId: uint40(orderId),
            energyUwh: uint48(energyUwh),
            price: taken.price,
            status: TradeStatus.Open
        });
        // The lock of a bid becomes the trade's escrow as it is: only an offer's taker pays now.
        if (taken.isOffer) _debit(takerAccount, uint256(energyUwh) * taken.price);
        emit TradeMade(
            tradeId,
            orderId,
            taken.windowId,
            taken.isOffer ? maker : msg.sender,
            taken.isOffer ? msg.sender : maker,
            msg.sender,
            energyUwh,
            taken.price
        );
    }

    // ------------------------------------------------------------------------------- settlement

    /// @inheritdoc IEnergyMarket
    function report(uint256 tradeId, uint64 sellerUwh, uint64 buyerUwh)
        external
        onlyRole(ORACLE_ROLE)
    {
        TradeSlot memory slot = _openTrade(tradeId);
        uint256 reportBy = _windows[slot.windowId].reportBy;
        if (block.timestamp >= reportBy) revert ReportTooLate(tradeId, block.timestamp, reportBy);

        uint256 settledUwh = Math.min(Math.min(sellerUwh, buyerUwh), slot.energyUwh);
        uint256 paidWei = settledUwh * slot.price;
        uint256 refundedWei = (slot.energyUwh - settledUwh) * slot.price;
        _trades[tradeId].status = TradeStatus.Settled;
        _credit(slot.seller, paidWei);
        _credit(slot.buyer, refundedWei);
        emit TradeSettled(tradeId, sellerUwh, buyerUwh, uint64(settledUwh), paidWei, refundedWei);
    }

    /// @inheritdoc IEnergyMarket
    function refund(uint256 tradeId) external {
        TradeSlot memory slot = _openTrade(tradeId);
        uint256 reportBy = _windows[slot.windowId].reportBy;
        if (block.timestamp < reportBy) revert RefundTooEarly(tradeId, block.timestamp, reportBy);

        uint256 refundedWei = uint256(slot.energyUwh) * slot.price;
        _trades[tradeId].status = TradeStatus.Refunded;
        _credit(slot.buyer, refundedWei);
        emit TradeRefunded(tradeId, refundedWei);
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

    /// @inheritdoc IEnergyMarket
    function window(uint256 windowId) external view returns (WindowTerms memory) {
        Window memory terms = _window(windowId);
        return WindowTerms({
            bidStart: terms.bidStart,
            bidEnd: terms.bidEnd,
            clearBy: terms.clearBy,
            deliveryStart: terms.deliveryStart,
            deliveryEnd: terms.deliveryEnd,
            reportBy: terms.reportBy,
            minEnergyUwh: terms.minEnergyUwh,
            maxEnergyUwh: terms.maxEnergyUwh,
            minPrice: terms.minPrice,
            maxPrice: terms.maxPrice
        });
    }

    /// @inheritdoc IEnergyMarket
    function order(uint256 orderId) external view returns (Order memory) {
        OrderSlot memory slot = _orders[orderId];
        if (slot.peer == 0) revert UnknownOrder(orderId);
        return Order(
            slot.windowId, _accounts[slot.peer].account, slot.isOffer, slot.energyUwh, slot.price
        );
    }

    /// @inheritdoc IEnergyMarket
    function trade(uint256 tradeId) external view returns (Trade memory) {
        TradeSlot memory slot = _trades[tradeId];
        if (slot.status == TradeStatus.None) revert UnknownTrade(tradeId);
        return Trade({
            orderId: slot.orderId,
            windowId: slot.windowId,
            seller: _accounts[slot.seller].account,
            buyer: _accounts[slot.buyer].account,
            energyUwh: slot.energyUwh,
            priceGweiPerKwh: slot.price,
            status: slot.status
        });
    }

    /// @inheritdoc IEnergyMarket
    function counts()
        external
        view
        returns (uint256 peers, uint256 windows, uint256 orders, uint256 trades)
    {
        return (_peerCount, _windowCount, _orderCount, _tradeCount);
    }

    // ------------------------------------------------------------------------------- peers, wei

    /// @dev Peers never get a role, just as role holders never become peers.
    function _grantRole(bytes32 role, address account) internal override returns (bool) {
        if (_numberOf[account] != 0) revert RoleMayNotTrade(account, role);
        return super._grantRole(role, account);
    }

    function _refuseRole(bytes32 role) private view {
        if (hasRole(role, msg.sender)) revert RoleMayNotTrade(msg.sender, role);
    }

    function _registered(address account) private view returns (uint32 number) {
        number = _numberOf[account];
        if (number == 0) revert NotRegistered(account);
    }

    function _approved(address sender)
        private
        view
        returns (uint32 number, Account storage account)
    {
        number = _registered(sender);
        account = _accounts[number];
        _requireApproved(account);
    }

    function _requireApproved(Account storage account) private view returns (address) {
        if (account.status != PeerStatus.Approved) {
            revert PeerNotApproved(account.account, account.status);
        }
        return account.account;
    }

    function _debit(Account storage account, uint256 amountWei) private {
        uint256 balanceWei = account.balanceWei;
        if (amountWei > balanceWei) revert BalanceTooLow(account.account, amountWei, balanceWei);
        account.balanceWei = uint88(balanceWei - amountWei);
    }

    function _credit(uint32 number, uint256 amountWei) private {
        if (amountWei != 0) _accounts[number].balanceWei += uint88(amountWei);
    }

    function _peerView(uint32 number) private view returns (Peer memory) {
        Account memory account = _accounts[number];
        Node memory node = _nodes[number];
        return Peer(account.account, account.status, account.balanceWei, node.id, node.key);
    }

    // -------------------------------------------------------------------- windows, orders, trades

    function _checkTimes(WindowTerms calldata terms) private view {
        _requireBefore("bidEnd", terms.bidStart, terms.bidEnd);
        _requireNotAfter("clearBy", terms.bidEnd, terms.clearBy);
        _requireNotAfter("deliveryStart", terms.bidStart, terms.deliveryStart);
        _requireBefore("deliveryEnd", terms.deliveryStart, terms.deliveryEnd);
        _requireNotAfter("deliveryEnd", terms.clearBy, terms.deliveryEnd);
        _requireBefore("reportBy", terms.deliveryEnd, terms.reportBy);
        if (terms.reportBy > type(uint40).max) {
            revert WindowTimeTooLate(terms.reportBy, type(uint40).max);
        }
        if (terms.bidEnd <= block.timestamp) {
            revert BiddingAlreadyOver(terms.bidEnd, block.timestamp);
        }
    }

    function _requireBefore(bytes32 field, uint256 earlierS, uint256 laterS) private pure {
        if (earlierS >= laterS) revert WindowTimesOutOfOrder(field, earlierS, laterS);
    }

    function _requireNotAfter(bytes32 field, uint256 earlierS, uint256 laterS) private pure {
        if (earlierS > laterS) revert WindowTimesOutOfOrder(field, earlierS, laterS);
    }

    function _checkLimits(WindowTerms calldata terms) private pure {
        if (
            terms.minEnergyUwh == 0 || terms.minEnergyUwh > terms.maxEnergyUwh
                || terms.maxEnergyUwh > MAX_ENERGY_UWH
        ) revert EnergyLimitsInvalid(terms.minEnergyUwh, terms.maxEnergyUwh, MAX_ENERGY_UWH);
        if (terms.minPrice == 0 || terms.minPrice > terms.maxPrice || terms.maxPrice > MAX_PRICE) {
            revert PriceLimitsInvalid(terms.minPrice, terms.maxPrice, MAX_PRICE);
        }
    }

    function _window(uint256 windowId) private view returns (Window memory terms) {
        terms = _windows[windowId];
        if (terms.reportBy == 0) revert UnknownWindow(windowId);
    }

    function _place(
        uint256 windowId,
        uint32 number,
        bool isOffer,
        uint64 energyUwh,
        uint64 priceGweiPerKwh
    ) private returns (uint256 orderId) {
        Window memory terms = _window(windowId);
        if (block.timestamp < terms.bidStart || block.timestamp >= terms.bidEnd) {
            revert BiddingClosed(windowId, block.timestamp, terms.bidStart, terms.bidEnd);
        }
        if (energyUwh < terms.minEnergyUwh || energyUwh > terms.maxEnergyUwh) {
            revert EnergyOutOfBounds(energyUwh, terms.minEnergyUwh, terms.maxEnergyUwh);
        }
        if (priceGweiPerKwh < terms.minPrice || priceGweiPerKwh > terms.maxPrice) {
            revert PriceOutOfBounds(priceGweiPerKwh, terms.minPrice, terms.maxPrice);
        }

        orderId = ++_orderCount;
        _orders[orderId] = OrderSlot({
            peer: number,
            windowId: uint32(windowId),
            energyUwh: uint48(energyUwh),
            price: uint40(priceGweiPerKwh),
            isOffer: isOffer
        });
        emit OrderPlaced(orderId, windowId, msg.sender, isOffer, energyUwh, priceGweiPerKwh);
    }

    function _openOrder(uint256 orderId) private view returns (OrderSlot storage slot) {
        slot = _orders[orderId];
        if (slot.peer == 0) revert UnknownOrder(orderId);
        if (slot.energyUwh == 0) revert OrderClosed(orderId);
    }

    /// @dev Ends an open order and gives a bid's lock back.
    function _close(uint256 orderId, OrderSlot storage slot) private {
        uint48 energyUwh = slot.energyUwh;
        uint256 refundedWei = slot.isOffer ? 0 : uint256(energyUwh) * slot.price;
        slot.energyUwh = 0;
        _credit(slot.peer, refundedWei);
        emit OrderCancelled(orderId, energyUwh, refundedWei);
    }

    function _checkTake(
        uint256 orderId,
        OrderSlot memory taken,
        uint64 energyUwh,
        uint64 limitPrice
    ) private view {
        Window memory terms = _windows[taken.windowId];
        if (block.timestamp < terms.bidStart || block.timestamp >= terms.clearBy) {
            revert TakingClosed(taken.windowId, block.timestamp, terms.bidStart, terms.clearBy);
        }
        if (taken.isOffer ? taken.price > limitPrice : taken.price < limitPrice) {
            revert LimitNotMet(orderId, taken.price, limitPrice);
        }
        if (energyUwh > taken.energyUwh) revert EnergyNotLeft(orderId, energyUwh, taken.energyUwh);
        if (energyUwh < terms.minEnergyUwh) {
            revert EnergyOutOfBounds(energyUwh, terms.minEnergyUwh, taken.energyUwh);
        }
        uint256 remainderUwh = taken.energyUwh - energyUwh;
        if (remainderUwh != 0 && remainderUwh < terms.minEnergyUwh) {
            revert RemainderTooSmall(orderId, remainderUwh, terms.minEnergyUwh);
        }
    }

    function _openTrade(uint256 tradeId) private view returns (TradeSlot memory slot) {
        slot = _trades[tradeId];
        if (slot.status == TradeStatus.None) revert UnknownTrade(tradeId);
        if (slot.status != TradeStatus.Open) revert TradeClosed(tradeId, slot.status);
    }
}
