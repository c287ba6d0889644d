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

    uint256 private constant WAITS_PER_LOOK = 256;

    EnergyMarket public immutable market;
    Campaign private immutable campaign;
    address[3] public peers;
    address private immutable administrator;
    address private immutable coordinator;
    address private immutable oracle;

    uint256 public depositedWei;
    uint256 public withdrawnWei;
    uint256 public agreedWei;
    uint256 public closedWei;
    uint256 public reports;
    uint256 public fills;
    uint256 public closed;
    uint256 public accepted;
    uint256 private book; // the window that was filled last
    uint256 private waits;
    bool public isBroken;

    constructor(EnergyMarket market_, address[3] memory peers_, address[3] memory roles) {
        market = market_;
        campaign = Campaign(msg.sender);
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
                mechanism: IEnergyMarket.Mechanism(length % 7 < 4 ? length % 4 : 0),
                needsApproval: length % 5 == 0,
                isStrict: length % 3 == 0,
                kPermille: length % 2 == 0 ? 500 : 1001,
                capacityUwh: length % 11 == 0 ? 2 * MAX_UWH : 0,
                maxFee: 1e12,
                feeAccount: peers[2]
            })
        );
    }

    function review(uint256 orderId, bool isApproved) external {
        (,, uint256 orders,,) = market.counts();
        if (orders == 0) return;
        uint256[] memory ids = new uint256[](1);
        ids[0] = recent(orderId, orders);
        vm.prank(coordinator);
        market.review(ids, isApproved);
    }

    /// @dev Fills a bid with an offer of the newest window, at prices that often suit them.
    function clear(uint256 seed, uint64 energyUwh, uint64 fee) external {
        (, uint256 windows, uint256 orders,,) = market.counts();
        IEnergyMarket.WindowTerms memory terms = market.window(windows);
        if (terms.mechanism == IEnergyMarket.Mechanism.Bilateral) return;
        if (block.timestamp < terms.bidEnd) vm.warp(terms.bidEnd);
        IEnergyMarket.Batch memory batch;
        (batch.windowId, batch.fills) = (windows, new IEnergyMarket.Fill[](1));
        (uint256 bidId, uint256 offerId) = pair(windows, orders, seed);
        if (bidId == 0 || offerId == 0) return;
        IEnergyMarket.Order memory offered = market.order(offerId);
        uint64 most = market.order(bidId).energyUwh;
        if (offered.energyUwh < most) most = offered.energyUwh;
        if (most == 0) return;
        if (terms.mechanism == IEnergyMarket.Mechanism.Uniform) {
            batch.sellPrice = offered.priceGweiPerKwh;
            batch.buyPrice = offered.priceGweiPerKwh + fee % 1000;
        }
        batch.fills[0] = IEnergyMarket.Fill(
            bidId, offerId, seed % 3 == 0 ? 1 + energyUwh % most : most, fee % 1000
        );
        book = windows;
        vm.prank(coordinator);
        market.clear(batch);
        (,,, uint256 trades,) = market.counts();
        agreedWei += costOf(trades);
        fills++;
    }

    /// @dev The newest bid and the newest offer of a window, or of those before them.
    function pair(uint256 windowId, uint256 orders, uint256 seed)
        private
        view
        returns (uint256 bidId, uint256 offerId)
    {
        uint256 last = orders - seed % (orders < 4 ? orders : 4);
        for (uint256 i = last; i > 0 && i + 12 > last; i--) {
            IEnergyMarket.Order memory one = market.order(i);
            if (one.windowId != windowId || one.energyUwh == 0) continue;
            if (one.isOffer && offerId == 0) offerId = i;
            if (!one.isOffer && bidId == 0) bidId = i;
        }
    }

    function closeBook(uint256 count) external {
        if (book == 0) return;
        vm.prank(coordinator);
        market.closeBook(book, count % 20);
        if (market.isCleared(book)) closed++;
    }

    function counter(uint256 who, uint256 orderId, uint64 energyUwh, uint64 price) external {
        (,, uint256 orders,,) = market.counts();
        if (orders == 0) return;
        orderId = recent(orderId, orders);
        IEnergyMarket.Order memory answered = market.order(orderId);
        if (answered.energyUwh == 0) return;
        if (peers[who % 3] == answered.peer) who = who % 3 + 1;
        if (energyUwh % 2 == 0) energyUwh = answered.energyUwh;
        vm.prank(peers[who % 3]);
        market.counter(orderId, energyUwh, 1 + price % 1e12);
    }

    /// @dev One of the newest counter-offers that still stand.
    function standingCounter(uint256 seed)
        private
        view
        returns (uint256, IEnergyMarket.CounterOffer memory standing)
    {
        (,,,, uint256 counters) = market.counts();
        if (counters == 0) return (0, standing);
        for (uint256 i = recent(seed, counters); i > 0 && i + 16 > counters; i--) {
            try market.counterOffer(i) returns (IEnergyMarket.CounterOffer memory found) {
                if (market.order(found.orderId).energyUwh != 0) return (i, found);
            } catch {}
        }
        return (0, standing);
    }

    function counterAgain(uint256 counterId, bool byMaker, uint64 energyUwh, uint64 price)
        external
    {
        IEnergyMarket.CounterOffer memory standing;
        (counterId, standing) = standingCounter(counterId);
        if (counterId == 0) return;
        if (energyUwh % 2 == 0) energyUwh = standing.energyUwh;
        vm.prank(byMaker ? market.order(standing.orderId).peer : standing.peer);
        market.counterAgain(counterId, energyUwh, 1 + price % 1e12);
    }

    function accept(uint256 counterId) external {
        IEnergyMarket.CounterOffer memory standing;
        (counterId, standing) = standingCounter(counterId);
        if (counterId == 0) return;
        vm.prank(standing.isMakers ? standing.peer : market.order(standing.orderId).peer);
        market.accept(counterId, standing.energyUwh, standing.priceGweiPerKwh);
        agreedWei += uint256(standing.energyUwh) * standing.priceGweiPerKwh;
        accepted++;
    }

    function withdrawCounter(uint256 counterId, bool byMaker) external {
        IEnergyMarket.CounterOffer memory standing;
        (counterId, standing) = standingCounter(counterId);
        if (counterId == 0) return;
        vm.prank(byMaker ? market.order(standing.orderId).peer : standing.peer);
        market.withdrawCounter(counterId);
    }

    function costOf(uint256 tradeId) private view returns (uint256) {
        IEnergyMarket.Trade memory made = market.trade(tradeId);
        return uint256(made.energyUwh) * (made.priceGweiPerKwh + made.feeGweiPerKwh);
    }

    function order(uint256 who, bool isOffer, uint64 energyUwh, uint64 price) external {
        (, uint256 windows,,,) = market.counts();
        if (block.timestamp >= market.window(windows).bidEnd) openWindow(price);
        (, windows,,,) = market.counts();
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

    /// @dev One of the newest trades of that status.
    function tradeOf(uint256 seed, IEnergyMarket.TradeStatus status)
        private
        view
        returns (uint256)
    {
        (,,, uint256 trades,) = market.counts();
        if (trades == 0) return 0;
        for (uint256 i = recent(seed, trades); i > 0 && i + 24 > trades; i--) {
            IEnergyMarket.TradeStatus found = market.trade(i).status;
            bool isOneSided = found == IEnergyMarket.TradeStatus.OneSided && seed % 2 == 0;
            if (found == status || (isOneSided && status == IEnergyMarket.TradeStatus.Open)) {
                return i;
            }
        }
        return 0;
    }

    function take(uint256 who, uint256 orderId, uint64 energyUwh, bool whole) external {
        (,, uint256 orders,,) = market.counts();
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
        (,, uint256 orders,,) = market.counts();
        if (orders == 0) return;
        orderId = recent(orderId, orders);
        vm.prank(market.order(orderId).peer);
        market.cancel(orderId);
    }

    function reclaim(uint256 orderId) external {
        (,, uint256 orders,,) = market.counts();
        if (orders != 0) market.reclaim(recent(orderId, orders));
    }

    function report(uint256 tradeId, uint64 sellerUwh, uint64 buyerUwh) external {
        tradeId = tradeOf(tradeId, IEnergyMarket.TradeStatus.Open);
        if (tradeId == 0) return;
        before();
        IEnergyMarket.DeliveryReport memory delivered =
            reportOf(tradeId, sellerUwh % (2 * MAX_UWH), buyerUwh % (2 * MAX_UWH));
        vm.prank(oracle);
        market.report(delivered);
        settled();
        reports++;
    }

    function reportAlone(uint256 tradeId, bool isSeller, uint64 energyUwh, uint64 heardUwh)
        external
    {
        tradeId = tradeOf(tradeId, IEnergyMarket.TradeStatus.Open);
        if (tradeId == 0) return;
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
        (,, uint256 orders,,) = market.counts();
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
        tradeId = tradeOf(tradeId, IEnergyMarket.TradeStatus.Disputed);
        if (tradeId == 0) return;
        (uint64 lowUwh, uint64 highUwh) = market.dispute(tradeId);
        before();
        vm.prank(coordinator);
        market.resolve(tradeId, lowUwh + settledUwh % (highUwh - lowUwh + 1));
        settled();
    }

    function split(uint256 tradeId) external {
        tradeId = tradeOf(tradeId, IEnergyMarket.TradeStatus.Disputed);
        if (tradeId == 0) return;
        before();
        market.split(tradeId);
        settled();
    }

    uint256 private beforeWei;

    function balancesWei() private view returns (uint256 sumWei) {
        for (uint256 i = 0; i < 3; i++) {
            sumWei += market.peer(peers[i]).balanceWei;
        }
    }

    function before() private {
        beforeWei = balancesWei();
    }

    /// @dev What left the escrow of a trade: to its seller, its buyer, and the account of the fee.
    function settled() private {
        closedWei += balancesWei() - beforeWei;
    }

    function refund(uint256 tradeId) external {
        tradeId = tradeOf(tradeId, IEnergyMarket.TradeStatus.Open);
        if (tradeId == 0) return;
        before();
        market.refund(tradeId);
        settled();
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

    /// @dev Now and then the campaign looks at the whole, which takes long.
    function wait(uint256 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 60);
        if (++waits % WAITS_PER_LOOK != 0) return;
        try campaign.look() {}
        catch {
            isBroken = true;
        }
    }
}

/// @notice A market with its actors, and what must hold of it.
abstract contract Campaign is MarketTest {
    Actors internal actors;
    address[3] internal peers = [SELLER, BUYER, address(0xB3)];

    function setUp() public virtual override {
        super.setUp();
        makePeer(peers[2], "house-3");
        actors = new Actors(market, peers, [ADMINISTRATOR, COORDINATOR, ORACLE]);
    }

    function look() external view {
        checkHoldings();
        checkCosts();
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
    function invariant_MoneyIsConservedOverLongRuns() public view {
        checkInAndOut();
        assertTrue(!actors.isBroken(), "a look of the actors");
    }

    /// @dev Called by forge at the end of each run.
    function afterInvariant() public {
        checkHoldings();
        checkCosts();
        checkWithdrawable();
    }
}
