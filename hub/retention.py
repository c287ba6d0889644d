"""Keeps the store small: minutes are closed as they end, old readings go a little at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hub.believed_time import BelievedTime
from hub.errors import StoreError
from hub.site_clock import wall_ms
from hub.store import Store
from hub.store.periods import CLOSED_AFTER_MS, MINUTE_MS

DAY_MS = 86_400_000
PAUSE_S = 0.05  # between batches: ingest comes first
MOST_BATCHES = 400  # a minute's; more than a thousand boards write


class Retention:
    """Runs until cancelled; nothing of it is in a hurry. `removed`: readings, so far."""

    def __init__(
        self,
        store: Store,
        keep_days: int,
        say: Callable[[str], None] = lambda text: None,
        is_clock_trusted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store = store
        self._keep_ms = keep_days * DAY_MS
        self._say = say
        self._time = BelievedTime(store, is_clock_trusted)
        self.removed = 0

    async def run(self) -> None:
        """Close and prune, each time a minute can be closed."""
        while True:
            try:
                await self.do_round(wall_ms())
            except StoreError as problem:
                self._say(f"minutes are closed later: {problem}")
            now_ms = wall_ms()
            next_ms = (now_ms - CLOSED_AFTER_MS) // MINUTE_MS * MINUTE_MS + MINUTE_MS
            await asyncio.sleep((next_ms + CLOSED_AFTER_MS - now_ms) / 1000)

    async def do_round(self, now_ms: int) -> int:
        """Close what is over, then prune; return how many readings were removed."""
        believed_ms = await asyncio.to_thread(self._time.at, now_ms)
        await asyncio.to_thread(self._store.close_periods, now_ms)
        removed = 0
        batches = self._store.prune_readings(believed_ms - self._keep_ms)
        for _ in range(MOST_BATCHES):
            pruned = await asyncio.to_thread(next, batches, None)
            if pruned is None:
                break
            removed += pruned
            self.removed += pruned
            await asyncio.to_thread(self._store.give_back_space)
            await asyncio.sleep(PAUSE_S)
        return removed
