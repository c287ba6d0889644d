"""What comes late for its minute: a store that had to wait, a board that was away."""

from __future__ import annotations

from typing import Any

from hub.site_clock import wall_ms

MINUTE_MS = 60_000
LATE_MS = 10_000  # a reading stored so long after its arrival may have missed its minute
OLDEST_MS = 400 * 86_400_000  # a board's clock that is further off is wrong


def note_reading(connection: Any, node: str, received_at_ms: int) -> None:
    """Note a reading that is stored long after its arrival."""
    if wall_ms() - received_at_ms > LATE_MS:
        _note(connection, node, received_at_ms)


def note_aggregate(connection: Any, node: str, t_ms: int | None, received_at_ms: int) -> None:
    """Note what a board metered while away, if it knew the time."""
    if t_ms is not None and 0 <= received_at_ms - t_ms < OLDEST_MS:
        _note(connection, node, t_ms)


def _note(connection: Any, node: str, at_ms: int) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO late_minutes VALUES (?, ?)", (node, at_ms // MINUTE_MS * MINUTE_MS)
    )
