"""Quantities over the slots: a number, a list, a daily table, a CSV column, a bundled home or a
clear sky enters; one value per slot leaves.
"""

from __future__ import annotations

import datetime
import zoneinfo
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.errors import BadInput
from hub.sim import columns, homes, sky
from hub.sim.clock import MINUTES_OF_DAY, Clock
from hub.sim.fields import Check, Field, integer, list_of, number, read_table, text, time_of_day

Values = npt.NDArray[np.float64]

CLOCK_CHANGE = (
    "give the scenario's timezone, or write the times in UTC or with their offset "
    "(2026-03-29T03:00+02:00)"
)


@dataclass(frozen=True)
class Series:
    """Where a quantity comes from: exactly one of the members is set. `where` is for messages."""

    where: str
    constant: float | None = None
    listed: tuple[float, ...] | None = None
    daily: tuple[tuple[int, float], ...] | None = None  # (minute of the day, value from then on)
    csv: tuple[Path, str] | None = None
    home: tuple[int, str, float | None] | None = None  # (home, "load_w" or "pv_w", peak in W)
    latitude_deg: float | None = None
    days: tuple[Series, ...] | None = None  # one a day of the run, then from the first again
    lowest: float = float("-inf")  # what the file's values must not be below

    def length(self) -> int | None:
        """Return the number of slots that the source has by itself, if it has one."""
        if self.csv is not None:
            return columns.read_length(*self.csv)
        return None

    def begins(self) -> datetime.datetime | None:
        """Return the first moment of the source, if it has a column of times."""
        found = None if self.csv is None else columns.read_moments(self.csv[0])
        return None if found is None else found[1][0]

    def values(self, clock: Clock) -> Values:
        """Return one value per slot. Raises BadInput where the source does not fit the clock."""
        if self.constant is not None:
            return np.full(clock.slots, self.constant)
        if self.listed is not None:
            return self._listed_values(clock)
        if self.daily is not None:
            starts = np.array([minute for minute, _ in self.daily])
            prices = np.array([value for _, value in self.daily])
            # Before the first start of the day the last one of the day before still holds.
            return prices[np.searchsorted(starts, clock.minutes_of_day, side="right") - 1]
        if self.home is not None:
            home, column, peak_w = self.home
            return homes.home_values(home, column, clock, peak_w)
        if self.latitude_deg is not None:
            return sky.clear_sky_w_per_m2(clock, self.latitude_deg)
        if self.days is not None:
            table = np.array([one.values(clock) for one in self.days])
            values: Values = table[self._turn(clock), np.arange(clock.slots)]
            return values
        assert self.csv is not None
        values = columns.read_column(*self.csv)
        first = _first_row(self.where, *self.csv, clock)
        values = values[first : first + clock.slots]
        self._check_lowest(values, clock)
        return values

    def place(self, clock: Clock, slot: int) -> str:
        """Return where the value of a slot stands, for messages: file, row and column of a CSV
        file, which of a list, or table and field."""
        if self.csv is not None:
            path, column = self.csv
            row = _first_row(self.where, path, column, clock) + slot + columns.FIRST_ROW
            return f"{path}, row {row}, {column} ({self.where})"
        if self.listed is not None:
            return f"{self.where} {self._place_in_list(clock)[slot] + 1}"
        if self.days is not None:
            return self.days[self._turn(clock)[slot]].place(clock, slot)
        return self.where

    def _turn(self, clock: Clock) -> npt.NDArray[np.int64]:
        """Return which of the days each slot has."""
        assert self.days is not None
        return (clock.days - clock.days[0]) % len(self.days)

    def _check_lowest(self, values: Values, clock: Clock) -> None:
        """Refuse a negative load, say; name the first row of the run that has one."""
        is_low = values < self.lowest
        if is_low.any():
            slot = int(np.argmax(is_low))
            fault = f"{values[slot]:g} is below {self.lowest:g}"
            raise BadInput(f"{self.place(clock, slot)}: {fault}")

    def _listed_values(self, clock: Clock) -> Values:
        assert self.listed is not None
        return np.array(self.listed)[self._place_in_list(clock)]

    def _place_in_list(self, clock: Clock) -> npt.NDArray[np.int64]:
        """Return which value of the list each slot has."""
        assert self.listed is not None
        length = len(self.listed)
        if length == clock.slots:
            return np.arange(clock.slots)
        if length in (24, MINUTES_OF_DAY // clock.slot_minutes):
            return clock.minutes_of_day * length // MINUTES_OF_DAY
        raise BadInput(
            f"{self.where}: has {length} values; give {clock.slots} (one a slot) or 24 "
            "(one an hour of the day)"
        )


def _first_row(where: str, path: Path, column: str, clock: Clock) -> int:
    length = columns.read_length(path, column)
    return first_row((where, path, column), clock, length, columns.read_moments(path))


def first_row(
    place: tuple[str, Path, str],
    clock: Clock,
    length: int,
    found: tuple[str, list[datetime.datetime]] | None,
) -> int:
    """Return which of a file's values, from 0, is the run's first; `place` is for messages, `found`
    the file's times. Raises BadInput for a file that does not fit the run."""
    where, path, column = place
    if found is not None and not _is_local_time(found[1], clock):
        columns.check_steps(path, *found, clock.slot_minutes, CLOCK_CHANGE)
    if length == clock.slots:
        if found is not None and _local(found[1][0], clock) != clock.start_local:
            raise BadInput(
                f"{path}, row {columns.FIRST_ROW}, {found[0]}: begins at {found[1][0]}, but the "
                f"scenario at {clock.start_local} ({where}); set [scenario] start, or cut the file"
            )
        return 0
    if length < clock.slots:
        raise BadInput(
            f"{path}, row {length + columns.FIRST_ROW}, {column}: ends after {length} "
            f"rows, but the scenario has {clock.slots} slots ({where})"
        )
    if found is not None:
        first = _row_of_start(found[1], clock)
        if first is not None and first + clock.slots <= length:
            return first
    raise BadInput(
        f"{path}, row {clock.slots + columns.FIRST_ROW}, {column}: has {length} rows, but the "
        f"scenario has {clock.slots} slots ({where}); cut it, set slots, or add a column of times"
    )


def _is_local_time(moments: list[datetime.datetime], clock: Clock) -> bool:
    """Tell whether the moments are the scenario's own local times, clock changes included."""
    if clock.zone is None or len(moments) != clock.slots or moments[0].tzinfo is not None:
        return False
    return np.array_equal(np.array(moments, dtype="datetime64[m]"), clock.local_times)


def _row_of_start(moments: list[datetime.datetime], clock: Clock) -> int | None:
    for row, moment in enumerate(moments):
        if _local(moment, clock) == clock.start_local:
            return row
    return None


def _local(moment: datetime.datetime, clock: Clock) -> datetime.datetime:
    """Return a file's moment as the scenario's local time; one without offset is that already."""
    if moment.tzinfo is not None and clock.zone is not None:
        moment = moment.astimezone(zoneinfo.ZoneInfo(clock.zone))
    return moment.replace(tzinfo=None)


def series(directory: Path, *, low: float = 0.0) -> Check:
    """Check a quantity over the slots; CSV paths are relative to `directory`."""

    def check(where: str, value: Any) -> Series:
        if isinstance(value, list):
            return _from_list(where, value, low)
        if not isinstance(value, dict):
            return Series(where, constant=number(low)(where, value))
        if "csv" in value:
            return _from_csv(where, value, directory, low)
        if "home" in value:
            return _from_home(where, value)
        if "clear_sky_latitude_deg" in value:
            read = read_table(where, value, {"clear_sky_latitude_deg": Field(number(-66, 66))})
            return Series(where, latitude_deg=read["clear_sky_latitude_deg"])
        return _from_times(where, value, low)

    return check


def price(directory: Path, *, low: float) -> Check:
    """Check a price over the slots: a quantity, or `{ days = [...] }`, a price for each day."""
    quantity = series(directory, low=low)

    def check(where: str, value: Any) -> Series:
        if not isinstance(value, dict) or "days" not in value:
            found: Series = quantity(where, value)
            return found
        days = read_table(where, value, {"days": Field(list_of(quantity))})["days"]
        if not days:
            raise BadInput(f"{where}, days: is an empty list; give a price for each day in turn")
        return Series(where, days=days)

    return check


def _from_list(where: str, value: list[Any], low: float) -> Series:
    if value and all(isinstance(one, dict) for one in value):
        fields = {
            "from": Field(time_of_day, is_required=True),
            "value": Field(number(low), is_required=True),
        }
        read = [
            read_table(f"{where} {place}", one, fields) for place, one in enumerate(value, start=1)
        ]
        return Series(where, daily=tuple(sorted((one["from"], one["value"]) for one in read)))
    return Series(
        where,
        listed=tuple(
            number(low)(f"{where} {place}", one) for place, one in enumerate(value, start=1)
        ),
    )


def _from_csv(where: str, value: dict[str, Any], directory: Path, low: float) -> Series:
    fields = {"csv": Field(text, is_required=True), "column": Field(text, is_required=True)}
    read = read_table(where, value, fields)
    return Series(where, csv=(directory / read["csv"], read["column"]), lowest=low)


def _from_home(where: str, value: dict[str, Any]) -> Series:
    fields = {
        "home": Field(integer(1, 99), is_required=True),
        "column": Field(text),
        "peak_w": Field(number(0)),
    }
    read = read_table(where, value, fields)
    if read["home"] not in homes.HOMES:
        known = ", ".join(map(str, homes.HOMES))
        raise BadInput(f"{where}: home {read['home']} is not bundled; bundled are {known}")
    column = read["column"] or ("pv_w" if where.endswith("pv_w") else "load_w")
    if column not in ("load_w", "pv_w"):
        raise BadInput(f"{where}: column must be load_w or pv_w, not {column!r}")
    return Series(where, home=(read["home"], column, read["peak_w"]))


def _from_times(where: str, value: dict[str, Any], low: float) -> Series:
    if not value:
        raise BadInput(f"{where}: is an empty table")
    for key in value:
        if ":" not in key:
            raise BadInput(
                f"{where}: unknown field {key!r}; give a number, a list, a daily table "
                '{"00:00" = 0.2, "07:00" = 0.3}, or {csv = "file.csv", column = "name"}; prices '
                "also {days = [...]}"
            )
    daily = sorted(
        (time_of_day(where, key), number(low)(f"{where}, {key}", one)) for key, one in value.items()
    )
    return Series(where, daily=tuple(daily))
