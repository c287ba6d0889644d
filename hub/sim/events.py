"""Demand-response events in a run: a community and its events enter, its answers and proofs leave.

Announced, accepted, verified: at the announcement each willing house pledges a share of its
baseline, the mean of the same slots of the days before; the cheapest pledges are accepted
(`hub.market.demand_response`). In the event a house uses less by its share, as far as it keeps its
word, and part of that is used right afterwards. Then its metered load decides what it earns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.errors import BadInput
from hub.market.demand_response import Pledge, Proof, accept, baseline_uwh
from hub.sim.community import Community
from hub.sim.scenario import Event

Values = npt.NDArray[np.float64]
Slots = npt.NDArray[np.int64]

NANO = 1e9
UWH_PER_WH = 1e6
WEI_PER_EUR = 10**18
UWH_PER_KWH = 10**9


@dataclass(frozen=True)
class Held:
    """One event as it went."""

    event: Event
    slots: Slots
    asked_uwh: int | None
    proofs: tuple[Proof, ...]

    def record(self) -> dict[str, Any]:
        """Return what summary.json says of it."""
        total = {
            name: sum(getattr(one, name) for one in self.proofs)
            for name in ("accepted_uwh", "baseline_uwh", "metered_uwh", "verified_uwh")
        }
        return {
            "name": self.event.name,
            "announced": self.event.announced.isoformat(),
            "first_slot": int(self.slots[0]),
            "slots": len(self.slots),
            "reward_eur_per_kwh": self.event.reward_eur_per_kwh,
            "asked_kwh": None if self.asked_uwh is None else self.asked_uwh / UWH_PER_KWH,
            **{name.replace("_uwh", "_kwh"): uwh / UWH_PER_KWH for name, uwh in total.items()},
            "reward_eur": sum(one.reward_wei for one in self.proofs) / WEI_PER_EUR,
            "peers": {
                one.peer: {
                    "accepted_kwh": one.accepted_uwh / UWH_PER_KWH,
                    "baseline_kwh": one.baseline_uwh / UWH_PER_KWH,
                    "metered_kwh": one.metered_uwh / UWH_PER_KWH,
                    "verified_kwh": one.verified_uwh / UWH_PER_KWH,
                    "reward_eur": one.reward_wei / WEI_PER_EUR,
                }
                for one in self.proofs
            },
        }


def hold(community: Community, events: tuple[Event, ...]) -> tuple[Community, list[Held]]:
    """Hold the events in the order of their announcements; return the loads and proofs.

    Raises BadInput for an event without slots, or without a day before it.
    """
    held: list[Held] = []
    load_w = community.explicit.load_w.copy()
    taken = np.zeros(community.clock.slots, dtype=bool)
    for event in sorted(events, key=lambda one: one.announced):
        slots = _slots(community, event)
        if taken[slots].any():
            raise BadInput(f"{event.where}: overlaps another event")
        days = _days_before(community, event, slots, taken)
        taken[slots] = True
        held.append(_hold_one(community, event, (slots, days), load_w))
    return community.with_load(load_w), held


def _hold_one(
    community: Community, event: Event, when: tuple[Slots, list[Slots]], load_w: Values
) -> Held:
    """Hold one event: change `load_w` in place as the accepted houses answer."""
    slots, days = when
    hours = community.clock.slot_hours
    willing = [(at, peer) for at, peer in enumerate(community.peers) if peer.events.share > 0]
    base_uwh = {
        peer.name: baseline_uwh([_energy_uwh(load_w[day, at], hours) for day in days])
        for at, peer in willing
    }
    pledges = [
        Pledge(
            peer.name,
            int(base_uwh[peer.name] * peer.events.share),
            round(peer.events.least_reward_eur_per_kwh * NANO),
        )
        for _, peer in willing
    ]
    reward = round(event.reward_eur_per_kwh * NANO)
    asked = None if event.asked_w is None else _energy_uwh([event.asked_w] * len(slots), hours)
    accepted = accept(pledges, reward, asked)
    proofs = []
    for at, peer in willing:
        if not accepted[peer.name]:
            continue
        promised = accepted[peer.name] / max(base_uwh[peer.name], 1)
        _answer(load_w[:, at], slots, promised * peer.events.kept_share, peer.events.rebound_share)
        metered = _energy_uwh(load_w[slots, at], hours)
        proofs.append(Proof(peer.name, accepted[peer.name], base_uwh[peer.name], metered, reward))
    return Held(event, slots, asked, tuple(proofs))


def _answer(load_w: Values, slots: Slots, share: float, rebound_share: float) -> None:
    """Use less by `share` in the event's slots, and some of it in as many slots after them."""
    saved_w = load_w[slots] * share
    load_w[slots] -= saved_w
    after = slots[-1] + 1 + np.arange(len(slots))
    after = after[after < len(load_w)]
    if after.size:
        load_w[after] += saved_w.sum() * rebound_share / len(after)


def _slots(community: Community, event: Event) -> Slots:
    times = community.clock.local_times
    first, last = np.datetime64(event.start), np.datetime64(event.end)
    slots = np.flatnonzero((times >= first) & (times < last))
    if not slots.size:
        raise BadInput(f"{event.where}: no slot of the run lies between from and to")
    return slots


def _days_before(
    community: Community, event: Event, slots: Slots, taken: npt.NDArray[np.bool_]
) -> list[Slots]:
    """Return the same slots of the days before the announcement, without days that had an event."""
    a_day = round(24 / community.clock.slot_hours)
    times = community.clock.local_times
    days = []
    for number in range(1, slots[0] // a_day + 1):
        day = slots - number * a_day
        is_known = day[0] >= 0 and times[day[-1]] < np.datetime64(event.announced)
        if is_known and not taken[day].any():
            days.append(day)
        if len(days) == event.baseline_days:
            break
    if not days:
        raise BadInput(
            f"{event.where}: no day of the run before its announcement has these hours, so there "
            "is no baseline; begin the run a day earlier or announce later"
        )
    return days


def _energy_uwh(power_w: Any, hours: float) -> int:
    """Return the rise of a meter's register over these slots."""
    return round(float(np.sum(power_w)) * hours * UWH_PER_WH)
