"""Vehicles and appliances of a group's homes: a group and a clock enter; which home has which, and
what they take in any block of slots, leave.

Each is drawn with the group's seed: who has one (a share of the homes, met exactly), when its home
arrives and leaves, what it needs, when an appliance runs. Times move by whole slots, so homes share
few timetables and memory does not grow with homes x slots.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hub.sim.assets import Appliance, Vehicle
from hub.sim.charging import stays_of
from hub.sim.clock import MINUTES_OF_DAY, Clock
from hub.sim.scenario import Group, GroupAppliance, GroupVehicle

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

DRAW = 1  # its own numbers, so that a group's loads are the same with and without vehicles
MOST_DEVIATIONS = 3.0
HOURS_OF_DAY = 24


class Extras:
    """What the homes of one group have besides."""

    def __init__(self, group: Group, clock: Clock) -> None:
        chance = np.random.default_rng([group.seed, 0, DRAW])
        self.vehicles = _Vehicles.of(group.vehicle, group.count, clock, chance)
        self.appliances = [
            _Appliances.of(one, group.count, clock, chance) for one in group.appliances
        ]

    def add(self, load_w: Values, start: int, stop: int) -> None:
        """Add what they take in slots [start, stop) to the homes' load, (slots, homes)."""
        if self.vehicles is not None:
            self.vehicles.add(load_w, start, stop)
        for one in self.appliances:
            load_w[:, one.owners] += one.power_w(start, stop)

    def vehicle_of(self, place: int) -> Vehicle | None:
        """Return a home's vehicle as a record."""
        return None if self.vehicles is None else self.vehicles.of_home(place)

    def appliances_of(self, place: int) -> tuple[Appliance, ...]:
        """Return a home's appliances as records."""
        found = (one.of_home(place) for one in self.appliances)
        return tuple(one for one in found if one is not None)


