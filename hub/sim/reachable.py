"""Why a schedule has no solution: a community and the owners of its batteries enter, a sentence
that names the peer and the field leaves.

A battery's bounds contradict each other only where it cannot charge as fast as it must: everything
else gives way (generation is curtailed, the grid takes and gives what is left). So the most that
each battery can hold, charging without pause, tells whose fault it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hub.errors import BadInput, TruequeError
from hub.sim.community import Community
from hub.sim.optimal import NoSchedule

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.integer[Any]]

TOLERANCE = 1e-9  # of the capacity
MOST_NAMES = 5


def explained(community: Community, planned: Places, problem: NoSchedule) -> TruequeError:
    """Return the error of what the scenario asks in vain, else the solver's with names; `planned`:
    who has a battery or a vehicle in this schedule."""
    owners = planned[community.storage.is_optimal[planned]]
    fault = _without_bound(community, owners) or _out_of_reach(community, owners)
    if fault is not None:
        return BadInput(fault)
    names = [community.names[place] for place in planned.tolist()]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return NoSchedule(f"{community.path}, {', '.join(names[:MOST_NAMES])}{more}: {problem}")


def _out_of_reach(community: Community, owners: Places) -> str | None:
    """Return the sentence of the first battery that is too slow for soc_min or final_soc."""
    own = community.storage.of(owners)
    slack_wh = TOLERANCE * own.highest_wh
    gained_wh = own.charge_limit_w * own.charge_efficiency * community.clock.slot_hours
    most_wh = own.initial_wh.copy()
    for slot in range(community.clock.slots):
        most_wh = np.minimum(own.highest_wh, most_wh * (1 - own.self_discharge) + gained_wh)
        is_short = most_wh < own.lowest_wh - slack_wh
        if is_short.any():
            place = int(np.argmax(is_short))
            return (
                f"{community.where(int(owners[place]))}, soc_min: cannot be kept in "
                f"{community.clock.label(slot)}: {_too_slow(community, int(owners[place]))}; lower "
                "soc_min (or preferences, reserve_soc)"
            )
    is_short = own.is_final_bounded & (most_wh < own.initial_wh - slack_wh)
    if not is_short.any():
        return None
    place = int(np.argmax(is_short))
    return (
        f"{community.where(int(owners[place]))}, final_soc: at_least_initial cannot be reached, at "
        f"most {most_wh[place]:.0f} of {own.initial_wh[place]:.0f} Wh: "
        f'{_too_slow(community, int(owners[place]))}; lower soc_initial, or set final_soc = "free"'
    )


def _too_slow(community: Community, place: int) -> str:
    storage = community.storage
    return (
        f"battery_charge_w {storage.charge_limit_w[place]:g} is less than self_discharge "
        f"{storage.self_discharge[place]:g} loses in each slot; raise the one or lower the other"
    )


def _without_bound(community: Community, owners: Places) -> str | None:
    """Return the sentence of a battery that would waste energy without end to earn by it."""
    below = np.flatnonzero(community.tariff.retail < 0)
    own = community.storage.of(owners)
    wastes = own.charge_efficiency * own.discharge_efficiency < 1
    endless = wastes & np.isinf(own.charge_limit_w) & np.isinf(own.discharge_limit_w)
    if not below.size or not endless.any():
        return None
    place = int(owners[int(np.argmax(endless))])
    return (
        f"{community.where(place)}, battery_charge_w and battery_discharge_w: set a limit, because "
        f"the retail price is below zero in {community.clock.label(int(below[0]))}: charging and "
        "discharging at once would earn by its losses without bound"
    )
