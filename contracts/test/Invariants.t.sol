// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EnergyMarket} from "../src/EnergyMarket.sol";
import {IEnergyMarket} from "../src/interfaces/IEnergyMarket.sol";
import {MarketTest} from "./Market.t.sol";
import {Vm} from "./Vm.sol";

/// @notice Does what peers, coordinator, oracle and bystanders may do, in any order and at any time,
/// with values bent into a range where most calls pass. Keeps what the contract should owe.
contract Actors {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint64 private constant MIN_UWH = 1000;
    uint64 private constant MAX_UWH = 1e6;

    EnergyMarket public immutable market;
    address[3] public peers;
    address private immutable administrator;
    address private immutable coordinator;
    address private immutable oracle;

    uint256 public depositedWei;
    uint256 public withdrawnWei;
    uint256 public agreedWei;
    uint256 public paidWei;
    uint256 public refundedWei;
    uint256 public reports;

    constructor(EnergyMarket market_, address[3] memory peers_, address[3] memory roles) {
        market = market_;
        peers = peers_;
        (administrator, coordinator, oracle) = (roles[0], roles[1], roles[2]);
    }

    function deposit(uint256 who, uint256 amountWei) external {
        address account = peers[who % 3];
        amountWei = 1 + amountWei % 1 ether;
        vm.deal(account, account.balance + amountWei);
        vm.prank(account);
        market.deposit{value: amountWei}();
        depositedWei += amountWei;
    }

    function withdraw(uint256 who, uint256 amountWei) external {
        address account = peers[who % 3];
        uint256 balanceWei = market.peer(account).balanceWei;
        if (balanceWei == 0) return;
        amountWei = 1 + amountWei % balanceWei;
        vm.prank(account);
        market.withdraw(amountWei);
        withdrawnWei += amountWei;
    }

    function openWindow(uint64 length) public {
        uint64 start = uint64(block.timestamp);
        length = 10 + length % 100;
        vm.prank(coordinator);
        market.openWindow(
            IEnergyMarket.WindowTerms({
                bidStart: start,
                bidEnd: start + length,
                clearBy: start + 2 * length,
                deliveryStart: start + length,
                deliveryEnd: start + 3 * length,
                reportBy: start + 4 * length,
                resolveBy: start + 5 * length,
                minEnergyUwh: MIN_UWH,
                maxEnergyUwh: MAX_UWH,
                minPrice: 1,
                maxPrice: 1e12,
                lossPermille: length % 100,
                mechanism: IEnergyMarket.Mechanism.Bilateral,
                needsApproval: false,
                isStrict: false,
                kPermille: 500,
                capacityUwh: 0,
                maxFee: 0,
                feeAccount: address(0)
            })
        );
    }

    function order(uint256 who, bool isOffer, uint64 energyUwh, uint64 price) external {
        (, uint256 windows,,) = market.counts();
        if (block.timestamp >= market.window(windows).bidEnd) openWindow(price);
        (, windows,,) = market.counts();
        energyUwh = MIN_UWH + energyUwh % (MAX_UWH - MIN_UWH + 1);
        price = 1 + price % 1e12;
        vm.prank(peers[who % 3]);
        if (isOffer) market.offer(windows, energyUwh, price);
        else market.bid(windows, energyUwh, price, energyUwh % 4 == 0);
    }

    /// @dev One of the newest ids, which are those that most can still happen to.
    function recent(uint256 seed, uint256 count) private pure returns (uint256) {
        return count - seed % (count < 5 ? count : 5);
    }

    function take(uint256 who, uint256 orderId, uint64 energyUwh, bool whole) external {
        (,, uint256 orders,) = market.counts();
        if (orders == 0) return;
        orderId = recent(orderId, orders);
        IEnergyMarket.Order memory taken = market.order(orderId);
        if (taken.energyUwh == 0) return;
        energyUwh = whole ? taken.energyUwh : 1 + energyUwh % taken.energyUwh;
        if (peers[who % 3] == taken.peer) who = who % 3 + 1;
        vm.prank(peers[who % 3]);
        market.take(orderId, energyUwh, taken.priceGweiPerKwh);
        agreedWei += uint256(energyUwh) * taken.priceGweiPerKwh;
    }

    function cancel(uint256 orderId) external {
        (,, uint256 orders,) = market.counts();
        if (orders == 0) return;
        orderId = recent(orderId, orders);
        vm.prank(market.order(orderId).peer);
        market.cancel(orderId);
    }

    function reclaim(uint256 orderId) external {
        (,, uint256 orders,) = market.counts();
        if (orders != 0) market.reclaim(recent(orderId, orders));
    }

    function report(uint256 tradeId, uint64 sellerUwh, uint64 buyerUwh) external {
        (,,, uint256 trades) = market.counts();
        if (trades == 0) return;
        tradeId = recent(tradeId, trades);
        before(tradeId);
        IEnergyMarket.DeliveryReport memory delivered =
            reportOf(tradeId, sellerUwh % (2 * MAX_UWH), buyerUwh % (2 * MAX_UWH));
        vm.prank(oracle);
        market.report(delivered);
        settled(tradeId);
        reports++;
    }

    function reportAlone(uint256 tradeId, bool isSeller, uint64 energyUwh, uint64 heardUwh)
        external
    {
        (,,, uint256 trades) = market.counts();
        if (trades == 0) return;
        tradeId = recent(tradeId, trades);
        IEnergyMarket.DeliveryReport memory delivered =
            reportOf(tradeId, energyUwh % (2 * MAX_UWH), heardUwh % (2 * MAX_UWH));
        vm.prank(oracle);
        market.reportAlone(delivered, isSeller);
    }

    function reportOf(uint256 tradeId, uint64 sellerUwh, uint64 buyerUwh)
        private
        pure
        returns (IEnergyMarket.DeliveryReport memory delivered)
    {
        delivered.tradeId = tradeId;
        delivered.attempts = new IEnergyMarket.Attempt[](1);
        delivered.attempts[0].seller = IEnergyMarket.Meter(sellerUwh, buyerUwh, 0, 0);
        delivered.attempts[0].buyer = IEnergyMarket.Meter(buyerUwh, sellerUwh, 0, 0);
    }

    function amend(uint256 orderId, uint64 energyUwh, uint64 price) external {
        (,, uint256 orders,) = market.counts();
        if (orders == 0) return;
        orderId = recent(orderId, orders);
        vm.prank(market.order(orderId).peer);
        market.amend(orderId, MIN_UWH + energyUwh % MAX_UWH, 1 + price % 1e12);
    }

    function acceptSeller(uint256 buyer, uint256 seller, bool isAccepted) external {
        vm.prank(peers[buyer % 3]);
        market.acceptSeller(peers[seller % 3], isAccepted);
    }

    function resolve(uint256 tradeId, uint64 settledUwh) external {
        (,,, uint256 trades) = market.counts();
        if (trades == 0) return;
        tradeId = recent(tradeId, trades);
        (uint64 lowUwh, uint64 highUwh) = market.dispute(tradeId);
        before(tradeId);
        vm.prank(coordinator);
        market.resolve(tradeId, lowUwh + settledUwh % (highUwh - lowUwh + 1));
        settled(tradeId);
    }

    function split(uint256 tradeId) external {
        (,,, uint256 trades) = market.counts();
        if (trades == 0) return;
        tradeId = recent(tradeId, trades);
        before(tradeId);
        market.split(tradeId);
        settled(tradeId);
    }

    uint256 private sellerBeforeWei;
    uint256 private buyerBeforeWei;

    function before(uint256 tradeId) private {
        sellerBeforeWei = market.peer(market.trade(tradeId).seller).balanceWei;
        buyerBeforeWei = market.peer(market.trade(tradeId).buyer).balanceWei;
    }

    function settled(uint256 tradeId) private {
        paidWei += market.peer(market.trade(tradeId).seller).balanceWei - sellerBeforeWei;
        refundedWei += market.peer(market.trade(tradeId).buyer).balanceWei - buyerBeforeWei;
    }

    function refund(uint256 tradeId) external {
        (,,, uint256 trades) = market.counts();
        if (trades == 0) return;
        tradeId = recent(tradeId, trades);
        before(tradeId);
        market.refund(tradeId);
        settled(tradeId);
    }

    function suspendOrApprove(uint256 who, uint8 dice) external {
        address account = peers[who % 3];
        bytes32 nodeId = market.peer(account).nodeId;
        vm.prank(administrator);
        if (dice % 8 == 0) market.suspend(account);
        else market.approve(account, nodeId, address(0));
    }

    function pauseOrGoOn(uint8 dice) external {
        vm.prank(administrator);
        if (dice % 8 == 0) market.pause();
        else market.unpause();
    }

    function wait(uint256 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 60);
    }
}

