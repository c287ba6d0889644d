"""Schedules the optimal batteries: a community enters, their powers over the whole run leave.

With pooling all of them are scheduled against the community's one balance with the grid, else each
against its own house's. The horizon is the whole run, known in advance: a bound on what any real
controller can reach.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hub.sim.community import Community, Inputs, Tariff
from hub.sim.dispatch import Batteries
from hub.sim.optimal import Pool, schedule

Values = npt.NDArray[np.float64]


def planned_w(community: Community) -> Values | None:
    """Return battery powers in W (positive charging), (slots, peers); None without such peers."""
    storage = community.storage
    planned = np.flatnonzero(storage.is_optimal)
    if not planned.size:
        return None
    slots, hours = community.clock.slots, community.clock.slot_hours
    inputs = community.block(0, slots)
    battery_w = np.zeros((slots, community.size))
    for places in [planned] if community.market.pooling else planned[:, None]:
        net_w = inputs.load_w[:, places] - inputs.generation_w[:, places]
        pool = Pool(
            net_w.sum(axis=1) + _others_w(community, inputs, places),
            net_w,
            inputs.generation_w[:, places],
            community.export_limit_w[places],
            storage.of(places),
        )
        battery_w[:, places] = _schedule_merged(pool, community.tariff, hours)
    return battery_w


def _schedule_merged(pool: Pool, tariff: Tariff, hours: float) -> Values:
    """Schedule with batteries that are alike but for their size merged, which loses nothing.

    What one of them can do, scaled by its capacity, all of them together can; and the other way.
    """
    size = pool.storage.highest_wh
    _, first, kind = np.unique(_traits(pool), axis=0, return_index=True, return_inverse=True)
    if len(first) == len(size):
        return schedule(pool, tariff, hours)
    total = np.bincount(kind, size)
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
    return schedule(alone, tariff, hours)[:, kind] * (size / total[kind])


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


def _others_w(community: Community, inputs: Inputs, planned: npt.NDArray[np.int64]) -> Values:
    """Return the position of the peers without a schedule, who are in the pool all the same."""
    if not community.market.pooling:
        return np.zeros(community.clock.slots)
    others = np.ones(community.size, dtype=bool)
    others[planned] = False
    surplus_w = inputs.generation_w - inputs.load_w
    batteries = Batteries(community.storage, community.clock.slot_hours, is_trading=False)
    battery_w, _ = batteries.step_block(surplus_w, None)
    position_w = np.maximum(battery_w - surplus_w, -community.export_limit_w)
    return position_w[:, others].sum(axis=1)
