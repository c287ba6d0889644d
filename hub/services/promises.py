"""What houses promised in demand-response events: the events' records in, answers out. Pure.

A record's houses have `accepted_uwh`: 0 while an agent away has not answered, or was not wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
Record = dict[str, Any]


def promise_of(events: Iterable[Record], house: str, now_ms: int) -> Record | None:
    """Return the event for which a house keeps its flexible appliances off now, or None."""
    for one in events:
        promised_uwh = one["houses"].get(house, {}).get("accepted_uwh", 0)
        if promised_uwh > 0 and one["start_ms"] <= now_ms < one["end_ms"]:
            return one
    return None


def question_to(events: Iterable[Record], house: str, now_ms: int) -> Record | None:
    """Return what an agent away is asked for and has not answered: an event's terms, or None."""
    for one in events:
        asked = one["houses"].get(house)
        if asked is not None and asked["is_asked"] and now_ms < one["start_ms"]:
            terms = ("event_id", "start_ms", "end_ms", "reward_gwei_per_kwh")
            return {**{name: one[name] for name in terms}, "pledged_uwh": asked["pledged_uwh"]}
    return None


def left_to_accept_uwh(event: Record) -> int | None:
    """Return how much of what was asked for nobody has promised yet; None: all is welcome."""
    if event["asked_uwh"] is None:
        return None
    promised = sum(one["accepted_uwh"] for one in event["houses"].values())
    return max(0, int(event["asked_uwh"]) - promised)


def on_ms(readings: Sequence[Mapping[str, Any]], span_ms: tuple[int, int]) -> int:
    """Return how long a plug was on in a span. Readings, oldest first, hold until the next."""
    total_ms, until_ms = 0, span_ms[1]
    for one in reversed(readings):
        if one["is_on"]:
            total_ms += max(0, min(until_ms, span_ms[1]) - max(one["at_ms"], span_ms[0]))
        until_ms = one["at_ms"]
    return total_ms
