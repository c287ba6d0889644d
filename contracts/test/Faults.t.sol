// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EnergyMarket} from "../src/EnergyMarket.sol";
import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

/// @notice Eleven faults that were proved, by transactions, of a published contract for the same
/// purpose: one test each that this contract does not have them.
contract FaultsTest is MarketTest {
    /// @dev 1. Filling a request paid the buyer, from the seller.
    function test_Fault01_FillingABidPaysTheSeller() public {
        uint256 orderId = bid(ENERGY);
        vm.prank(SELLER);
        report(market.take(orderId, ENERGY, PRICE), ENERGY, ENERGY);
        assertEq(balanceOf(SELLER), DEPOSIT + cost(ENERGY), "seller");
        assertEq(balanceOf(BUYER), DEPOSIT - cost(ENERGY), "buyer");
    }

    /// @dev 2. Excess value stayed in the contract, and a third party took it.
    function test_Fault02_EveryWeiHasAnOwnerAndOnlyTheOwnerTakesIt() public {
        uint256 heldWei = address(market).balance;
        assertEq(balanceOf(SELLER) + balanceOf(BUYER), heldWei, "all of it is balances");
        vm.expectPartialRevert(IEnergyMarket.NotRegistered.selector);
        vm.prank(STRANGER);
        market.withdraw(1);
        vm.expectPartialRevert(IEnergyMarket.BalanceTooLow.selector);
        vm.prank(BUYER);
        market.withdraw(DEPOSIT + 1);
    }

    /// @dev 3. A recipient that called back was paid six times.
    function test_Fault03_AWithdrawalThatCallsBackIsPaidOnce() public {
        Reentrant peer = new Reentrant(market);
        vm.deal(address(peer), 1 ether);
        peer.enter();
        vm.expectRevert(bytes4(keccak256("ReentrancyGuardReentrantCall()")));
        peer.leave();
        assertEq(market.peer(address(peer)).balanceWei, 1 ether, "untouched");
    }

    /// @dev 4. What was paid too much was kept.
    function test_Fault04_ATakePaysItsCostToTheWei() public {
        uint256 orderId = offer(ENERGY);
        vm.prank(BUYER);
        market.take(orderId, ENERGY, 10 * PRICE);
        assertEq(balanceOf(BUYER), DEPOSIT - cost(ENERGY), "buyer");
    }

    /// @dev 5. The seller was paid before anything was delivered; no dispute, no refund.
    function test_Fault05_NothingIsPaidBeforeMetersSawIt() public {
        uint256 tradeId = tradeWhole(ENERGY);
        assertEq(balanceOf(SELLER), DEPOSIT, "seller waits");
        vm.warp(REPORT_BY);
        market.refund(tradeId);
        assertEq(balanceOf(BUYER), DEPOSIT, "buyer is refunded");
    }

    /// @dev 6. Energy was free text: "-5", or 5 kB of it. Here it is a bounded number of uWh.
    function test_Fault06_EnergyIsABoundedNumber() public {
        vm.expectPartialRevert(IEnergyMarket.EnergyOutOfBounds.selector);
        offer(0);
        vm.expectPartialRevert(IEnergyMarket.EnergyOutOfBounds.selector);
        offer(type(uint64).max);
    }

    /// @dev 7. Anyone listed anything, and wash trades worked.
    function test_Fault07_OnlyApprovedPeersTradeAndNeverWithThemselves() public {
        vm.expectPartialRevert(IEnergyMarket.NotRegistered.selector);
        vm.prank(STRANGER);
        market.offer(WINDOW, ENERGY, PRICE);
        uint256 orderId = offer(ENERGY);
        vm.expectPartialRevert(IEnergyMarket.SelfTrade.selector);
        vm.prank(SELLER);
        market.take(orderId, ENERGY, PRICE);
    }

    /// @dev 8. A recipient that rejected ether blocked its order for ever, or burned its buyer's gas.
    function test_Fault08_ARecipientCannotBlockOthers() public {
        Rejecting peer = new Rejecting(market);
        vm.deal(address(peer), 1 ether);
        peer.enter();
        vm.prank(ADMINISTRATOR);
        market.approve(address(peer), "house-9", address(0));
        uint256 orderId = peer.offer(WINDOW, ENERGY, PRICE);
        vm.prank(BUYER);
        report(market.take(orderId, ENERGY, PRICE), ENERGY, ENERGY);
        assertEq(market.peer(address(peer)).balanceWei, 1 ether + cost(ENERGY), "paid all the same");
        vm.expectRevert(bytes4(keccak256("FailedCall()")));
        peer.leave();
    }

    /// @dev 9. Requests emitted the event of offers, with ids that collided; nothing was indexed.
    function test_Fault09_EachOrderHasItsOwnIdAndSaysItsSide() public {
        expectEvent();
        emit IEnergyMarket.OrderPlaced(1, WINDOW, SELLER, true, ENERGY, PRICE, 0, false);
        offer(ENERGY);
        expectEvent();
        emit IEnergyMarket.OrderPlaced(2, WINDOW, BUYER, false, ENERGY, PRICE, 0, false);
        bid(ENERGY);
    }

    /// @dev 10. There was no cancel, no expiry, no withdrawal.
    function test_Fault10_MoneyComesBackByCancelExpiryAndWithdrawal() public {
        uint256 cancelled = bid(ENERGY);
        uint256 expired = bid(ENERGY);
        vm.prank(BUYER);
        market.cancel(cancelled);
        vm.warp(CLEAR_BY);
        market.reclaim(expired);
        vm.prank(BUYER);
        market.withdraw(DEPOSIT);
        assertEq(BUYER.balance, 10 ether, "all of it");
    }

    /// @dev 11. A book could be read order by order only. Here each event holds all of its order, so
    /// one query of logs rebuilds the book; test_ledger.py does, and compares the money.
    function test_Fault11_AnEventHoldsAllOfItsOrder() public {
        uint256 orderId = offer(ENERGY);
        IEnergyMarket.Order memory order = market.order(orderId);
        expectEvent();
        emit IEnergyMarket.OrderPlaced(
            orderId + 1,
            order.windowId,
            order.peer,
            order.isOffer,
            order.energyUwh,
            order.priceGweiPerKwh,
            order.priority,
            order.onlyAccepted
        );
        offer(ENERGY);
    }
}

/// @notice A peer that is a contract.
abstract contract ContractPeer {
    EnergyMarket internal immutable market;

    constructor(EnergyMarket market_) {
        market = market_;
    }

    function enter() external {
        market.register();
        market.deposit{value: 1 ether}();
    }

    function offer(uint256 windowId, uint64 energyUwh, uint64 price) external returns (uint256) {
        return market.offer(windowId, energyUwh, price);
    }

    function leave() external {
        market.withdraw(0.5 ether);
    }
}

/// @notice Withdraws again while it is being paid.
contract Reentrant is ContractPeer {
    constructor(EnergyMarket market_) ContractPeer(market_) {}

    receive() external payable {
        market.withdraw(0.5 ether);
    }
}

/// @notice Takes no ether.
contract Rejecting is ContractPeer {
    constructor(EnergyMarket market_) ContractPeer(market_) {}
}
