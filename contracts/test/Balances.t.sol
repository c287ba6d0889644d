// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EnergyMarket} from "../src/EnergyMarket.sol";
import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";

/// @notice A peer that tries to withdraw again while it is being paid.
contract GreedyPeer {
    EnergyMarket private immutable market;
    bytes public refusal;

    constructor(EnergyMarket market_) {
        market = market_;
    }

    function join() external payable {
        market.register();
        market.deposit{value: msg.value}();
    }

    function withdraw(uint256 amountWei) external {
        market.withdraw(amountWei);
    }

    receive() external payable {
        try market.withdraw(1) {}
        catch (bytes memory reason) {
            refusal = reason;
        }
    }
}

/// @notice A peer that accepts no money.
contract ClosedPeer {
    EnergyMarket private immutable market;

    constructor(EnergyMarket market_) {
        market = market_;
    }

    function join() external payable {
        market.register();
        market.deposit{value: msg.value}();
    }

    function withdraw(uint256 amountWei) external {
        market.withdraw(amountWei);
    }
}

contract BalancesTest is MarketTest {
    function test_DepositAddsToTheBalance() public {
        expectEvent();
        emit IEnergyMarket.Deposited(SELLER, 3);
        vm.prank(SELLER);
        market.deposit{value: 3}();
        assertEq(balanceOf(SELLER), DEPOSIT + 3, "balance");
    }

    function test_RevertWhen_NothingIsDeposited() public {
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.ZeroAmount.selector));
        vm.prank(SELLER);
        market.deposit();
    }

    function test_RevertWhen_AStrangerDeposits() public {
        vm.deal(STRANGER, 1);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.NotRegistered.selector, STRANGER));
        vm.prank(STRANGER);
        market.deposit{value: 1}();
    }

    function test_RevertWhen_DepositsOutgrowTheMarket() public {
        uint256 limit = market.MAX_TOTAL_WEI();
        vm.deal(SELLER, limit);
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.MarketFull.selector, limit + 1, limit));
        vm.prank(SELLER);
        market.deposit{value: limit + 1 - 2 * DEPOSIT}();
    }

    function test_DepositFillsTheMarketToItsLimit() public {
        uint256 limit = market.MAX_TOTAL_WEI();
        vm.deal(SELLER, limit);
        vm.prank(SELLER);
        market.deposit{value: limit - 2 * DEPOSIT}();
        assertEq(address(market).balance, limit, "contract");
        assertEq(balanceOf(SELLER), limit - DEPOSIT, "balance");
    }

    function test_RevertWhen_EtherArrivesWithoutDeposit() public {
        vm.prank(SELLER);
        (bool sent,) = address(market).call{value: 1}("");
        assertTrue(!sent, "the contract accepts money only by deposit");
    }

    function test_WithdrawPaysTheSender() public {
        expectEvent();
        emit IEnergyMarket.Withdrawn(SELLER, 5);
        vm.prank(SELLER);
        market.withdraw(5);
        assertEq(balanceOf(SELLER), DEPOSIT - 5, "balance");
        assertEq(SELLER.balance, 9 ether + 5, "wallet");
    }

    function test_WithdrawWorksDuringAPauseAndASuspension() public {
        suspend(SELLER);
        pause();
        vm.prank(SELLER);
        market.withdraw(DEPOSIT);
        assertEq(SELLER.balance, 10 ether, "wallet");
    }

    function test_RevertWhen_MoreIsWithdrawnThanTheBalance() public {
        expectRefusal(
            abi.encodeWithSelector(
                IEnergyMarket.BalanceTooLow.selector, SELLER, DEPOSIT + 1, DEPOSIT
            )
        );
        vm.prank(SELLER);
        market.withdraw(DEPOSIT + 1);
    }

    function test_RevertWhen_NothingIsWithdrawn() public {
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.ZeroAmount.selector));
        vm.prank(SELLER);
        market.withdraw(0);
    }

    function test_RevertWhen_AStrangerWithdraws() public {
        expectRefusal(abi.encodeWithSelector(IEnergyMarket.NotRegistered.selector, STRANGER));
        vm.prank(STRANGER);
        market.withdraw(1);
    }

    function test_RevertWhen_AWithdrawalReenters() public {
        GreedyPeer greedy = new GreedyPeer(market);
        greedy.join{value: 10}();
        greedy.withdraw(4);
        assertTrue(
            bytes4(greedy.refusal()) == bytes4(keccak256("ReentrancyGuardReentrantCall()")),
            "the second withdrawal is refused"
        );
        assertEq(balanceOf(address(greedy)), 6, "balance");
        assertEq(address(greedy).balance, 4, "wallet");
    }

    function test_RevertWhen_TheReceiverRefusesMoney() public {
        ClosedPeer closed = new ClosedPeer(market);
        closed.join{value: 10}();
        expectRefusal(abi.encodeWithSignature("FailedCall()"));
        closed.withdraw(10);
        assertEq(balanceOf(address(closed)), 10, "balance");
    }

    function testFuzz_DepositsAndWithdrawalsAddUp(uint64 deposited, uint64 withdrawn) public {
        vm.deal(SELLER, deposited);
        vm.assume(deposited > 0 && withdrawn > 0 && withdrawn <= deposited);
        vm.startPrank(SELLER);
        market.deposit{value: deposited}();
        market.withdraw(withdrawn);
        vm.stopPrank();
        assertEq(balanceOf(SELLER), DEPOSIT + deposited - withdrawn, "balance");
        assertEq(SELLER.balance, withdrawn, "wallet");
    }
}
