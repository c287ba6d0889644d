"""The bundled homes: home numbers and a clock enter, measured load and PV power leave.

The data are eight weeks of eight real homes (tools/bench/profiles, source and licence there),
hourly; a slot's power is its hour's mean power, so every hour keeps its energy. Any date is mapped
to the bundled week nearest in the year, same weekday.
"""

from __future__ import annotations

import csv
import datetime
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hub.sim.clock import Clock
from tools.bench.profile import PROFILES_DIR, nearest_week

HOMES = (1, 2, 4, 8, 9, 11, 13, 16)
WEEK_HOURS = 7 * 24

Values = npt.NDArray[np.float64]


@lru_cache(maxsize=1)
def mondays() -> tuple[datetime.date, ...]:
    """Return the Mondays of the bundled weeks, ascending."""
    starts = {one.date() for one in _read(HOMES[0])[0]}
    return tuple(
        sorted(day - datetime.timedelta(days=day.weekday()) for day in starts if day.weekday() == 0)
    )


@lru_cache(maxsize=1)
def hourly_w() -> dict[str, Values]:
    """Return `load_w` and `pv_w` of all homes, arrays of (hours, homes) in W, weeks in order."""
    loads, pvs = [], []
    for home in HOMES:
        _, load_wh, pv_wh = _read(home)
        loads.append(load_wh)
        pvs.append(pv_wh)
    return {"load_w": np.array(loads).T.copy(), "pv_w": np.array(pvs).T.copy()}


def _read(home: int) -> tuple[list[datetime.datetime], list[float], list[float]]:
    with (PROFILES_DIR / f"home-{home:02d}.csv").open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["start_local"])
    return (
        [datetime.datetime.fromisoformat(row["start_local"]) for row in rows],
        [float(row["load_wh"]) for row in rows],
        [float(row["pv_wh"]) for row in rows],
    )


def hours_of(clock: Clock) -> npt.NDArray[np.int64]:
    """Return the row of `hourly_w` that each slot of the clock falls in."""
    days, inverse = np.unique(clock.days, return_inverse=True)
    weeks = mondays()
    first_rows = []
    for number in days:
        day = datetime.date(1970, 1, 1) + datetime.timedelta(days=int(number))
        week = weeks.index(nearest_week(day, weeks))
        first_rows.append(week * WEEK_HOURS + day.weekday() * 24)
    return np.array(first_rows)[inverse] + clock.minutes_of_day // 60


def home_values(home: int, column: str, clock: Clock, peak_w: float | None = None) -> Values:
    """Return `load_w` or `pv_w` of a bundled home per slot, scaled to `peak_w` if given."""
    values = hourly_w()[column][:, HOMES.index(home)]
    scale = 1.0 if peak_w is None else peak_w / values.max()
    return values[hours_of(clock)] * scale
