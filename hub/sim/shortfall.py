"""Vehicles whose need cannot be met while they are at home: a scenario and its groups enter; what
each peer's lacks, and sentences that say so, leave.

Only whole stays count: of one that the run begins or ends in nobody knows the rest. Energies are at
the house's meter, charging losses included. A feeder that makes vehicles wait adds to this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hub.sim.assets import Vehicle
from hub.sim.charging import missing_wh
from hub.sim.clock import Clock
from hub.sim.house_load import without_vehicle_w
from hub.sim.population import Population
from hub.sim.scenario import Peer, Scenario

Values = npt.NDArray[np.float64]

HOURS_OF_DAY = 24
LEAST_WH = 1e-6
WH_PER_KWH = 1000.0


@dataclass(frozen=True)
class Shortfall:
    """`wh` of each peer, None where nobody has a vehicle."""

    wh: Values | None
    warnings: tuple[str, ...]


def shortfall(scenario: Scenario, populations: Sequence[Population]) -> Shortfall:
    """Return what the vehicles of peers and groups lack."""
    has_vehicles = any(peer.vehicle for peer in scenario.peers)
    has_vehicles |= any(one.extras.vehicles is not None for one in populations)
    if not has_vehicles:
        return Shortfall(None, ())
    of_peers = np.zeros(len(scenario.peers))
    warnings = []
    for place, peer in enumerate(scenario.peers):
        if peer.vehicle is None:
            continue
        lacks_wh = lacking_wh(peer.vehicle, scenario.clock, _room_w(peer, scenario.clock))
        of_peers[place] = lacks_wh.sum()
        if of_peers[place] > LEAST_WH:
            warnings.append(_of_peer(scenario, peer, lacks_wh))
    parts = [of_peers]
    for group, homes in zip(scenario.groups, populations, strict=True):
        lacks_wh = homes.lacking_wh()
        parts.append(lacks_wh)
        if lacks_wh.sum() > LEAST_WH:
            warnings.append(
                f"{scenario.path}, [[group]] {group.template.name}, vehicle: "
                f"{np.count_nonzero(lacks_wh > LEAST_WH)} of {homes.count} homes' vehicles leave "
                f"before they have need_wh; {lacks_wh.sum() / WH_PER_KWH:.2f} kWh are not served"
            )
    return Shortfall(np.concatenate(parts), tuple(warnings))


def lacking_wh(vehicle: Vehicle, clock: Clock, room_w: Values | float = np.inf) -> Values:
    """Return what each whole stay of the run lacks."""
    timing = clock.minutes_of_day, clock.slot_minutes
    stays, need_wh = vehicle.stays(*timing), vehicle.need_at_meter_wh
    if not stays.begins.size:  # comes and goes within a slot: no stay at all, a need each day
        return np.full(int(clock.slots * clock.slot_hours // HOURS_OF_DAY), need_wh)
    return missing_wh(stays, need_wh, vehicle.load_w(*timing, room_w), clock.slot_hours)


def _room_w(peer: Peer, clock: Clock) -> Values | float:
    """Return what the house's limit leaves for its vehicle."""
    if np.isinf(peer.load_max_w):
        return np.inf
    return peer.load_max_w - without_vehicle_w(peer, clock)


def _of_peer(scenario: Scenario, peer: Peer, lacks_wh: Values) -> str:
    vehicle = peer.vehicle
    assert vehicle is not None
    bounded = "" if np.isinf(peer.load_max_w) else f" within load_max_w {peer.load_max_w:g}"
    return (
        f"{scenario.path}, [[peer]] {peer.name}, vehicle: {np.count_nonzero(lacks_wh > LEAST_WH)} "
        f"of {len(lacks_wh)} stays are too short for need_wh {vehicle.need_wh:g} at charge_w "
        f"{vehicle.charge_w:g}{bounded}; {lacks_wh.sum() / WH_PER_KWH:.2f} kWh are not served"
    )
