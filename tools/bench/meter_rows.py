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


def row_of(name: str, value: float, unit: str, baseline: float | None = None) -> Row:
    """Return a row, rounded. `baseline`: the bar, None where there is none."""
    ratio = round(value / baseline, 4) if baseline else None
    return Row(name, round(value, 4), unit, baseline, ratio)


def off_percent(value: float, true: float) -> float:
    """Return how far a value is off, in percent of the true one."""
    return abs(value / true - 1) * 100


def worst_of(boards: list[list[Row]]) -> list[Row]:
    """Return each row at the board where it is worst: the furthest from its baseline."""
    worst: dict[str, Row] = {}
    for rows in boards:
        for row in rows:
            known = worst.get(row.name)
            if known is None or _badness(row) > _badness(known):
                worst[row.name] = row
    return list(worst.values())


def _badness(row: Row) -> float:
    if row.unit == "%" or not row.ratio:
        return row.value
    return abs(row.ratio - 1)
