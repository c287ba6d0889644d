"""Many homes from the bundled ones: a group and a clock enter, load and PV of any slots leave.

A stochastic home is a bundled one whose size, timing and each hour's use vary at random. Every
hour draws from a generator of its own (seed, hour), so the values of a slot do not depend on which
block of slots is asked for, and memory does not grow with the length of the run.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.sim import homes
from hub.sim.clock import Clock
from hub.sim.scenario import Group

Values = npt.NDArray[np.float64]

SIZE_SPREAD = 0.25  # standard deviation of the logarithm of a home's annual use
PV_SPREAD = 0.25  # the same of its PV
NOISE = 0.35  # the same of one hour's use about the home's pattern
MAX_SHIFT_SLOTS = 4  # how far a home's habits lie from the measured home's, either way
MINUTES_OF_HOUR = 60


class Population:
    """The homes of one group."""

    def __init__(self, group: Group, clock: Clock) -> None:
        self.count = group.count
        self._seed = group.seed
        self._is_stochastic = group.source == "stochastic"
        self._rows = homes.hours_of(clock)
        self._slots_of_hour = max(1, MINUTES_OF_HOUR // clock.slot_minutes)
        known = group.homes or homes.HOMES
        bundled = np.array([homes.HOMES.index(one) for one in known])
        chance = np.random.default_rng([group.seed, 0])
        self._home = bundled[np.arange(group.count) % len(bundled)]
        self._size = np.ones(group.count)
        self._shift = np.zeros(group.count, dtype=np.int64)
        pv_size = np.ones(group.count)
        if self._is_stochastic:
            self._home = chance.permutation(self._home)
            self._size = _spread(chance, SIZE_SPREAD, group.count)
            pv_size = _spread(chance, PV_SPREAD, group.count)
            self._shift = chance.integers(-MAX_SHIFT_SLOTS, MAX_SHIFT_SLOTS + 1, group.count)
        self.has_pv = _first_share(chance, group.count, group.prosumer_share, self._is_stochastic)
        self.has_battery = self.has_pv & _first_share(
            chance, group.count, group.battery_share, self._is_stochastic
        )
        tables = homes.hourly_w()
        self._load_w = tables["load_w"]
        peaks_w = tables["pv_w"].max(axis=0)[self._home]
        if group.pv_peak_w is not None:
            pv_size = pv_size * group.pv_peak_w / peaks_w
        self._pv_size = np.where(self.has_pv, pv_size, 0.0)
        self._pv_w = tables["pv_w"]

    def block(self, start: int, stop: int) -> tuple[Values, Values]:
        """Return load and PV in W of slots [start, stop), arrays of (slots, homes)."""
        rows = self._rows[start:stop]
        load_w = np.empty((stop - start, self.count))
        pv_w = np.empty((stop - start, self.count))
        hour = -1
        for place, row in enumerate(rows):
            slot = start + place
            if self._is_stochastic and slot // self._slots_of_hour != hour:
                hour = slot // self._slots_of_hour
                size = self._size * self._noise(hour)
            elif not self._is_stochastic:
                size = self._size
            load_w[place] = self._load_row(slot, int(row))
            load_w[place] *= size
            np.take(self._pv_w[row], self._home, out=pv_w[place])
            pv_w[place] *= self._pv_size
        return load_w, pv_w

    def _load_row(self, slot: int, row: int) -> Values:
        if not self._is_stochastic:
            return self._load_w[row][self._home]
        # Only 2 x MAX_SHIFT + 1 rows are in question: gather from that small table.
        slots = np.clip(
            np.arange(slot - MAX_SHIFT_SLOTS, slot + MAX_SHIFT_SLOTS + 1), 0, len(self._rows) - 1
        )
        near = self._load_w[self._rows[slots]]
        return near[self._shift + MAX_SHIFT_SLOTS, self._home]

    def _noise(self, hour: int) -> Values:
        chance = np.random.default_rng([self._seed, 1 + hour])
        noise = chance.standard_normal(self.count, dtype=np.float32)
        return np.exp(NOISE * noise - NOISE**2 / 2)


def _spread(chance: np.random.Generator, deviation: float, count: int) -> Values:
    """Return log-normal factors whose mean is 1."""
    return np.exp(deviation * chance.standard_normal(count) - deviation**2 / 2)


def _first_share(
    chance: np.random.Generator, count: int, share: float, is_shuffled: bool
) -> npt.NDArray[np.bool_]:
    chosen = np.arange(count) < round(share * count)
    return chance.permutation(chosen) if is_shuffled else chosen
