"""Tasks of the hub enter; each goes on by itself once the store that failed it is there again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from hub.errors import DamagedStore, ForeignStore, NewerStore, StoreError

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
SETTLED_S = 15.0  # a server that does not answer is found out in less
_LASTING = (DamagedStore, ForeignStore, NewerStore)


T = TypeVar("T")


def passes(problem: BaseException) -> bool:
    """Tell whether waiting may help: a server is away, a disk is full. Damage needs a person."""
    if isinstance(problem, BaseExceptionGroup):
        return all(passes(one) for one in problem.exceptions)
    return isinstance(problem, StoreError) and not isinstance(problem, _LASTING)


class Patience:
    """Says once that the store is away, and once that it is back. Belongs to the event loop."""

    def __init__(self, say: Callable[[str], None] = lambda text: None) -> None:
        self._say = say
        self._waiting: set[str] = set()

    async def keep(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a task that ends by being cancelled; begin it anew when the store has failed it.

        Raises all else that it fails with, and what only a person can mend of a store.
        """
        loop, pause_s = asyncio.get_running_loop(), FIRST_PAUSE_S
        while True:
            began_s = loop.time()
            settling = loop.call_later(SETTLED_S, self.is_over, name)
            try:
                return await run()
            except (StoreError, ExceptionGroup) as problem:
                self.bear(name, problem)
            finally:
                settling.cancel()
            if loop.time() - began_s >= SETTLED_S:
                pause_s = FIRST_PAUSE_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def try_each(self, name: str, works: Iterable[Callable[[T], None]], what: T) -> None:
        """Give `what` to each of them, though the store may fail one."""
        is_well = True
        for work in works:
            try:
                work(what)
            except StoreError as problem:
                self.bear(name, problem)
                is_well = False
        if is_well:
            self.is_over(name)

    def bear(self, name: str, problem: StoreError | ExceptionGroup[Exception]) -> None:
        """Note that `name` waits for the store; raise what waiting does not help against."""
        if not passes(problem):
            raise problem
        if not self._waiting:
            first: BaseException = problem
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            self._say(f"{name} and what else needs the store wait for it: {first}")
        self._waiting.add(name)

    def is_over(self, name: str) -> None:
        """Note that `name` has its store again."""
        was_waiting = name in self._waiting
        self._waiting.discard(name)
        if was_waiting and not self._waiting:
            self._say("the store is there again: what waited for it goes on")
