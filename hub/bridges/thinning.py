"""Readings in, one for each period out: services that count messages want no reading a second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def thin(
    readings: Sequence[dict[str, Any]], period_ms: int, last_at_ms: int, most: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Return (the last reading of each whole period, the seq up to which all is dealt with).

    `readings` come in the order of their numbers. A period is whole when a reading of a later one
    is there. Periods up to the one of `last_at_ms`, which was sent before, are passed over. At
    most `most` are returned; the seq is None when nothing is whole yet.
    """
    kept: list[dict[str, Any]] = []
    done_seq: int | None = None
    newest = last_at_ms // period_ms
    for reading, following in zip(readings, readings[1:], strict=False):
        period = reading["received_at_ms"] // period_ms
        if following["received_at_ms"] // period_ms == period:
            continue
        if period > newest:
            if len(kept) == most:
                break
            kept.append(reading)
            newest = period
        done_seq = reading["seq"]
    return kept, done_seq
