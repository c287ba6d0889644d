"""What must hold after each fault: chain, store and physics enter, broken promises leave.

The energies are the bench's true ones; the books are read by books.py beside this.
"""

from __future__ import annotations

from collections import defaultdict

from hub.oracle.terms import block_uwh
from hub.site_clock import wall_ms
from tools.bench.faults import books
from tools.bench.faults.books import Trade
from tools.bench.faults.place import GRACE_S, Place

LATE_S = 45  # after report-by a trade is settled or refunded, with all parts back
METER_PERMILLE = 10  # two meters and the truth differ by less


def problems(place: Place, trades: dict[int, Trade]) -> list[str]:
    """Return what is wrong by now, a sentence each. Raises ChainUnavailable."""
    found = [
        f"trade {number}: {text}" for number, trade in trades.items() for text in _trade(trade)
    ]
    found += _flowed_energy(place, trades) + _paid_energy(place, trades) + violations(place)
    # Last: it waits for a quiet moment of the chain.
    return found + books.contract_problems(place.client, list(place.nodes), place.rpc_url)


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
    # What a dispute held was neither before it was resolved.
    if trade.is_closed:
        total_wei = trade.moved_wei("paid_wei") + trade.moved_wei("refunded_wei")
        if total_wei != trade.energy_uwh * trade.price:
            found.append(f"paid and refunded are {total_wei} of {trade.energy_uwh * trade.price}")
        if trade.moved_wei("paid_wei") != trade.settled_uwh * trade.price:
            found.append(f"paid {trade.moved_wei('paid_wei')} wei for {trade.settled_uwh} uWh")
    if trade.settled_uwh > trade.energy_uwh:
        found.append(f"settled {trade.settled_uwh} of {trade.energy_uwh} uWh")
    return found


def _paid_energy(place: Place, trades: dict[int, Trade]) -> list[str]:
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


def _flowed_energy(place: Place, trades: dict[int, Trade]) -> list[str]:
    """Nobody gives more than it agreed to: a trade that is delivered twice would show here.

    An attempt that was cut off and told nothing of it may have given one step of exposure, and
    what flows until the next block is metered; the next attempt gives it again.
    """
    found = []
    rows = place.store.deliveries()
    for address, node in place.nodes.items():
        mine = {number: one for number, one in trades.items() if one.seller == address}
        tries = [row for row in rows if row.trade_id in mine and row.commanded_at_ms is not None]
        cut = len(tries) - len({row.trade_id for row in tries})
        agreed_uwh = sum(one.energy_uwh for one in mine.values())
        step_uwh = max((one.energy_uwh for one in mine.values()), default=0)
        step_uwh = step_uwh * place.bus.exposure_permille // 1000 + 2 * block_uwh(place.bus)
        most_uwh = agreed_uwh * (1000 + METER_PERMILLE) // 1000 + cut * step_uwh
        most_uwh += 2 * block_uwh(place.bus) * len(mine)
        true_uwh = place.lab.houses[node].energies.uwh()["bus_export_uwh"]
        if true_uwh > most_uwh:
            found.append(f"{node} gave {true_uwh} uWh, agreed were {agreed_uwh}, {cut} tries cut")
    return found


def violations(place: Place) -> list[str]:
    """Return how often the bench's watch saw a rule of the relays broken."""
    broken = place.lab.report()["violations"]
    return [f"{broken['total']} relay violations: {broken['last']}"] if broken["total"] else []


def true_export_uwh(place: Place) -> int:
    """Return what all houses truly gave to their segments."""
    return sum(one.energies.uwh()["bus_export_uwh"] for one in place.lab.houses.values())
