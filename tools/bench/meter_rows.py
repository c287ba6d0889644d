"""One measured value of `trueque bench meter`, beside the bar it must pass."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measured value; `ratio` = value / baseline, both None without a baseline."""

    name: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None


def row_of(name: str, value: float, unit: str, baseline: float | None) -> Row:
    """Return a row, rounded. `baseline`: the bar, None where there is none."""
    ratio = round(value / baseline, 4) if baseline else None
    return Row(name, round(value, 4), unit, baseline, ratio)
