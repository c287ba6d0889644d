"""A CSV file of ADC codes in, a checked recording out; wrong input is named by row and field."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hub.errors import BadInput

COLUMNS = ["t_us", "ch0", "ch1", "ch2"]
HIGHEST_CODE = 4095
REGULARITY = 0.25
"""How far one period may be from the mean, as a share of it (or 1 us: times are often rounded)."""
SLOWEST_HZ, FASTEST_HZ = 200, 166_666


@dataclass(frozen=True)
class Recording:
    """Simultaneous codes of three channels. `frames`: interleaved; `rate_mhz`: frames in 1000 s."""

    start_us: int
    rate_mhz: int
    frames: array[int]

    @property
    def samples(self) -> int:
        """Rows recorded."""
        return len(self.frames) // 3

    @property
    def duration_us(self) -> int:
        """Time the rows cover, one period for each."""
        return self.samples * 1_000_000_000 // self.rate_mhz


def read_recording(path: Path) -> Recording:
    """Read `path`. Raises BadInput with one sentence that names file, row and field."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            times, frames = _read_rows(path, csv.reader(file))
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise BadInput(f"{path}: not text in UTF-8 (byte {problem.start})") from problem
    except csv.Error as problem:
        raise BadInput(f"{path}: not CSV: {problem}") from problem
    rate_mhz = _rate_mhz(path, times)
    return Recording(round(times[0]), rate_mhz, frames)


def _read_rows(path: Path, rows: Iterator[list[str]]) -> tuple[list[float], array[int]]:
    """Return times in us and interleaved codes. The header is row 1."""
    header = next(rows, None)
    if header is None:
        raise BadInput(f"{path}: empty; the first row must be {','.join(COLUMNS)}")
    names = [name.strip() for name in header]
    if names != COLUMNS:
        raise BadInput(
            f"{path}, row 1: the header must be {','.join(COLUMNS)}, not {','.join(names)[:60]}"
        )
    times: list[float] = []
    frames = array("H")
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        if len(row) != len(COLUMNS):
            raise BadInput(f"{path}, row {number}: {len(row)} fields instead of {len(COLUMNS)}")
        times.append(_time(path, number, row[0]))
        if len(times) > 1 and times[-1] <= times[-2]:
            raise BadInput(
                f"{path}, row {number}, field t_us: {row[0]} does not come after {times[-2]:g}"
            )
        for name, text in zip(COLUMNS[1:], row[1:], strict=True):
            frames.append(_code(path, number, name, text))
    return times, frames


def _time(path: Path, number: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or not 0 <= value < 2**53:
        raise BadInput(f"{path}, row {number}, field t_us: {text!r} is not a time in us")
    return value


def _code(path: Path, number: int, name: str, text: str) -> int:
    digits = text.strip()
    # isdecimal alone would take digits of other scripts.
    if digits.isascii() and digits.isdecimal() and int(digits) <= HIGHEST_CODE:
        return int(digits)
    raise BadInput(
        f"{path}, row {number}, field {name}: {text!r} is not an ADC code from 0 to {HIGHEST_CODE}"
    )


def _rate_mhz(path: Path, times: list[float]) -> int:
    """Return the sample rate; raises BadInput where the rows are not evenly spaced."""
    if len(times) < 2:
        raise BadInput(f"{path}: {len(times)} rows of samples; at least 2 are needed")
    # The median: gaps must not hide in a mean.
    steps = sorted(later - earlier for earlier, later in zip(times, times[1:], strict=False))
    period_us = steps[len(steps) // 2]
    allowed_us = max(1.0, REGULARITY * period_us)
    for row, (earlier, later) in enumerate(zip(times, times[1:], strict=False), start=3):
        if abs(later - earlier - period_us) > allowed_us:
            raise BadInput(
                f"{path}, row {row}, field t_us: {later - earlier:.10g} us after the row before; "
                f"samples must be regular, here every {period_us:g} us"
            )
    rate_mhz = round((len(times) - 1) * 1e9 / (times[-1] - times[0]))
    if not SLOWEST_HZ * 1000 <= rate_mhz <= FASTEST_HZ * 1000:
        raise BadInput(
            f"{path}, field t_us: {rate_mhz / 1000:g} rows a second; the meter takes "
            f"{SLOWEST_HZ} to {FASTEST_HZ}"
        )
    return rate_mhz
