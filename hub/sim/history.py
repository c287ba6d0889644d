"""Each peer's transaction history: a detailed run enters; every kWh that it took or gave leaves,
with whom, from what source and at what price.

Counterparties are peers, "pool" (the community's battery) and "grid". What a peer takes adds up to
what it bought, drew from the pool and imported; a sale counts what reached the buyer, which is what
is paid for. All money of a peer but rewards of events is in its history.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.sim.assets import GRID, POOL, HistoryEntry
from hub.sim.community import W_PER_KW
from hub.sim.mixes import Mixes
from hub.sim.outcome import Outcome
from hub.sim.trades import Trades

Values = npt.NDArray[np.float64]

SMALLEST_KWH = 1e-9  # less is rounding: a uWh is the smallest that a meter counts


def histories(outcome: Outcome, mixes: Mixes | None = None) -> list[tuple[HistoryEntry, ...]]:
    """Return the history of each [[peer]], in the order of the slots: taken positive."""
    mixes = mixes or Mixes(outcome)
    found: list[list[HistoryEntry]] = [[] for _ in outcome.community.peers]
    _add_trades(outcome, mixes, found)
    for place, entries in enumerate(found):
        if outcome.community.shared_battery is not None:
            _add_pool(outcome, mixes, place, entries)
        _add_grid(outcome, mixes, place, entries)
        entries.sort(key=lambda entry: entry.slot)  # trades, then pool, then grid: it is stable
    return [tuple(entries) for entries in found]


def _add_trades(outcome: Outcome, mixes: Mixes, found: list[list[HistoryEntry]]) -> None:
    names, trades = outcome.community.names, Trades.of(outcome, mixes)
    fee = _fee_eur_per_kwh(outcome)
    rows = zip(
        trades.slot.tolist(),
        trades.seller.tolist(),
        trades.buyer.tolist(),
        trades.energy_kwh.tolist(),
        trades.price_eur_per_kwh.tolist(),
        trades.source,
        strict=True,
    )
    for slot, seller, buyer, energy, price, source in rows:
        if buyer < len(found):
            fee_eur = energy * float(fee[slot, buyer])
            found[buyer].append(HistoryEntry(slot, names[seller], source, energy, price, fee_eur))
        if seller < len(found):
            found[seller].append(HistoryEntry(slot, names[buyer], source, -energy, price))


def _fee_eur_per_kwh(outcome: Outcome) -> Values:
    """Return what each buyer paid the network's operator for each kWh bought, in each slot."""
    bought_kw = outcome.details["bought"] / W_PER_KW
    fee = outcome.details["fee"]
    return np.divide(fee, bought_kw, out=np.zeros_like(fee), where=bought_kw > 0)


def _add_pool(outcome: Outcome, mixes: Mixes, place: int, entries: list[HistoryEntry]) -> None:
    """Add what a peer stored in the community's battery, what it drew, and what it was paid when
    others drew what it had stored."""
    details, hours = outcome.details, outcome.community.clock.slot_hours
    drawn_kwh, given_kwh = (
        details[name][:, place] * hours / W_PER_KW for name in ("pool_drawn", "pool_given")
    )
    paid, earned = (details[name][:, place] * hours for name in ("pool_paid", "pool_earned"))
    for slot in np.flatnonzero(drawn_kwh > SMALLEST_KWH).tolist():
        price = float(paid[slot] / drawn_kwh[slot])
        entries.append(HistoryEntry(slot, POOL, POOL, float(drawn_kwh[slot]), price))
    _give(entries, mixes, (place, POOL), given_kwh, np.zeros_like(given_kwh))
    for slot in np.flatnonzero(earned > 0).tolist():
        entries.append(HistoryEntry(slot, POOL, POOL, 0.0, 0.0, -float(earned[slot])))


def _add_grid(outcome: Outcome, mixes: Mixes, place: int, entries: list[HistoryEntry]) -> None:
    details, tariff = outcome.details, outcome.community.tariff
    hours = outcome.community.clock.slot_hours
    taken_kwh = details["import"][:, place] * hours / W_PER_KW
    for slot in np.flatnonzero(taken_kwh > SMALLEST_KWH).tolist():
        price = float(tariff.retail[slot])
        entries.append(HistoryEntry(slot, GRID, GRID, float(taken_kwh[slot]), price))
    fed_kwh = details["export"][:, place] * hours / W_PER_KW
    _give(entries, mixes, (place, GRID), fed_kwh, tariff.feed_in)


def _give(
    entries: list[HistoryEntry],
    mixes: Mixes,
    who: tuple[int, str],
    given_kwh: Values,
    price: Values,
) -> None:
    place, other = who
    for slot in np.flatnonzero(given_kwh > SMALLEST_KWH).tolist():
        for source, share in mixes.shares(place, slot):
            energy_kwh = -share * float(given_kwh[slot])
            entries.append(HistoryEntry(slot, other, source, energy_kwh, float(price[slot])))
