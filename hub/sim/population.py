"""Many homes from few: a group and a clock enter, load and PV of any slots leave.

Homes are bundled ones or columns of the user's file. A stochastic home is one of these whose size,
timing and each hour's use vary at random. Every hour draws from a generator of its own (seed,
hour), so the values of a slot do not depend on which block of slots is asked for, and memory does
not grow with the length of the run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hub.sim import homes
from hub.sim.clock import Clock
from hub.sim.extras import Extras, owning, spread_about_one
from hub.sim.own_homes import OwnHomes
from hub.sim.scenario import Group

Values = npt.NDArray[np.float64]

SIZE_SPREAD = 0.25  # standard deviation of the logarithm of a home's annual use
PV_SPREAD = 0.25  # the same of its PV
NOISE = 0.35  # the same of one hour's use about the home's pattern
MAX_SHIFT_SLOTS = 4  # how far a home's habits lie from the measured home's, either way
MINUTES_OF_HOUR = 60


@dataclass(frozen=True)
class _Measured:
    """What homes are made of: a table (rows, columns) in W, the row of each slot, each home's
    column."""

    table_w: Values
    rows: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]

    def row_w(self, slot: int) -> Values:
        """Return a slot's value of every home."""
        return self.table_w[self.rows[slot]][self.column]


class Population:
    """The homes of one group."""

    def __init__(self, group: Group, clock: Clock) -> None:
        self.count = group.count
        self._seed, self._is_drawn = group.seed, group.is_drawn
        self._slots_of_hour = max(1, MINUTES_OF_HOUR // clock.slot_minutes)
        self._load, pv = _measured(group, clock)
        chance = np.random.default_rng([group.seed, 0])
        self._size = np.ones(group.count)
        self._shift = np.zeros(group.count, dtype=np.int64)
        pv_size = np.ones(group.count)
        if self._is_drawn:
            order = chance.permutation(group.count)
            self._load = replace(self._load, column=self._load.column[order])
            pv = replace(pv, column=pv.column[order])
            self._size = spread_about_one(chance, SIZE_SPREAD, group.count)
            pv_size = spread_about_one(chance, PV_SPREAD, group.count)
            self._shift = chance.integers(-MAX_SHIFT_SLOTS, MAX_SHIFT_SLOTS + 1, group.count)
        drawn = {"is_drawn": self._is_drawn}
        self.has_pv = owning(chance, group.count, group.prosumer_share, **drawn)
        self.has_battery = self.has_pv & owning(chance, group.count, group.battery_share, **drawn)
        if group.pv_peak_w is not None:
            peaks_w = pv.table_w.max(axis=0)[pv.column]
            pv_size = pv_size * np.divide(
                group.pv_peak_w, peaks_w, out=np.zeros(group.count), where=peaks_w > 0
            )
        self._pv = pv
        self._pv_size = np.where(self.has_pv, pv_size, 0.0)
        self._limits_w = group.template.load_min_w, group.template.load_max_w
        self.extras = Extras(group, clock)

    def block(self, start: int, stop: int) -> tuple[Values, Values]:
        """Return load and PV in W of slots [start, stop), arrays of (slots, homes)."""
        load_w, pv_w = self.measured(start, stop)
        self.extras.add(load_w, start, stop)
        if self._limits_w != (0.0, np.inf):
            np.clip(load_w, *self._limits_w, out=load_w)
        return load_w, pv_w

    def lacking_wh(self) -> Values:
        """Return what each home's vehicle lacks of its needs."""
        vehicles = self.extras.vehicles
        return np.zeros(self.count) if vehicles is None else vehicles.lacking_wh(self.count)

    def measured(self, start: int, stop: int) -> tuple[Values, Values]:
        """Return the same without vehicles and appliances, not kept within limits."""
        load_w = np.empty((stop - start, self.count))
        pv_w = np.empty((stop - start, self.count))
        hour, size = -1, self._size
        for place, slot in enumerate(range(start, stop)):
            if self._is_drawn and slot // self._slots_of_hour != hour:
                hour = slot // self._slots_of_hour
                size = self._size * self._noise(hour)
            load_w[place] = self._load_row(slot)
            load_w[place] *= size
            np.take(self._pv.table_w[self._pv.rows[slot]], self._pv.column, out=pv_w[place])
            pv_w[place] *= self._pv_size
        return load_w, pv_w

    def _load_row(self, slot: int) -> Values:
        load = self._load
        if not self._is_drawn:
            return load.row_w(slot)
        # Only 2 x MAX_SHIFT + 1 rows are in question: gather from that small table.
        slots = np.clip(
            np.arange(slot - MAX_SHIFT_SLOTS, slot + MAX_SHIFT_SLOTS + 1), 0, len(load.rows) - 1
        )
        near = load.table_w[load.rows[slots]]
        return near[self._shift + MAX_SHIFT_SLOTS, load.column]

    def _noise(self, hour: int) -> Values:
        chance = np.random.default_rng([self._seed, 1 + hour])
        noise = chance.standard_normal(self.count, dtype=np.float32)
        return np.exp(NOISE * noise - NOISE**2 / 2)


def _measured(group: Group, clock: Clock) -> tuple[_Measured, _Measured]:
    """Return what the homes' loads and PV are made of; homes take the columns in turn."""
    turn = np.arange(group.count)
    bundled = np.array([homes.HOMES.index(one) for one in group.homes or homes.HOMES])
    bundled = bundled[turn % len(bundled)]
    if not isinstance(group.source, OwnHomes):
        rows, tables = homes.hours_of(clock), homes.hourly_w()
        return _Measured(tables["load_w"], rows, bundled), _Measured(tables["pv_w"], rows, bundled)
    own, each_slot = group.source, np.arange(clock.slots)
    column = turn % len(own.columns)
    load = _Measured(own.loads_w(clock), each_slot, column)
    pvs_w = own.pvs_w(clock)
    if pvs_w is not None:
        return load, _Measured(pvs_w, each_slot, column)
    if group.pv_peak_w is not None:
        return load, _Measured(homes.hourly_w()["pv_w"], homes.hours_of(clock), bundled)
    return load, _Measured(np.zeros((1, 1)), np.zeros(clock.slots, np.int64), turn * 0)
