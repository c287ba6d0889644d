"""The emergency stop's memory: set by anything, reset by a person only, kept over restarts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from hub.site_clock import wall_ms

STATE_NAME = "emergency_stop"


class Keeper(Protocol):
    """Where the latch is kept: hub.store.Store."""

    def state(self, name: str, /) -> Any: ...
    def set_state(self, name: str, value: Any, /) -> None: ...


class StopLatch:
    """`reason` and `since_ms` (Unix ms) are None while nothing is stopped."""

    def __init__(self, keeper: Keeper, now_ms: Callable[[], int] = wall_ms) -> None:
        self._keeper = keeper
        self._now_ms = now_ms
        kept = keeper.state(STATE_NAME) or {}
        self.reason: str | None = kept.get("reason")
        self.since_ms: int | None = kept.get("since_ms")

    @property
    def is_set(self) -> bool:
        return self.reason is not None

    def set(self, reason: str) -> None:
        """Stop; the first reason stays. Holds in memory even where the store cannot be written."""
        if self.is_set:
            return
        self.reason, self.since_ms = reason, self._now_ms()
        self._keeper.set_state(STATE_NAME, {"reason": reason, "since_ms": self.since_ms})

    def reset(self) -> None:
        """Forget the stop: a person has looked. What cannot be written stays stopped."""
        self._keeper.set_state(STATE_NAME, None)
        self.reason = self.since_ms = None
