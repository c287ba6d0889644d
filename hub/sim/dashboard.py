"""What each peer would see on its dashboard: a detailed `Outcome` enters, plain records leave.

My appliances (metered singly, by room), my generators, my battery, my vehicle, my preferences, my
wallet and the history of every kWh with its source, for the page and `dashboard.json`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.sim.assets import GENERATED, GRID, POOL, HistoryEntry, Wallet
from hub.sim.community import W_PER_KW, Community
from hub.sim.history import histories
from hub.sim.mixes import Mixes
from hub.sim.outcome import Outcome
from hub.sim.scenario import Peer
from hub.sim.summary import rewards_eur

DIGITS = 6
DIGITS_OF_HISTORY = 9  # below a mWh or a nano-euro


def dashboards(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """Return the dashboard of every [[peer]] by name. Raises ValueError without details."""
    if not outcome.details:
        raise ValueError("dashboards need a run with details")
    mixes = Mixes(outcome)
    of_peers = histories(outcome, mixes)
    return {
        peer.name: _dashboard(outcome, place, of_peers[place], mixes)
        for place, peer in enumerate(outcome.community.peers)
    }


def _dashboard(
    outcome: Outcome, place: int, history: tuple[HistoryEntry, ...], mixes: Mixes
) -> dict[str, Any]:
    community = outcome.community
    peer = community.peers[place]
    trades = tuple(entry for entry in history if entry.counterparty not in (GRID, POOL))
    traded_eur = sum(entry.energy_kwh * entry.price_eur_per_kwh for entry in trades)
    left_eur = Wallet(peer.wallet_eur, history).balance_eur()
    reward_eur = rewards_eur(outcome).get(peer.name, 0.0)
    times = np.datetime_as_string(community.clock.local_times)
    return {
        "appliances": appliances(community, peer),
        "generators": _generators(outcome, place, mixes),
        "battery": _battery(outcome, place, peer),
        "vehicle": None if peer.vehicle is None else dataclasses.asdict(peer.vehicle),
        "preferences": preferences(community, peer),
        "wallet": {
            "start_eur": peer.wallet_eur,
            "after_trades_eur": _round(peer.wallet_eur - traded_eur),
            "grid_and_fees_eur": _round(peer.wallet_eur - traded_eur - left_eur),
            "event_rewards_eur": _round(reward_eur),
            "end_eur": _round(left_eur + reward_eur),
        },
        "history": [{"start_local": str(times[entry.slot]), **_plain(entry)} for entry in history],
    }


def preferences(community: Community, peer: Peer) -> dict[str, Any]:
    """Return what a peer wants; what changes with the time as one value for each slot."""
    found = dataclasses.asdict(peer.preferences)
    for name in ("highest_buying_eur_per_kwh", "lowest_selling_eur_per_kwh", "critical_w"):
        series = getattr(peer.preferences, name)
        if series is not None:
            values = series.values(community.clock).tolist()
            found[name] = values[0] if series.constant is not None else values
    return found


def _plain(entry: HistoryEntry) -> dict[str, Any]:
    """Return a line of the history; there are many, so with no more digits than count."""
    return {
        name: round(value, DIGITS_OF_HISTORY) if isinstance(value, float) else value
        for name, value in vars(entry).items()
    }


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


def _generators(outcome: Outcome, place: int, mixes: Mixes) -> list[dict[str, Any]]:
    hours, peer = outcome.community.clock.slot_hours, outcome.community.peers[place]
    power_w = dict(zip(GENERATED, mixes.generated_w[:, :, place], strict=True))
    owned = {
        "pv": (peer.pv_area_m2 > 0 or peer.pv_w or peer.pv_roof, peer.pv_is_on),
        "wind": (peer.wind, peer.wind is not None and peer.wind.is_on),
        "hydro": (peer.hydro_w, peer.hydro_is_on),
    }
    return [
        {
            "kind": kind,
            "is_on": is_on,
            "energy_kwh": _round(float(power_w[kind].sum()) * hours / W_PER_KW),
            "peak_w": _round(float(power_w[kind].max())),
        }
        for kind, (own, is_on) in owned.items()
        if own
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


def _round(value: float) -> float:
    return round(value, DIGITS) + 0.0
