"""Schedules optimal batteries and vehicles: a community enters, powers over the whole run leave.

With pooling all of them are scheduled against the community's one balance with the grid, else each
against its own house's. The horizon is the whole run, known in advance: a bound on what any real
controller can reach.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.sim.community import Community, Storage
from hub.sim.dispatch import Batteries
from hub.sim.optimal import Limits, NoSchedule, Pool, schedule
from hub.sim.reachable import explained
from hub.sim.worth import gains

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """Powers over the whole run in W, (slots, peers): batteries (positive charging), vehicles."""

    battery_w: Values
    vehicle_w: Values

    def block(self, start: int, stop: int) -> Plan:
        """Return the plan of slots [start, stop)."""
        return Plan(self.battery_w[start:stop], self.vehicle_w[start:stop])


def plan(community: Community) -> Plan | None:
    """Schedule batteries and vehicles of the peers with strategy optimal; None without any."""
    vehicles = _vehicles(community)
    has_vehicle = np.zeros(community.size, dtype=bool)
    has_vehicle[list(vehicles)] = True
    planned = np.flatnonzero(community.storage.is_optimal | has_vehicle)
    if not planned.size:
        return None
    slots = community.clock.slots
    inputs = community.block(0, slots)
    generation_w = inputs.generation_w
    own_net_w = inputs.load_w - generation_w
    found = Plan(np.zeros((slots, community.size)), np.zeros((slots, community.size)))
    for places in [planned] if _is_pooled(community) else planned[:, None]:
        net_w = own_net_w[:, places].sum(axis=1) + _others_w(community, own_net_w, places)
        owners = places[community.storage.is_optimal[places]]
        charging = [place for place in places.tolist() if place in vehicles]
        pool, kind, share = _merged(
            Pool(
                net_w,
                own_net_w[:, owners],
                generation_w[:, owners],
                community.export_limit_w[owners],
                community.storage.of(owners),
            )
        )
        pool = _with_vehicles(pool, [vehicles[place] for place in charging])
        try:
            powers_w = schedule(pool, community.tariff, community.clock.slot_hours)
        except NoSchedule as problem:
            raise explained(community, places, problem) from problem
        stores = powers_w.shape[1] - len(charging)
        found.battery_w[:, owners] = powers_w[:, kind] * share
        found.vehicle_w[:, charging] = powers_w[:, stores:]
    return found


def _vehicles(community: Community) -> dict[int, Limits]:
    """Return the bounds of the vehicles that are scheduled, by their owners' places."""
    clock = community.clock
    return {
        place: Limits(
            *peer.vehicle.envelope(
                clock.minutes_of_day,
                clock.slot_minutes,
                peer.load_max_w - community.explicit.load_w[:, place],
            )
        )
        for place, peer in enumerate(community.peers)
        if peer.vehicle is not None and peer.strategy == "optimal"
    }


def _with_vehicles(pool: Pool, vehicles: list[Limits]) -> Pool:
    """Return the pool with each vehicle as a store that is never discharged."""
    if not vehicles:
        return pool
    count = len(vehicles)
    batteries = len(pool.export_limit_w)
    none = np.zeros((len(pool.net_w), count))

    def extended(values: Values, value: float) -> Values:
        return np.concatenate([values, np.full(count, value, dtype=values.dtype)])

    changes = {name: 0.0 for name in pool.storage.__dataclass_fields__}
    changes |= {"charge_efficiency": 1.0, "discharge_efficiency": 1.0}
    longer: dict[str, Any] = {
        name: extended(getattr(pool.storage, name), one) for name, one in changes.items()
    }
    storage = Storage(**longer)
    return Pool(
        pool.net_w,
        np.concatenate([pool.own_net_w, none], axis=1),
        np.concatenate([pool.generation_w, none], axis=1),
        extended(pool.export_limit_w, np.inf),
        storage,
        {batteries + place: one for place, one in enumerate(vehicles)},
    )


def _merged(pool: Pool) -> tuple[Pool, npt.NDArray[np.int64], Values]:
    """Merge batteries that are alike but for their size, which loses nothing.

    What one of them can do, scaled by its capacity, all of them together can; and the other way.
    Return the smaller pool, which of its batteries each one is part of, and its share.
    """
    size = pool.storage.highest_wh
    _, first, kind = np.unique(_traits(pool), axis=0, return_index=True, return_inverse=True)
    total = np.bincount(kind, size, minlength=len(first))
    factor = total / size[first]
    one = pool.storage.of(first)
    merged = replace(
        one,
        lowest_wh=one.lowest_wh * factor,
        highest_wh=one.highest_wh * factor,
        initial_wh=one.initial_wh * factor,
        charge_limit_w=one.charge_limit_w * factor,
        discharge_limit_w=one.discharge_limit_w * factor,
    )
    alone = Pool(
        pool.net_w,
        pool.own_net_w[:, first],
        pool.generation_w[:, first],
        pool.export_limit_w[first],
        merged,
    )
    return alone, kind, size / total[kind]


def _traits(pool: Pool) -> Values:
    """Return what must be equal for batteries to be merged, one row a battery."""
    storage, size = pool.storage, pool.storage.highest_wh
    is_limited = np.isfinite(pool.export_limit_w)
    return np.column_stack(
        [
            storage.lowest_wh / size,
            storage.initial_wh / size,
            storage.charge_limit_w / size,
            storage.discharge_limit_w / size,
            storage.charge_efficiency,
            storage.discharge_efficiency,
            storage.self_discharge,
            storage.is_final_bounded,
            # A house with an export limit stands alone: its own generation counts.
            np.where(is_limited, np.arange(len(size)), -1),
        ]
    )


def _is_pooled(community: Community) -> bool:
    """Tell whether all are scheduled as one: not where a fee forbids them to share at all."""
    market = community.market
    return market.pooling and bool(gains(market, community.tariff).any())


def _others_w(community: Community, own_net_w: Values, planned: npt.NDArray[np.int64]) -> Values:
    """Return the position of the peers without a schedule, who are in the pool all the same."""
    if not _is_pooled(community):
        return np.zeros(community.clock.slots)
    others = np.ones(community.size, dtype=bool)
    others[planned] = False
    batteries = Batteries(community.storage, community.clock.slot_hours, None)
    battery_w, _ = batteries.step_block(-own_net_w, None)
    position_w = np.maximum(own_net_w + battery_w, -community.export_limit_w)
    return position_w[:, others].sum(axis=1)
