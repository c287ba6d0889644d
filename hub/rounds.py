"""Work looked at again and again: when something woke it, when it is due, after a failure."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable


class Rounds:
    """Repeats a piece of work until cancelled; wake it from the same loop."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Begin the next round now, or right after the one that runs."""
        self._wake.set()

    async def repeat(self, work: Callable[[], Awaitable[float]]) -> None:
        """Do the work, then sleep for the seconds it returned or until woken, and so on."""
        while True:
            self._wake.clear()  # before the work: what comes up meanwhile is looked at again
            sleep_s = await work()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), sleep_s)
