// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";
import {Actors} from "./campaign/Actors.sol";
import {Tally} from "./campaign/Cast.sol";

/// @notice A market with its actors, and what must hold of it.
abstract contract Campaign is MarketTest {
    Actors internal actors;
    address[3] internal peers = [SELLER, BUYER, address(0xB3)];

    function setUp() public virtual override {
        super.setUp();
        makePeer(peers[2], "house-3");
        actors = new Actors(market, peers, [ADMINISTRATOR, COORDINATOR, ORACLE]);
    }

    /// @notice Over what may still hold money; `checkHoldings` goes over all there ever was.
    function look() external view {
        (
            uint256[] memory bids,
            uint256[] memory counters,
            uint256[] memory open,
            uint256[] memory disputed
        ) = actors.live();
        uint256 locksWei = 0;
        for (uint256 i = 0; i < bids.length; i++) {
            locksWei += market.order(bids[i]).lockedWei;
        }
        for (uint256 i = 0; i < counters.length; i++) {
            locksWei += market.counterOffer(counters[i]).lockedWei;
        }
        uint256 tradesWei = 0;
        for (uint256 i = 0; i < open.length; i++) {
            tradesWei += escrowOfTradeWei(open[i]);
        }
        for (uint256 i = 0; i < disputed.length; i++) {
            tradesWei += escrowOfTradeWei(disputed[i]);
        }
        assertEq(address(market).balance, balancesWei() + locksWei + tradesWei, "wei held");
        assertEq(actors.closedWei() + tradesWei, actors.agreedWei(), "agreed cost");
    }

    /// @dev Read by forge: only the actors act.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actors);
    }

    function balancesWei() internal view returns (uint256 sumWei) {
        for (uint256 i = 0; i < 3; i++) {
            sumWei += balanceOf(peers[i]);
        }
    }

    function escrowWei() internal view returns (uint256 sumWei) {
        (,, uint256 orders, uint256 trades, uint256 counters) = market.counts();
        for (uint256 i = 1; i <= orders; i++) {
            IEnergyMarket.Order memory open = market.order(i);
            sumWei += open.lockedWei;
        }
        for (uint256 i = 1; i <= counters; i++) {
            try market.counterOffer(i) returns (IEnergyMarket.CounterOffer memory standing) {
                sumWei += standing.lockedWei;
            } catch {}
        }
        for (uint256 i = 1; i <= trades; i++) {
            sumWei += escrowOfTradeWei(i);
        }
    }

    function isUnclosed(uint256 tradeId) internal view returns (bool) {
        IEnergyMarket.TradeStatus status = market.trade(tradeId).status;
        return
            status == IEnergyMarket.TradeStatus.Open || status == IEnergyMarket.TradeStatus.OneSided;
    }

    function isDisputed(uint256 tradeId) internal view returns (bool) {
        return market.trade(tradeId).status == IEnergyMarket.TradeStatus.Disputed;
    }

    function escrowOfTradeWei(uint256 tradeId) internal view returns (uint256) {
        IEnergyMarket.Trade memory trade = market.trade(tradeId);
        uint256 price = uint256(trade.priceGweiPerKwh) + trade.feeGweiPerKwh;
        if (isUnclosed(tradeId)) return trade.energyUwh * price;
        if (!isDisputed(tradeId)) return 0;
        (uint64 lowUwh, uint64 highUwh) = market.dispute(tradeId);
        return (highUwh - lowUwh) * price;
    }

    function openTradesWei() internal view returns (uint256 sumWei) {
        (,,, uint256 trades,) = market.counts();
        for (uint256 i = 1; i <= trades; i++) {
            sumWei += escrowOfTradeWei(i);
        }
    }

    function checkHoldings() internal view {
        assertEq(address(market).balance, balancesWei() + escrowWei(), "wei in the contract");
    }

    function checkInAndOut() internal view {
        assertEq(
            address(market).balance,
            3 * DEPOSIT + actors.depositedWei() - actors.withdrawnWei(),
            "wei in the contract"
        );
    }

    /// @notice No order is over-filled and no trade pays more than its lock: else this differed.
    function checkCosts() internal view {
        assertEq(actors.closedWei() + openTradesWei(), actors.agreedWei(), "agreed cost");
    }

    /// @notice From any state, time and the peers themselves free and withdraw every wei.
    function checkWithdrawable() internal {
        vm.warp(block.timestamp + 3000);
        (,, uint256 orders, uint256 trades, uint256 counters) = market.counts();
        for (uint256 i = 1; i <= counters; i++) {
            try market.withdrawCounter(i) {} catch {}
        }
        for (uint256 i = 1; i <= orders; i++) {
            IEnergyMarket.Order memory open = market.order(i);
            if (open.lockedWei != 0) market.reclaim(i);
        }
        for (uint256 i = 1; i <= trades; i++) {
            if (isUnclosed(i)) market.refund(i);
            if (isDisputed(i)) market.split(i);
        }
        for (uint256 i = 0; i < 3; i++) {
            uint256 balanceWei = balanceOf(peers[i]);
            if (balanceWei == 0) continue;
            vm.prank(peers[i]);
            market.withdraw(balanceWei);
        }
        assertEq(address(market).balance, 0, "wei left in the contract");
    }
}

contract Invariants is Campaign {
    function invariant_ContractHoldsBalancesLocksAndEscrow() public view {
        checkHoldings();
    }

    function invariant_MoneyEntersByDepositAndLeavesByWithdrawal() public view {
        checkInAndOut();
    }

    function invariant_PaidAndRefundedAreTheCostOfClosedTrades() public view {
        checkCosts();
    }

    function invariant_EveryWeiIsWithdrawable() public {
        checkWithdrawable();
    }
}

/// @notice The same for runs of tens of thousands of calls, where looking at every order after each
/// call would take days: the actors look at the whole now and then, and it is looked at in the end.
contract LongRun is Campaign {
    uint256 private constant ENOUGH_WAITS = 500; // of 12,000 calls or so

    function invariant_MoneyIsConservedOverLongRuns() public view {
        checkInAndOut();
        assertTrue(!actors.isBroken(), "a look of the actors");
    }

    /// @dev Called by forge at the end of each run.
    function afterInvariant() public {
        if (actors.waits() > ENOUGH_WAITS) checkReach();
        checkHoldings();
        checkCosts();
        checkWithdrawable();
    }

    /// @dev A campaign that never made such a thing happen would say nothing about it.
    function checkReach() private view {
        Tally memory tally = actors.tally();
        assertTrue(tally.taken != 0, "taken");
        assertTrue(tally.filled != 0, "filled");
        assertTrue(tally.filledWithGrid != 0, "filled with the grid account");
        assertTrue(tally.accepted != 0, "accepted");
        assertTrue(tally.booksClosed != 0, "books closed");
        assertTrue(tally.reported != 0, "reported");
        assertTrue(tally.disputed != 0, "disputed");
        assertTrue(tally.resolved != 0, "resolved");
        assertTrue(tally.splits != 0, "split");
        assertTrue(tally.refunded != 0, "refunded");
    }
}
