"""Reads many columns of a CSV file at once: a path and names enter; numbers and times leave.

Arrow reads a year of quarter-hours of hundreds of homes in a second or two. What it does not take,
or what is no finite number, is read again by `hub.sim.columns`, which says what is wrong where.
"""

from __future__ import annotations

import csv
import datetime
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from hub.errors import BadInput
from hub.sim import columns

Values = npt.NDArray[np.float64]
Moments = tuple[str, list[datetime.datetime]] | None
Version = tuple[int, int, int]


@dataclass(frozen=True)
class Wide:
    """Values, (rows, columns), and the file's times as of `hub.sim.columns.read_moments`."""

    values: Values
    moments: Moments


def read_wide(path: Path, names: tuple[str, ...]) -> Wide:
    """Return the columns of these names. Raises BadInput, naming file, row and column."""
    return _read_wide(path, names, columns.version_of(path))


def read_header(path: Path) -> tuple[tuple[str, ...], str | None]:
    """Return the names of all columns, and of the one that holds times."""
    header, first, _ = _beginning(path)
    return header, _time_column(header, first)


@lru_cache(maxsize=4)
def _read_wide(path: Path, names: tuple[str, ...], version: Version) -> Wide:
    header, first, separator = _beginning(path)
    time_name = _time_column(header, first)
    wanted = [*names, *([] if time_name is None else [time_name])]
    kinds = {name: pa.string() if name == time_name else pa.float64() for name in wanted}
    try:
        table = pa.csv.read_csv(
            path,
            pa.csv.ReadOptions(column_names=list(header), skip_rows=1, use_threads=False),
            pa.csv.ParseOptions(delimiter=separator, ignore_empty_lines=False),
            pa.csv.ConvertOptions(include_columns=wanted, column_types=kinds),
        )
        values = np.column_stack([table[name].to_numpy() for name in names])
        moments = None
        if time_name is not None:
            cells = table[time_name].to_pylist()
            moments = time_name, [datetime.datetime.fromisoformat(cell.strip()) for cell in cells]
    except (pa.ArrowInvalid, ValueError, AttributeError):
        return _row_by_row(path, names)
    is_sound = values.size > 0 and bool(np.isfinite(values).all())
    return Wide(values, moments) if is_sound else _row_by_row(path, names)


def _row_by_row(path: Path, names: tuple[str, ...]) -> Wide:
    values = [columns.read_column(path, name) for name in names]
    return Wide(np.column_stack(values), columns.read_moments(path))


def _beginning(path: Path) -> tuple[tuple[str, ...], list[str], str]:
    """Return the header, the first row (empty without one), and what separates cells."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            top = file.readline()
            separator = max(",;\t", key=top.count)
            rows = list(csv.reader([top, file.readline()], delimiter=separator))
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput(f"{path}: cannot be read: {problem}") from problem
    if not rows or not top.strip():
        raise BadInput(f"{path}: is empty")
    header = tuple(name.strip() for name in rows[0])
    return header, rows[1] if len(rows) > 1 else [], separator


def _time_column(header: tuple[str, ...], first: list[str]) -> str | None:
    found = (name for name, cell in zip(header, first, strict=False) if columns.moment_of(cell))
    return next(found, None)
