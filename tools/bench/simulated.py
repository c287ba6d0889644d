"""Simulated prosumers on the bench: assets files that come, change and go; houses that follow them.

A house with assets forgets the home it replays: its load and generation are its devices', switched
from the page. Its board, its battery and its place on the bus stay what they are, so it meters,
trades and delivers like any other.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hub.errors import BadInput
from hub.sim.household import Household, read_household
from hub.simulated import assets_path, read_or, state_path, switches_path, write_whole
from hub.site_clock import wall_ms
from tools.bench.house import MODEL_SCALE, House
from tools.bench.panel import Panel
from tools.bench.profile import MAINS_FUSE_W

JOULES_PER_UWH = 3600e-6


class SimulatedHome:
    """A household in the place of a replayed home: `pv_w`, `load_w`, `base_w`, `peak_pv_w`."""

    def __init__(self, house: str, household: Household, today: datetime.date) -> None:
        self.household = household
        self._house, self._today = house, today
        self.is_on = {self.plug_of(one.name): one.is_on for one in household.devices}
        self.energy_j = dict.fromkeys(self.is_on, 0.0)
        self.has_pv = any(one.is_generator for one in household.devices)
        self._last_s: float | None = None

    def plug_of(self, device: str) -> str:
        """Return how page and switches name a device."""
        return f"{self._house}-{device.replace(' ', '-')}"

    def pv_w(self, local: datetime.datetime) -> float:
        """Return what its generators give now."""
        return self._sum_w(local, is_generator=True)

    def load_w(self, local: datetime.datetime) -> float:
        """Return what it takes now, at most what the bench's mains fuse lets through."""
        load_w = self.household.base_w(local) + self._sum_w(local, is_generator=False)
        return min(MAINS_FUSE_W, load_w)

    def base_w(self, local: datetime.datetime) -> float:
        """Return its load: nothing of it is behind the bench's own plug."""
        return self.load_w(local)

    def peak_pv_w(self) -> float:
        return self.household.peak_generation_w(self._today)

    def _sum_w(self, local: datetime.datetime, *, is_generator: bool) -> float:
        powers = self.household.powers_w(local)
        return sum(
            powers[one.name]
            for one in self.household.devices
            if one.is_generator == is_generator and self.is_on[self.plug_of(one.name)]
        )

    def take_switches(self, wanted: Mapping[str, Any]) -> None:
        """Turn on and off what somebody has switched."""
        for name, is_on in wanted.items():
            if name in self.is_on and isinstance(is_on, bool):
                self.is_on[name] = is_on

    def state(self, local: datetime.datetime, now_s: float) -> dict[str, Any]:
        """Count each device's energy up to now; return what it does."""
        powers = self.household.powers_w(local)
        passed_s = 0.0 if self._last_s is None else now_s - self._last_s
        self._last_s = now_s
        devices = []
        for device in self.household.devices:
            name = self.plug_of(device.name)
            power_w = powers[device.name] if self.is_on[name] else 0.0
            self.energy_j[name] += power_w * passed_s
            devices.append(
                {
                    "name": name,
                    "place": device.place,
                    "is_generator": device.is_generator,
                    "is_on": self.is_on[name],
                    "power_uw": round(power_w * 1e6),
                    "energy_uwh": round(self.energy_j[name] / JOULES_PER_UWH),
                }
            )
        return {"at_ms": wall_ms(), "devices": devices}


class Guests:
    """Looks for assets once a second; houses join and leave the running bench by them."""

    def __init__(
        self,
        houses: Mapping[str, House],
        boards_dir: Path,
        site_now: Callable[[], datetime.datetime],
        say: Callable[[str], None],
    ) -> None:
        self._houses, self._boards_dir = houses, boards_dir
        self._site_now, self._say = site_now, say
        self._replayed = {name: (house.profile, house.panel) for name, house in houses.items()}
        self._seen: dict[str, int] = {}

    def look(self, now_s: float) -> None:
        """Take what has changed, switch what was switched, write what each device does."""
        for name, house in self._houses.items():
            path = assets_path(self._boards_dir, name)
            self._follow(name, house, path)
            if isinstance(house.profile, SimulatedHome):
                house.profile.take_switches(read_or(switches_path(self._boards_dir, name), {}))
                write_whole(
                    state_path(self._boards_dir, name), house.profile.state(self._site_now(), now_s)
                )

    def _follow(self, name: str, house: House, path: Path) -> None:
        try:
            changed_ns = path.stat().st_mtime_ns
        except OSError:
            if name in self._seen:
                del self._seen[name]
                house.profile, house.panel = self._replayed[name]
                self._say(f"{name} is no longer simulated")
            return
        if self._seen.get(name) == changed_ns:
            return
        self._seen[name] = changed_ns
        try:
            household = read_household(path.resolve(), name)
        except BadInput as problem:
            self._say(f"{name} cannot be simulated: {problem}")
            return
        home = SimulatedHome(name, household, self._site_now().date())
        house.profile = home
        house.panel = Panel(home.peak_pv_w() / MODEL_SCALE)
        self._say(f"{name} is simulated: {', '.join(one.name for one in household.devices)}")
