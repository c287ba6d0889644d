"""One house by its devices: a file of assets enters; each device's power at any local time leaves.

The file is a `[peer]` of a scenario with its `[weather]` (docs/scenario.md). Every appliance,
generator and vehicle is a device of its own, metered singly and switched on and off; what else the
house uses is its base load.
"""

from __future__ import annotations

import dataclasses
import datetime
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hub.errors import BadInput
from hub.sim.clock import Clock
from hub.sim.community import pv_power_w
from hub.sim.fields import nearest
from hub.sim.plausible import magnitude_warnings
from hub.sim.reading import read_raw, scenario_of
from hub.sim.scenario import Peer, Scenario

Values = npt.NDArray[np.float64]

SLOT_MINUTES = 5  # kettles boil for five minutes
SLOTS = 24 * 60 // SLOT_MINUTES
KNOWN = ("peer", "weather")


@dataclass(frozen=True)
class Device:
    """What can be switched: generators give, the others take. `is_on`: as the file has it."""

    name: str
    place: str
    is_generator: bool
    is_on: bool = True


class Household:
    """A house's devices and their powers; days are computed once each."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.peer: Peer = scenario.peers[0]
        self.devices = _devices(self.peer)

    def powers_w(self, local: datetime.datetime) -> dict[str, float]:
        """Return each device's power in W while it is on, at a local time."""
        table = self._day(local.date())
        slot = (local.hour * 60 + local.minute) // SLOT_MINUTES
        return {name: float(values[slot]) for name, values in table.items() if name}

    def base_w(self, local: datetime.datetime) -> float:
        """Return the load that is no device's."""
        slot = (local.hour * 60 + local.minute) // SLOT_MINUTES
        return float(self._day(local.date())[""][slot])

    def warnings(self) -> list[str]:
        """Return what of the file is of an unlikely magnitude."""
        return magnitude_warnings(self._scenario)

    def peak_generation_w(self, around: datetime.date) -> float:
        """Return the most that its generators give together in a week from a day on."""
        generators = [one.name for one in self.devices if one.is_generator]
        if not generators:
            return 0.0
        days = [self._day(around + datetime.timedelta(days=number)) for number in range(7)]
        return max(float(np.sum([day[one] for one in generators], axis=0).max()) for day in days)

    @lru_cache(maxsize=16)  # noqa: B019  # as long as its house stands
    def _day(self, date: datetime.date) -> dict[str, Values]:
        """Return each device's power in every slot of a day; the base load under no name."""
        clock = Clock(datetime.datetime.combine(date, datetime.time()), SLOT_MINUTES, SLOTS)
        scenario = dataclasses.replace(self._scenario, clock=clock)
        peer, weather, minutes = self.peer, scenario.weather, clock.minutes_of_day
        found = {"": peer.load_w.values(clock)}
        for device, appliance in zip(self.devices, peer.appliances, strict=False):
            switched_on = dataclasses.replace(appliance, is_on=True)
            ran = switched_on.share_of_slots(minutes, SLOT_MINUTES)
            found[device.name] = appliance.power_w * ran
        if peer.vehicle is not None:
            found["vehicle"] = peer.vehicle.load_w(minutes, SLOT_MINUTES)
        ghi, wind = weather.ghi_w_per_m2, weather.wind_m_per_s
        if "pv" in {one.name for one in self.devices}:
            sky = ghi.values(clock) if ghi else np.zeros(SLOTS)
            found["pv"] = pv_power_w(peer, scenario, sky)
        if peer.wind is not None:
            speed = wind.values(clock) if wind else np.zeros(SLOTS)
            found["wind"] = dataclasses.replace(peer.wind, is_on=True).power_w(speed)
        if peer.hydro_w is not None:
            found["hydro"] = peer.hydro_w.values(clock)
        return found


def read_household(path: Path, name: str) -> Household:
    """Read a house's assets. Raises BadInput naming file and field."""
    raw = read_raw(path)
    for table in raw:
        if table not in KNOWN:
            raise BadInput(f"{path}: unknown table {table!r}{nearest(table, KNOWN)}")
    peer = raw.get("peer")
    if not isinstance(peer, dict):
        raise BadInput(f"{path}: the table [peer] is missing (one house, one pair of brackets)")
    scenario = scenario_of(
        {
            "scenario": {"slot_minutes": SLOT_MINUTES, "slots": SLOTS},
            "tariffs": {"retail_eur_per_kwh": 1},
            "weather": raw.get("weather", {}),
            "peer": [{**peer, "name": name}],
        },
        path,
    )
    found = Household(scenario)
    found.powers_w(datetime.datetime(2017, 6, 5))  # refuses series that do not fit a day
    return found


def _devices(peer: Peer) -> tuple[Device, ...]:
    names: set[str] = set()
    found = []
    for appliance in peer.appliances:
        name, number = appliance.name, 2
        while name in names:
            name, number = f"{appliance.name}-{number}", number + 1
        names.add(name)
        found.append(Device(name, appliance.place, False, appliance.is_on))
    if peer.vehicle is not None:
        found.append(Device("vehicle", "garage", False))
    if peer.pv_area_m2 > 0 or peer.pv_w is not None or peer.pv_roof is not None:
        found.append(Device("pv", "roof", True, peer.pv_is_on))
    if peer.wind is not None:
        found.append(Device("wind", "garden", True, peer.wind.is_on))
    if peer.hydro_w is not None:
        found.append(Device("hydro", "stream", True, peer.hydro_is_on))
    return tuple(found)