contract Invariants is MarketTest {
    Actors private actors;
    address[3] private peers = [SELLER, BUYER, address(0xB3)];

    function setUp() public override {
        super.setUp();
        makePeer(peers[2], "house-3");
        actors = new Actors(market, peers, [ADMINISTRATOR, COORDINATOR, ORACLE]);
    }

    /// @dev Read by forge: only the actors act.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actors);
    }

    function balancesWei() private view returns (uint256 sumWei) {
        for (uint256 i = 0; i < 3; i++) {
            sumWei += balanceOf(peers[i]);
        }
    }

    function escrowWei() private view returns (uint256 sumWei) {
        (,, uint256 orders, uint256 trades) = market.counts();
        for (uint256 i = 1; i <= orders; i++) {
            IEnergyMarket.Order memory open = market.order(i);
            sumWei += open.lockedWei;
        }
        for (uint256 i = 1; i <= trades; i++) {
            sumWei += escrowOfTradeWei(i);
        }
    }

    function isUnclosed(uint256 tradeId) private view returns (bool) {
        IEnergyMarket.TradeStatus status = market.trade(tradeId).status;
        return
            status == IEnergyMarket.TradeStatus.Open || status == IEnergyMarket.TradeStatus.OneSided;
    }

    function isDisputed(uint256 tradeId) private view returns (bool) {
        return market.trade(tradeId).status == IEnergyMarket.TradeStatus.Disputed;
    }

    function escrowOfTradeWei(uint256 tradeId) private view returns (uint256) {
        IEnergyMarket.Trade memory trade = market.trade(tradeId);
        if (isUnclosed(tradeId)) return uint256(trade.energyUwh) * trade.priceGweiPerKwh;
        if (!isDisputed(tradeId)) return 0;
        (uint64 lowUwh, uint64 highUwh) = market.dispute(tradeId);
        return uint256(highUwh - lowUwh) * trade.priceGweiPerKwh;
    }

    function openTradesWei() private view returns (uint256 sumWei) {
        (,,, uint256 trades) = market.counts();
        for (uint256 i = 1; i <= trades; i++) {
            sumWei += escrowOfTradeWei(i);
        }
    }

    function invariant_ContractHoldsBalancesLocksAndEscrow() public view {
        assertEq(address(market).balance, balancesWei() + escrowWei(), "wei in the contract");
    }

    function invariant_MoneyEntersByDepositAndLeavesByWithdrawal() public view {
        assertEq(
            address(market).balance,
            3 * DEPOSIT + actors.depositedWei() - actors.withdrawnWei(),
            "wei in the contract"
        );
    }

    function invariant_PaidAndRefundedAreTheCostOfClosedTrades() public view {
        assertEq(
            actors.paidWei() + actors.refundedWei() + openTradesWei(),
            actors.agreedWei(),
            "agreed cost"
        );
    }

    /// @notice From any state, time and the peers themselves free and withdraw every wei.
    function invariant_EveryWeiIsWithdrawable() public {
        vm.warp(block.timestamp + 3000);
        (,, uint256 orders, uint256 trades) = market.counts();
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
