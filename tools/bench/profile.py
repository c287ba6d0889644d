"""Turns a local date and time into a home's PV and load power, from the bundled hourly profiles."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Sequence
from pathlib import Path

PROFILES_DIR = Path(__file__).parent / "profiles"
PROSUMER_HOMES = (9, 16, 8, 2)
CONSUMER_HOMES = (11, 13, 4, 1)
DEFAULT_START = datetime.datetime(2017, 3, 28, 10, 15)
"""A sunny spring Tuesday: every prosumer home has surplus from 8:00 to 17:00."""
MAINS_FUSE_W = 2300.0
"""The bench's mains supply is fused at 10 A, 230 V; load above is shed."""
WEEK_HOURS = 7 * 24
YEAR_DAYS = 365.25


class HomeProfile:
    """One home's hourly energies, read as power that keeps each hour's energy.

    `scale` multiplies both quantities, so that more houses than homes are not copies.
    """

    def __init__(
        self,
        weeks: dict[datetime.date, tuple[Sequence[float], Sequence[float]]],
        *,
        has_pv: bool,
        scale: float = 1.0,
    ) -> None:
        self._mondays = sorted(weeks)
        self._weeks = weeks
        self.has_pv = has_pv
        self._scale = scale

    def pv_w(self, local: datetime.datetime) -> float:
        """Return the PV power of the home in W (0 without PV)."""
        return self._power_w(local, 1) if self.has_pv else 0.0

    def load_w(self, local: datetime.datetime) -> float:
        """Return the load of the home in W, at most what the bench's mains fuse lets through."""
        return min(MAINS_FUSE_W, self._power_w(local, 0))

    def base_w(self, local: datetime.datetime) -> float:
        """Return the load in W that is always there: that of the week's lowest hour."""
        loads = self._weeks[nearest_week(local.date(), self._mondays)][0]
        return self._scale * min(loads)

    def peak_pv_w(self) -> float:
        """Return the largest hourly PV power in W (0 without PV)."""
        if not self.has_pv:
            return 0.0
        return self._scale * max(max(week[1]) for week in self._weeks.values())

    def _power_w(self, local: datetime.datetime, column: int) -> float:
        hours = self._weeks[nearest_week(local.date(), self._mondays)][column]
        hour = local.weekday() * 24 + local.hour
        fraction = (local.minute * 60 + local.second + local.microsecond / 1e6) / 3600
        before, here, after = (hours[(hour + step) % WEEK_HOURS] for step in (-1, 0, 1))
        return self._scale * power_within_hour(before, here, after, fraction)


def power_within_hour(before_wh: float, here_wh: float, after_wh: float, fraction: float) -> float:
    """Return the power in W at `fraction` of an hour from its energy and its neighbours' in Wh.

    Two straight halves whose mean is the hour's energy, continuous with the neighbours' and never
    negative: the value at each edge is the mean of the two hours, but at most twice the lesser.
    """
    left = min((before_wh + here_wh) / 2, 2 * min(before_wh, here_wh))
    right = min((here_wh + after_wh) / 2, 2 * min(here_wh, after_wh))
    middle = 2 * here_wh - (left + right) / 2
    if fraction < 0.5:
        return left + (middle - left) * 2 * fraction
    return middle + (right - middle) * (2 * fraction - 1)


def nearest_week(day: datetime.date, mondays: Sequence[datetime.date]) -> datetime.date:
    """Return the Monday of the bundled week nearest to `day` in the year, whatever the year."""

    def distance(monday: datetime.date) -> float:
        middle = monday + datetime.timedelta(days=3)
        days = abs(day.timetuple().tm_yday - middle.timetuple().tm_yday)
        return min(days, YEAR_DAYS - days)

    return min(mondays, key=distance)


def load_home(home: int, *, has_pv: bool, scale: float = 1.0) -> HomeProfile:
    """Read one bundled home. Raises FileNotFoundError for a home that is not bundled."""
    weeks: dict[datetime.date, tuple[list[float], list[float]]] = {}
    with (PROFILES_DIR / f"home-{home:02d}.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            day = datetime.datetime.fromisoformat(row["start_local"]).date()
            monday = day - datetime.timedelta(days=day.weekday())
            loads, pvs = weeks.setdefault(monday, ([], []))
            loads.append(float(row["load_wh"]))
            pvs.append(float(row["pv_wh"]))
    return HomeProfile(dict(weeks), has_pv=has_pv, scale=scale)


def profile_of_house(number: int) -> HomeProfile:
    """Return the profile of house `number` (from 1): odd ones are prosumers, even ones consumers.

    From the ninth house on homes repeat, 7 % smaller at each round.
    """
    is_prosumer = number % 2 == 1
    homes = PROSUMER_HOMES if is_prosumer else CONSUMER_HOMES
    place, scale = divmod((number - 1) // 2, len(homes))[::-1]
    return load_home(homes[place], has_pv=is_prosumer, scale=0.93**scale)
