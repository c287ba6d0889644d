"""What must hold after each fault: chain, store and physics enter, broken promises leave.

The chain's own events are read anew, apart from the hub; the energies are the bench's true ones.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from eth_utils import to_checksum_address

from hub.chain.abi import market_abi
from hub.chain.records import ChainEvent
from hub.chain.rpc import connect
from hub.oracle.terms import block_uwh
from hub.site_clock import wall_ms
from tools.bench.faults.place import GRACE_S, Place

LATE_S = 45  # after report-by a trade is settled or refunded, with all parts back
ENDS = ("TradeSettled", "TradeRefunded", "DisputeResolved")
METER_PERMILLE = 10  # two meters and the truth differ by less


@dataclass
class Trade:
    """A trade as the chain's events tell it."""

    seller: str
    buyer: str
    energy_uwh: int
    price: int
    report_by_s: int
    ends: list[ChainEvent] = field(default_factory=list)
    disputes: list[ChainEvent] = field(default_factory=list)

    @property
    def is_closed(self) -> bool:
        return bool(self.ends)

    @property
    def settled_uwh(self) -> int:
        return sum(int(event.args.get("settled_uwh", 0)) for event in self.ends)


def read_trades(rpc_url: str, address: str) -> dict[int, Trade]:
    """Read every trade from the chain. Raises ChainUnavailable."""
    trades: dict[int, Trade] = {}
    report_by: dict[int, int] = {}
    eth = connect(rpc_url, timeout_s=5.0).eth
    for log in eth.get_logs({"address": to_checksum_address(address), "fromBlock": 0}):
        event = market_abi().decode_log(log)
        if event is None:
            continue
        args = event.args
        if event.name == "WindowOpened":
            report_by[args["window_id"]] = int(args["report_by"])
        elif event.name == "TradeMade":
            trades[args["trade_id"]] = Trade(
                *(args["seller"], args["buyer"], int(args["energy_uwh"])),
                *(int(args["price_gwei_per_kwh"]), report_by[args["window_id"]]),
            )
        elif event.name in ENDS:
            trades[args["trade_id"]].ends.append(event)
        elif event.name == "TradeDisputed":
            trades[args["trade_id"]].disputes.append(event)
    return trades


def problems(place: Place, trades: dict[int, Trade], *, is_over: bool = False) -> list[str]:
    """Return what is wrong by now, a sentence each; `is_over`: nothing may be unsettled."""
    found = [
        f"trade {number}: {text}" for number, trade in trades.items() for text in _trade(trade)
    ]
    if is_over:
        found += [f"trade {number} is not settled" for number, one in trades.items()
                  if not one.is_closed]  # fmt: skip
        found += _differing(place, trades)
    return found + _money(place) + _energy(place, trades) + _violations(place)


def overdue(trades: dict[int, Trade], healthy_since_ms: int) -> list[str]:
    """Return which trades should be closed, though everything has run again for long enough."""
    now_ms = wall_ms()
    return [
        f"trade {number} is open {now_ms // 1000 - trade.report_by_s} s after report-by"
        for number, trade in trades.items()
        if not trade.is_closed
        and now_ms - max((trade.report_by_s + 2 * GRACE_S) * 1000, healthy_since_ms) > LATE_S * 1000
    ]


def _trade(trade: Trade) -> list[str]:
    found = []
    if len(trade.ends) > 1:
        found.append(f"ended {len(trade.ends)} times")
    money = [(int(event.args.get("paid_wei", 0)), int(event.args.get("refunded_wei", 0)))
             for event in [*trade.disputes, *trade.ends]]  # fmt: skip
    # What a dispute held was neither before it was resolved.
    if trade.is_closed:
        total_wei = sum(paid + refunded for paid, refunded in money)
        if total_wei != trade.energy_uwh * trade.price:
            found.append(f"paid and refunded are {total_wei} of {trade.energy_uwh * trade.price}")
    if trade.settled_uwh > trade.energy_uwh:
        found.append(f"settled {trade.settled_uwh} of {trade.energy_uwh} uWh")
    return found


def _money(place: Place) -> list[str]:
    totals = place.client.totals()  # of the events, beside the contract's own wei
    if totals.contract_wei != totals.balances_wei + totals.escrow_wei:
        return [f"the contract has {totals.contract_wei} wei, owes "
                f"{totals.balances_wei + totals.escrow_wei}"]  # fmt: skip
    return []


def _energy(place: Place, trades: dict[int, Trade]) -> list[str]:
    """Nobody is paid for, or charged with, more than truly flowed through the own contacts."""
    sold: dict[str, int] = defaultdict(int)
    bought: dict[str, int] = defaultdict(int)
    for trade in trades.values():
        sold[trade.seller] += trade.settled_uwh
        bought[trade.buyer] += trade.settled_uwh
    found = []
    for address, node in place.nodes.items():
        true = place.lab.houses[node].energies.uwh()
        for what, paid_uwh, true_uwh in (
            ("sold", sold[address], true["bus_export_uwh"]),
            ("bought", bought[address], true["bus_import_uwh"]),
        ):
            least = true_uwh + true_uwh * METER_PERMILLE // 1000 + block_uwh(place.bus)
            if paid_uwh > least:
                found.append(f"{node} {what} {paid_uwh} uWh, of which {true_uwh} flowed")
    return found


def _violations(place: Place) -> list[str]:
    broken = place.lab.report()["violations"]
    return [f"{broken['total']} relay violations: {broken['last']}"] if broken["total"] else []


def closed_relays(place: Place) -> list[str]:
    """Return which relays are closed though nothing is delivered any more."""
    houses = place.lab.report()["houses"]
    return [
        f"relay {relay} of {node} is closed"
        for node, house in houses.items()
        for relay, is_closed in house["relays"].items()
        if is_closed
    ] + _violations(place)


def _differing(place: Place, trades: dict[int, Trade]) -> list[str]:
    """The store must know the trades that the chain knows, and none else."""
    known = {row.trade_id: row for row in place.store.trades()}
    if not set(trades) <= set(known):
        return [f"the store knows trades {sorted(known)}, the chain {sorted(trades)}"]
    return [
        f"the store says trade {number} is {known[number].state}"
        for number in trades
        if known[number].state not in ("settled", "refunded")
    ]
