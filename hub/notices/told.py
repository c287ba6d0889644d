"""How far each subscriber was told: names enter, what is news to each leaves.

A letter's row keeps it from being sent twice only until it is forgotten (`KEEP_MS`). So each
subscriber has a mark in the store's state, and nothing before it is looked at again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hub.store import Store

STATE = "notices_told"
KEEP_MS = 30 * 86_400_000  # letters that went are forgotten after that
# What was seen that long ago is in the store, or never will be; and marks move no more often.
MARGIN_MS = 600_000


class Told:
    """Marks of trades are times of the wall clock, marks of windows numbers of windows.

    A subscriber that is seen for the first time is told of trades from now on, and of all windows
    that are still ahead. One that is gone, or wants something no longer, has no mark.
    """

    def __init__(self, store: Store, trades: Collection[str], windows: Collection[str]) -> None:
        """`trades`, `windows`: who wants to hear of them."""
        self._store = store
        self._who = {"trades": tuple(trades), "windows": tuple(windows)}

    def trades_since(self, now_ms: int) -> dict[str, int]:
        """Return, for each who wants trades, the time from which on closed ones are news."""
        # A clock that was far ahead left marks there: they hold again when it gets there.
        return {
            name: max(mark_ms if mark_ms <= now_ms else now_ms - MARGIN_MS,
                      now_ms - KEEP_MS + MARGIN_MS)
            for name, mark_ms in self._marks(now_ms)["trades"].items()
        }  # fmt: skip

    def windows_after(self, now_ms: int) -> dict[str, int]:
        """Return, for each who wants windows, the number above which they are news."""
        return self._marks(now_ms)["windows"]

    def advance(self, now_ms: int, window_id: int) -> None:
        """Note that all is queued that was in the store at that time, up to that window."""
        marks = self._marks(now_ms)
        moved = {
            "trades": {
                name: now_ms - MARGIN_MS if mark_ms < now_ms - 2 * MARGIN_MS else mark_ms
                for name, mark_ms in marks["trades"].items()
            },
            "windows": {name: max(mark, window_id) for name, mark in marks["windows"].items()},
        }
        if moved != marks:
            self._store.set_state(STATE, moved)

    def _marks(self, now_ms: int) -> dict[str, dict[str, int]]:
        """Return the marks of exactly those who want to hear; new ones are kept at once."""
        kept: Any = self._store.state(STATE) or {}
        first = {"trades": now_ms, "windows": 0}
        marks = {
            want: {name: kept.get(want, {}).get(name, first[want]) for name in names}
            for want, names in self._who.items()
        }
        if marks != kept and any(self._who.values()):
            self._store.set_state(STATE, marks)
        return marks
