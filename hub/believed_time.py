"""What time it surely is: the wall clock enters, a time by which records may be removed leaves.

A Raspberry Pi has no clock of its own while it is off, and a time server can be wrong. A clock
that is a year ahead for an hour must not take a year's readings with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from hub.site_clock import steady_ms
from hub.store import Store
from hub.store.periods import CLOSED_UNTIL

STATE = "believed_time"
DAY_MS = 86_400_000
SAVED_AFTER_MS = 3_600_000  # of running: what a restart may cost


@dataclass
class _Seen:
    """`believed_ms`: what time it surely is. `seen_ms`: the wall clock at the last look.
    `calm_ms`: how long the hub has run since that clock was set by more than a day."""

    believed_ms: int
    seen_ms: int
    calm_ms: int = 0


class BelievedTime:
    """Never ahead of the wall clock, and only slowly after it when that is doubted.

    A clock that follows a time server is believed when it is at most a day ahead of what was
    believed, as after a night without power. One further ahead must stay so while the hub runs for
    a day. Until then, and while the clock follows nobody, time goes on as the hub runs.
    """

    def __init__(
        self,
        store: Store,
        is_clock_trusted: Callable[[], bool],
        steady: Callable[[], int] = steady_ms,
    ) -> None:
        self._store = store
        self._is_clock_trusted = is_clock_trusted
        self._steady = steady
        self._looked_ms = steady()
        self._unsaved_ms = SAVED_AFTER_MS
        kept: Any = store.state(STATE)
        self._seen = None if kept is None else _Seen(**kept)

    def at(self, now_ms: int) -> int:
        """Return the time that is believed while the wall clock shows `now_ms`."""
        looked_ms = self._steady()
        passed_ms, self._looked_ms = looked_ms - self._looked_ms, looked_ms
        if self._seen is None:  # a store of before this rule was closed up to some time
            self._seen = _Seen(min(now_ms, self._store.state(CLOSED_UNTIL) or now_ms), now_ms)
        seen = self._seen
        is_trusted = self._is_clock_trusted()
        if abs(now_ms - seen.seen_ms - passed_ms) > DAY_MS:
            seen.calm_ms = 0
        elif is_trusted:
            seen.calm_ms += passed_ms
        seen.seen_ms = now_ms
        seen.believed_ms += passed_ms
        is_near = now_ms <= seen.believed_ms + DAY_MS
        if is_trusted and (is_near or seen.calm_ms >= DAY_MS):
            seen.believed_ms = now_ms
        self._save(passed_ms)
        return min(now_ms, seen.believed_ms)

    def _save(self, passed_ms: int) -> None:
        self._unsaved_ms += passed_ms
        if self._unsaved_ms >= SAVED_AFTER_MS and self._seen is not None:
            self._store.set_state(STATE, asdict(self._seen))
            self._unsaved_ms = 0
