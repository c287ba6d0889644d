"""How old a status was when it came: a board's own uptime enters, the time it was said leaves.

A hub that was frozen, or whose broker was, finds minutes of old messages at once, and all of them
look as if they had come just now. The shortest way any status took tells the longer ones apart.
"""

from __future__ import annotations

# A board's crystal and ours differ by less than this; the shortest way known ages by it.
DRIFT_PER_MS = 1_000


class Freshness:
    """Remembers, for each node's boot, the least difference between our clock and its uptime."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int, int]] = {}  # node -> boot id, offset, learnt at

    def said_at_ms(self, node: str, boot_id: int, uptime_ms: int, now_ms: int) -> int:
        """Return when, by our clock that never jumps, the node said what came in now."""
        offset_ms = now_ms - uptime_ms
        boot, least_ms, learnt_ms = self._known.get(node, (boot_id, offset_ms, now_ms))
        if boot == boot_id:
            offset_ms = min(offset_ms, least_ms + (now_ms - learnt_ms) // DRIFT_PER_MS)
        self._known[node] = (boot_id, offset_ms, now_ms)
        return min(uptime_ms + offset_ms, now_ms)
