"""The coroutines of a hub enter; they run side by side until one fails or all are to end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from hub.patience import Patience

CANCEL_S = 5.0  # longer than a task needs to end what it has begun


class SiteTasks:
    """Tasks of which none ends by itself. Belongs to the event loop."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []

    @property
    def names(self) -> set[str]:
        """The tasks by name."""
        return {task.get_name() for task in self._tasks}

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Begin a task."""
        self._tasks.append(asyncio.create_task(work, name=name))

    def keep(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin a task that goes on by itself after the store was away."""
        self.spawn(self._patience.keep(name, run), name)

    def request_stop(self) -> None:
        """Make `run` return."""
        self._stopping.set()

    async def run(self) -> None:
        """Wait for `request_stop`; raises what a task failed with, RuntimeError when one ended."""
        stop = asyncio.create_task(self._stopping.wait(), name="stop")
        try:
            done, _ = await asyncio.wait([stop, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
        for task in done - {stop}:
            task.result()  # raises what ended the part
            raise RuntimeError(f"{task.get_name()} ended by itself")

    async def end(self) -> None:
        """Cancel all, and wait until each has ended what it had begun."""
        left = set(self._tasks)
        while left:  # again: Python 3.11's wait_for swallows a cancellation that meets its event
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=CANCEL_S)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
