"""A node's readings in the store enter; what each boot of it told of a span of time leaves."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

from wire import records
from wire.digests import REGISTERS as SENT_REGISTERS

REGISTERS = tuple(SENT_REGISTERS)
MEANS = tuple(records.MEANS)
QUARANTINE = "quarantine"  # in hub_state: written by hub/honesty
_FLAGS = " + ".join(f"max(quality_flags & {bit})" for bit in records.QUALITY.values())
_OF_BOOTS = f"""
    SELECT boot_id, min(received_at_ms) AS since_ms, count(*) AS n, {_FLAGS} AS quality_flags,
           {", ".join(f"min({name}) AS first_{name}, max({name}) AS {name}" for name in REGISTERS)},
           {", ".join(f"CAST(sum({name}) AS BIGINT) AS sum_{name}" for name in MEANS)},
           {", ".join(f"count({name}) AS n_{name}" for name in MEANS)}
      FROM readings WHERE node = ? AND received_at_ms >= ? AND received_at_ms < ?
     GROUP BY boot_id ORDER BY since_ms
"""
BEFORE = (
    "SELECT * FROM periods WHERE node = ? AND length_s = 60 AND start_ms < ?"
    " ORDER BY start_ms DESC LIMIT 1"
)
_LAST_READING = (
    "SELECT max(received_at_ms) AS at_ms FROM readings WHERE node = ? AND received_at_ms < ?"
)

Ask = Callable[[str, tuple[Any, ...]], list[Any]]


def boots_between(ask: Ask, node: str, start_ms: int, end_ms: int) -> list[dict[str, Any]]:
    """Return what was heard of each boot in [start, end), anew after each end of a quarantine."""
    found: list[dict[str, Any]] = []
    asked = ask("SELECT value FROM hub_state WHERE name = ?", (QUARANTINE,))
    rows = json.loads(asked[0]["value"]) if asked else []
    last_ms = 0 if not rows else _known_until(ask, node, start_ms)
    released = [row["released_ms"] for row in rows if row["node"] == node and row["released_ms"]]
    # One that ended while nothing was heard counts for the first reading after it.
    cuts = sorted({max(one, start_ms) for one in released if last_ms < one < end_ms})
    for first_ms, until_ms in itertools.pairwise([start_ms, *cuts, end_ms]):
        heard = [dict(row) for row in ask(_OF_BOOTS, (node, first_ms, until_ms))]
        for number, row in enumerate(heard):
            row["is_anew"] = first_ms in cuts and number == 0
        found += heard
    return found


def _known_until(ask: Ask, node: str, before_ms: int) -> int:
    """Return when a node was last heard of before that time; readings may be gone, minutes stay."""
    reading = ask(_LAST_READING, (node, before_ms))[0]["at_ms"] or 0
    minute = ask(BEFORE, (node, before_ms))
    return max(reading, minute[0]["start_ms"] if minute else 0)
