"""What a house takes: a peer and a clock enter; its load with its appliances, and with its vehicle
unless that is scheduled, leave in W per slot.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.sim.clock import Clock
from hub.sim.scenario import Peer

Values = npt.NDArray[np.float64]


def load_w(peer: Peer, clock: Clock) -> Values:
    """Return the load, kept within the house's limits; a vehicle takes what these leave for it."""
    found = without_vehicle_w(peer, clock)
    if peer.vehicle is not None and peer.strategy != "optimal":
        room_w = peer.load_max_w - found
        found = found + peer.vehicle.load_w(clock.minutes_of_day, clock.slot_minutes, room_w)
    return np.clip(found, peer.load_min_w, peer.load_max_w)


def without_vehicle_w(peer: Peer, clock: Clock) -> Values:
    """Return the load of a house and its appliances, not yet kept within its limits."""
    found = peer.load_w.values(clock)
    for appliance in peer.appliances:
        ran = appliance.share_of_slots(clock.minutes_of_day, clock.slot_minutes)
        found = found + appliance.power_w * ran
    return found
