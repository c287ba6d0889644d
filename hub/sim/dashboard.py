"""What each peer would see on its dashboard: a detailed `Outcome` enters, plain records leave.

My appliances (metered singly, by room), my generators, my battery, my vehicle, my preferences, my
wallet and the history of every trade with its source, for the page and `dashboard.json`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.sim.assets import HistoryEntry, Wallet
from hub.sim.community import W_PER_KW, Community
from hub.sim.outcome import Outcome
from hub.sim.scenario import Peer
from hub.sim.summary import rewards_eur
from hub.sim.trades import Trades

DIGITS = 6


def dashboards(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """Return the dashboard of every [[peer]] by name. Raises ValueError without details."""
    if not outcome.details:
        raise ValueError("dashboards need a run with details")
    histories = _histories(outcome)
    return {
        peer.name: _dashboard(outcome, place, peer, histories[place])
        for place, peer in enumerate(outcome.community.peers)
    }


def _dashboard(
    outcome: Outcome, place: int, peer: Peer, history: tuple[HistoryEntry, ...]
) -> dict[str, Any]:
    community = outcome.community
    wallet = Wallet(peer.wallet_eur, history)
    grid_eur = _grid_cost_eur(outcome, place)
    reward_eur = rewards_eur(outcome).get(peer.name, 0.0)
    times = np.datetime_as_string(community.clock.local_times)
    return {
        "appliances": appliances(community, peer),
        "generators": _generators(outcome, place, peer),
        "battery": _battery(outcome, place, peer),
        "vehicle": None if peer.vehicle is None else dataclasses.asdict(peer.vehicle),
        "preferences": preferences(community, peer),
        "wallet": {
            "start_eur": peer.wallet_eur,
            "after_trades_eur": _round(wallet.balance_eur()),
            "grid_and_fees_eur": _round(grid_eur),
            "event_rewards_eur": _round(reward_eur),
            "end_eur": _round(peer.wallet_eur - float(outcome.totals["cost"][place]) + reward_eur),
        },
        "history": [
            {"start_local": str(times[entry.slot]), **dataclasses.asdict(entry)}
            for entry in history
        ],
    }


def preferences(community: Community, peer: Peer) -> dict[str, Any]:
    """Return what a peer wants; a price limit that changes as one value for each slot."""
    found = dataclasses.asdict(peer.preferences)
    for name in ("highest_buying_eur_per_kwh", "lowest_selling_eur_per_kwh"):
        series = getattr(peer.preferences, name)
        if series is not None:
            values = series.values(community.clock).tolist()
            found[name] = values[0] if series.constant is not None else values
    return found


def appliances(community: Community, peer: Peer) -> list[dict[str, Any]]:
    """Return a peer's appliances, each with the energy that it alone used as scheduled."""
    clock = community.clock
    return [
        {
            "name": one.name,
            "place": one.place,
            "power_w": one.power_w,
            "is_on": one.is_on,
            "shiftable_share": one.shiftable_share,
            "energy_kwh": _round(
                float(one.share_of_slots(clock.minutes_of_day, clock.slot_minutes).sum())
                * one.power_w
                * clock.slot_hours
                / W_PER_KW
            ),
        }
        for one in peer.appliances
    ]


def _generators(outcome: Outcome, place: int, peer: Peer) -> list[dict[str, Any]]:
    hours = outcome.community.clock.slot_hours
    pv_w = outcome.details["pv"][:, place]
    other_w = outcome.details["generation"][:, place] - pv_w
    found = []
    if peer.pv_area_m2 > 0 or peer.pv_w is not None or peer.pv_roof is not None:
        found.append(("pv", peer.pv_is_on, pv_w))
    if peer.wind is not None and peer.hydro_w is not None:
        # The run keeps their sum; a stream's power is known by itself.
        hydro_w = peer.hydro_w.values(outcome.community.clock) * peer.hydro_is_on
        found += [
            ("hydro", peer.hydro_is_on, hydro_w),
            ("wind", peer.wind.is_on, other_w - hydro_w),
        ]
    elif peer.wind is not None:
        found.append(("wind", peer.wind.is_on, other_w))
    elif peer.hydro_w is not None:
        found.append(("hydro", peer.hydro_is_on, other_w))
    return [
        {
            "kind": kind,
            "is_on": is_on,
            "energy_kwh": _round(float(np.maximum(power_w, 0).sum()) * hours / W_PER_KW),
            "peak_w": _round(float(np.maximum(power_w, 0).max())),
        }
        for kind, is_on, power_w in found
    ]


def _battery(outcome: Outcome, place: int, peer: Peer) -> dict[str, Any] | None:
    capacity_wh = peer.battery.capacity_wh
    if capacity_wh <= 0:
        return None
    stored_wh: npt.NDArray[np.float64] = outcome.details["stored"][:, place]
    return {
        "capacity_wh": capacity_wh,
        "least_wh": capacity_wh * peer.battery.soc_min,
        "greatest_wh": capacity_wh * peer.battery.soc_max,
        "stored_wh": _round(float(stored_wh[-1])),
        "soc_permille": round(float(stored_wh[-1]) / capacity_wh * 1000),
        "soc_permille_of_slots": np.round(stored_wh / capacity_wh * 1000).astype(int).tolist(),
    }


def _histories(outcome: Outcome) -> list[tuple[HistoryEntry, ...]]:
    """Return each peer's trades, bought positive and sold negative, in the order of the slots."""
    names = outcome.community.names
    found: list[list[HistoryEntry]] = [[] for _ in names]
    trades = Trades.of(outcome)
    columns = (trades.slot, trades.seller, trades.buyer, trades.energy_kwh)
    prices = trades.price_eur_per_kwh
    for row, (slot, seller, buyer, energy) in enumerate(zip(*columns, strict=True)):
        price, source = float(prices[row]), trades.source[row]
        for owner, other, sign in ((buyer, seller, 1), (seller, buyer, -1)):
            entry = HistoryEntry(int(slot), names[other], source, sign * float(energy), price)
            found[owner].append(entry)
    return [tuple(entries) for entries in found]


def _grid_cost_eur(outcome: Outcome, place: int) -> float:
    """Return what grid, network operator and pool got of a peer: all of its cost but its trades."""
    totals = {name: float(values[place]) for name, values in outcome.totals.items()}
    return totals["cost"] - totals["trade_cost"] + totals["trade_income"]


def _round(value: float) -> float:
    return round(value, DIGITS) + 0.0
