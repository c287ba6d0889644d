"""Reads a column of a CSV file: path and column name enter, checked numbers leave.

Comma, semicolon or tab separate. A gap, a word, NaN, an infinite number, a repeated or missing
moment, and a clock change are refused with file, row (the header is row 1) and column.
"""

from __future__ import annotations

import csv
import datetime
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hub.errors import BadInput
from hub.sim.fields import nearest

FIRST_ROW = 2


@dataclass(frozen=True)
class Table:
    """A CSV file's header and rows, as text; rows have as many cells as the header."""

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def read_csv(path: Path) -> Table:
    """Read a CSV file with a header. Raises BadInput for an unreadable or ragged one."""
    return _read_csv(path, version_of(path))


def version_of(path: Path) -> tuple[int, int, int]:
    """Return what changes when somebody writes the file anew. Raises BadInput without a file."""
    try:
        state = path.stat()
    except OSError as problem:
        raise BadInput(f"{path}: cannot be read: {problem}") from problem
    return state.st_mtime_ns, state.st_size, state.st_ino


@lru_cache(maxsize=16)
def _read_csv(path: Path, version: tuple[int, int, int]) -> Table:
    """Read it once for all its columns; `version` changes when somebody writes it anew."""
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput(f"{path}: cannot be read: {problem}") from problem
    lines = content.splitlines()
    if not lines:
        raise BadInput(f"{path}: is empty")
    separator = max(",;\t", key=lines[0].count)
    rows = list(csv.reader(lines, delimiter=separator))
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    header = tuple(name.strip() for name in rows[0])
    for row_number, row in enumerate(rows[1:], start=FIRST_ROW):
        if not row:
            raise BadInput(f"{path}, row {row_number}: is empty (a gap); fill it or cut the series")
        if len(row) != len(header):
            raise BadInput(
                f"{path}, row {row_number}: {len(row)} cells, but the header has {len(header)}"
            )
    return Table(path, header, tuple(tuple(row) for row in rows[1:]))


def read_column(path: Path, column: str) -> npt.NDArray[np.float64]:
    """Return the numbers of `column`."""
    table = read_csv(path)
    if column not in table.header:
        raise BadInput(f"{path}: has no column {column!r}{nearest(column, table.header)}")
    place = table.header.index(column)
    values = np.empty(read_length(path, column))
    for row_number, row in enumerate(table.rows, start=FIRST_ROW):
        values[row_number - FIRST_ROW] = _number(f"{path}, row {row_number}, {column}", row[place])
    return values


def _number(where: str, cell: str) -> float:
    cell = cell.strip()
    if not cell:
        raise BadInput(f"{where}: is empty (a gap); fill it or cut the series")
    try:
        value = float(cell)
    except ValueError:
        hint = "; use a point, not a comma, for decimals" if "," in cell else ""
        raise BadInput(f"{where}: {cell!r} is not a number{hint}") from None
    if not math.isfinite(value):
        raise BadInput(f"{where}: {cell!r} is not a finite number")
    return value


def read_length(path: Path, column: str) -> int:
    """Return the number of rows, without the header. Raises BadInput for a file without any."""
    rows = read_csv(path).rows
    if not rows:
        raise BadInput(f"{path}, row {FIRST_ROW}, {column}: the file has a header and no rows")
    return len(rows)


def read_moments(path: Path) -> tuple[str, list[datetime.datetime]] | None:
    """Return name and moments of the first column that holds dates with times, if there is one."""
    return _read_moments(path, version_of(path))


@lru_cache(maxsize=16)
def _read_moments(
    path: Path, version: tuple[int, int, int]
) -> tuple[str, list[datetime.datetime]] | None:
    """Read them once for all the file's columns."""
    table = read_csv(path)
    if not table.rows:
        return None
    for place, name in enumerate(table.header):
        if moment_of(table.rows[0][place]) is None:
            continue
        moments = []
        for row_number, row in enumerate(table.rows, start=FIRST_ROW):
            moment = moment_of(row[place])
            if moment is None:
                raise BadInput(f"{path}, row {row_number}, {name}: {row[place]!r} is not a time")
            moments.append(moment)
        return name, moments
    return None


def moment_of(cell: str) -> datetime.datetime | None:
    """Return a cell's date with time, None for anything else."""
    cell = cell.strip()
    if len(cell) < len("2020-01-01T00"):
        return None
    try:
        return datetime.datetime.fromisoformat(cell)
    except ValueError:
        return None


def check_steps(
    path: Path,
    name: str,
    moments: list[datetime.datetime],
    step_minutes: int,
    remedy: str = "write the times in UTC or with their offset (2026-03-29T03:00+02:00)",
) -> None:
    """Refuse moments that do not advance by `step_minutes` each row.

    `remedy`: of a clock change.
    """
    expected = datetime.timedelta(minutes=step_minutes)
    for place in range(1, len(moments)):
        try:
            step = moments[place] - moments[place - 1]
        except TypeError:
            raise BadInput(
                f"{path}, row {place + FIRST_ROW}, {name}: times with and without a zone are mixed"
            ) from None
        if step == expected:
            continue
        where = f"{path}, row {place + FIRST_ROW}, {name}: {moments[place].isoformat()}"
        raise BadInput(f"{where} {_step_fault(step, expected, remedy)}")


def _step_fault(step: datetime.timedelta, expected: datetime.timedelta, remedy: str) -> str:
    hour = datetime.timedelta(hours=1)
    minutes = int(expected.total_seconds() // 60)
    if step in (expected + hour, expected - hour):
        return f"does not follow the row above it: a clock change or missing rows; {remedy}"
    if step <= datetime.timedelta():
        return "repeats or goes back before the row above it"
    if step % expected == datetime.timedelta():
        return f"follows a gap: {step // expected - 1} rows of {minutes} minutes are missing"
    return f"comes {step} after the row above it, not {minutes} minutes (slot_minutes)"