@dataclass(frozen=True)
class _Vehicles:
    """Vehicles of `owners`; `stay_slots`, (slots, timetables): how long a stay has lasted, -1 for
    away. Energies at the meter."""

    usual: Vehicle
    clock: Clock
    owners: Places
    arrival: Places
    departure: Places
    need_wh: Values
    timetable: Places
    stay_slots: npt.NDArray[np.int16]
    whole_stays: tuple[Places, ...]  # their lengths in slots, by timetable

    @classmethod
    def of(
        cls, spread: GroupVehicle | None, count: int, clock: Clock, chance: np.random.Generator
    ) -> _Vehicles | None:
        if spread is None:
            return None
        usual, slot = spread.vehicle, clock.slot_minutes
        owners = np.flatnonzero(owning(chance, count, spread.share))
        size = len(owners)
        later = _moved(chance, spread.arrival_spread_minutes, size, slot)
        longer = _moved(chance, spread.departure_spread_minutes, size, slot) - later
        stay = (usual.departure - usual.arrival) % MINUTES_OF_DAY or MINUTES_OF_DAY
        arrival = (usual.arrival + later) % MINUTES_OF_DAY
        departure = (arrival + np.clip(stay + longer, slot, MINUTES_OF_DAY)) % MINUTES_OF_DAY
        need_wh = usual.need_at_meter_wh * spread_about_one(chance, spread.need_spread, size)
        both = np.column_stack([arrival, departure]).reshape(size, 2)
        times, timetable = np.unique(both, axis=0, return_inverse=True)
        stay_slots = np.full((clock.slots, len(times)), -1, dtype=np.int16)
        whole = []
        for place, (comes, goes) in enumerate(times.tolist()):
            stays = stays_of(comes, goes, clock.minutes_of_day, slot)
            since = np.arange(clock.slots) - np.concatenate([[0], stays.begins])[stays.number]
            stay_slots[:, place] = np.where(stays.is_home, since, -1)
            whole.append((stays.ends - stays.begins + 1)[stays.is_whole])
            if not stays.begins.size:  # comes and goes within a slot
                whole[-1] = np.zeros(int(clock.slots * clock.slot_hours // HOURS_OF_DAY), np.int64)
        return cls(usual, clock, owners, arrival, departure, need_wh, timetable.ravel(),
                   stay_slots, tuple(whole))  # fmt: skip

    def add(self, load_w: Values, start: int, stop: int) -> None:
        passed = self.stay_slots[start:stop][:, self.timetable].astype(np.float64)
        step_wh = self.usual.charge_w * self.clock.slot_hours
        before_wh = np.minimum(passed * step_wh, self.need_wh)
        drawn_wh = np.minimum((passed + 1) * step_wh, self.need_wh) - before_wh
        load_w[:, self.owners] += np.where(passed < 0, 0.0, drawn_wh / self.clock.slot_hours)

    def lacking_wh(self, count: int) -> Values:
        """Return what each of the `count` homes' vehicles lacks of its needs, in whole stays."""
        found = np.zeros(count)
        step_wh = self.usual.charge_w * self.clock.slot_hours
        for place, lengths in enumerate(self.whole_stays):
            slots, times = np.unique(lengths, return_counts=True)
            of_it = self.timetable == place
            short_wh = np.maximum(self.need_wh[of_it][:, None] - slots * step_wh, 0.0)
            found[self.owners[of_it]] = short_wh @ times
        return found

    def of_home(self, place: int) -> Vehicle | None:
        at = int(np.searchsorted(self.owners, place))
        if at == len(self.owners) or self.owners[at] != place:
            return None
        need_wh = float(self.need_wh[at]) * self.usual.charge_efficiency
        return dataclasses.replace(
            self.usual,
            need_wh=need_wh,
            arrival=int(self.arrival[at]),
            departure=int(self.departure[at]),
        )


@dataclass(frozen=True)
class _Appliances:
    """One appliance of `owners`, each later by its own minutes; `ran`: (slots, distinct times)."""

    usual: Appliance
    owners: Places
    later: Places
    which: Places
    ran: npt.NDArray[np.float32]

    @classmethod
    def of(
        cls, spread: GroupAppliance, count: int, clock: Clock, chance: np.random.Generator
    ) -> _Appliances:
        usual, slot = spread.appliance, clock.slot_minutes
        owners = np.flatnonzero(owning(chance, count, spread.share))
        later = _moved(chance, spread.spread_minutes, len(owners), slot)
        times, which = np.unique(later, return_inverse=True)
        ran = np.empty((clock.slots, len(times)), dtype=np.float32)
        for place, minutes in enumerate(times.tolist()):
            moments = (clock.minutes_of_day - minutes) % MINUTES_OF_DAY
            ran[:, place] = usual.share_of_slots(moments, slot)
        return cls(usual, owners, later, which, ran)

    def power_w(self, start: int, stop: int) -> Values:
        """Return what each owner's takes, (slots, owners)."""
        shares = self.ran[start:stop][:, self.which].astype(np.float64)
        return shares * self.usual.power_w

    def of_home(self, place: int) -> Appliance | None:
        at = int(np.searchsorted(self.owners, place))
        if at == len(self.owners) or self.owners[at] != place:
            return None
        return dataclasses.replace(self.usual, runs=_later(self.usual.runs, int(self.later[at])))


def _later(runs: tuple[tuple[int, int], ...], minutes: int) -> tuple[tuple[int, int], ...]:
    """Return runs that begin and end later; what runs day and night does so still."""
    return tuple(
        (start, end)
        if end - start == MINUTES_OF_DAY
        else ((start + minutes) % MINUTES_OF_DAY, (end + minutes) % MINUTES_OF_DAY)
        for start, end in runs
    )


def owning(
    chance: np.random.Generator, count: int, share: float, *, is_drawn: bool = True
) -> npt.NDArray[np.bool_]:
    """Return who belongs to a share of the homes, met exactly; the first of them if not drawn."""
    chosen = np.arange(count) < round(share * count)
    return chance.permutation(chosen) if is_drawn else chosen


def spread_about_one(chance: np.random.Generator, deviation: float, count: int) -> Values:
    """Return log-normal factors whose mean is 1."""
    return np.exp(deviation * chance.standard_normal(count) - deviation**2 / 2)


def _moved(
    chance: np.random.Generator, deviation_minutes: float, count: int, slot_minutes: int
) -> Places:
    """Return normal deviations in whole slots, none beyond three standard deviations."""
    drawn = np.clip(chance.standard_normal(count), -MOST_DEVIATIONS, MOST_DEVIATIONS)
    return np.rint(drawn * deviation_minutes / slot_minutes).astype(np.int64) * slot_minutes
