"""Homes of a group from the user's own CSV file: which columns enter; load and PV of a run leave,
one column a home.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.errors import BadInput
from hub.sim import columns, wide
from hub.sim.clock import Clock
from hub.sim.fields import Check, Field, choice, flag, nearest, read_table, text
from hub.sim.series import first_row

Values = npt.NDArray[np.float64]

ALL = "all"
BUNDLED = ("homes", "stochastic")


@dataclass(frozen=True)
class OwnHomes:
    """Columns of `path`, a home each, and of `pv_path` as many of PV, or none; `where` is for
    messages. `is_varied`: as the bundled homes of a stochastic group, in size, time and hour."""

    where: str
    path: Path
    columns: tuple[str, ...]
    pv_path: Path
    pv_columns: tuple[str, ...] = ()
    is_varied: bool = False

    def length(self) -> int:
        """Return the number of slots that the file has."""
        return len(wide.read_wide(self.path, self.columns).values)

    def begins(self) -> datetime.datetime | None:
        """Return the file's first moment, if it has a column of times."""
        moments = wide.read_wide(self.path, self.columns).moments
        return None if moments is None else moments[1][0]

    def loads_w(self, clock: Clock) -> Values:
        """Return (slots, columns). Raises BadInput, naming row and column."""
        return self._values(self.path, self.columns, clock)

    def pvs_w(self, clock: Clock) -> Values | None:
        """Return (slots, columns), None without any."""
        return self._values(self.pv_path, self.pv_columns, clock) if self.pv_columns else None

    def place(self, clock: Clock, slot: int, number: int, *, is_pv: bool = False) -> str:
        """Return where a home's value in a slot stands: file, row and column."""
        path, names = (self.pv_path, self.pv_columns) if is_pv else (self.path, self.columns)
        row = self._first_row(path, names, clock) + slot + columns.FIRST_ROW
        return f"{path}, row {row}, {names[number]} ({self.where})"

    def _first_row(self, path: Path, names: tuple[str, ...], clock: Clock) -> int:
        found = wide.read_wide(path, names)
        return first_row((self.where, path, names[0]), clock, len(found.values), found.moments)

    def _values(self, path: Path, names: tuple[str, ...], clock: Clock) -> Values:
        first = self._first_row(path, names, clock)
        values = wide.read_wide(path, names).values[first : first + clock.slots]
        if (values < 0).any():
            slot, number = (int(one) for one in np.argwhere(values < 0)[0])
            place = self.place(clock, slot, number, is_pv=path == self.pv_path and bool(
                self.pv_columns) and names == self.pv_columns)  # fmt: skip
            raise BadInput(f"{place}: {values[slot, number]:g} is below 0")
        return values


def source(directory: Path) -> Check:
    """Check where a group's homes come from: a word, or a table that names a CSV file."""
    fields = {
        "csv": Field(text, is_required=True),
        "columns": Field(_names, ALL),
        "pv_csv": Field(text),
        "pv_columns": Field(_names),
        "is_varied": Field(flag, False),
    }

    def check(where: str, value: Any) -> str | OwnHomes:
        if not isinstance(value, dict):
            return str(choice(*BUNDLED)(where, value))
        return _own_homes(where, read_table(where, value, fields), directory)

    return check


def _names(where: str, value: Any) -> str | tuple[str, ...]:
    if value == ALL:
        return ALL
    if not isinstance(value, list) or not value:
        raise BadInput(f'{where}: must be "all" or a list of columns, not {value!r}')
    return tuple(text(f"{where} {place}", one) for place, one in enumerate(value, start=1))


def _own_homes(where: str, values: dict[str, Any], directory: Path) -> OwnHomes:
    path = directory / values["csv"]
    pv_path = directory / values["pv_csv"] if values["pv_csv"] else path
    wanted_pv = values["pv_columns"] or (ALL if values["pv_csv"] else ())
    if wanted_pv == ALL and pv_path == path:
        raise BadInput(f"{where}, pv_columns: name them, because loads are in the same file")
    pv_names = _columns(f"{where}, pv_columns", pv_path, wanted_pv, ())
    taken = pv_names if pv_path == path else ()
    names = _columns(f"{where}, columns", path, values["columns"], taken)
    if pv_names and len(pv_names) != len(names):
        raise BadInput(
            f"{where}, pv_columns: {len(pv_names)} columns of PV for {len(names)} of load; give "
            "one each, in the same order"
        )
    return OwnHomes(where, path, names, pv_path, pv_names, values["is_varied"])


def _columns(
    where: str, path: Path, wanted: str | tuple[str, ...], taken: tuple[str, ...]
) -> tuple[str, ...]:
    header, time_name = wide.read_header(path)
    if wanted == ALL:
        wanted = tuple(name for name in header if name != time_name and name not in taken)
        if not wanted:
            raise BadInput(f"{where}: {path} has no column of numbers")
    for name in wanted:
        if name not in header:
            raise BadInput(f"{where}: {path} has no column {name!r}{nearest(name, header)}")
    if len(set(wanted)) != len(wanted):
        raise BadInput(f"{where}: names a column twice")
    return tuple(wanted)
