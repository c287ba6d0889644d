"""Schedules the optimal batteries: a community enters, their powers over the whole run leave.

With pooling all of them are scheduled against the community's one balance with the grid, else each
against its own house's. The horizon is the whole run, known in advance: a bound on what any real
controller can reach.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.sim.community import Community, Inputs
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
        battery_w[:, places] = schedule(pool, community.tariff, hours)
    return battery_w


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
