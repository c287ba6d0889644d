"""Keeps bridges running: a thread of its own with an event loop, each bridge a supervised task.

Bridges wait for strangers; the oracle must not wait for bridges. So they have their own loop, and
what one of them raises is said, and ends nothing but its present attempt.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from hub.bridges.errors import BridgeDown, NotYet
from hub.site_clock import wall_ms

FIRST_PAUSE_S = 1.0
STEADY_S = 600.0  # a bridge that ran this long is not in a loop of failures
STOP_TIMEOUT_S = 5.0
Outcome = TypeVar("Outcome")


class Bridge(Protocol):
    """One bridge: `run` works until it is cancelled, or raises to be started again later."""

    @property
    def name(self) -> str: ...
    @property
    def longest_pause_s(self) -> float: ...
    async def run(self) -> None: ...


@dataclass
class BridgeState:
    """How one bridge fares; times in ms of wall time."""

    name: str
    is_running: bool = False
    started_at_ms: int | None = None
    restarts: int = 0
    problem: str | None = None  # what ended its last attempt
    problem_at_ms: int | None = None


class Bridges:
    """`start()`, then `states()` and `call()` from any thread, then `stop()`.

    Pauses before a bridge is started again double from `first_pause_s` to its own longest.
    """

    def __init__(
        self,
        bridges: Sequence[Bridge],
        say: Callable[[str], None],
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self._bridges = list(bridges)
        self._say = say
        self._first_pause_s = first_pause_s
        self._states = {one.name: BridgeState(one.name) for one in self._bridges}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="bridges", daemon=True)
        self._tasks: list[asyncio.Task[None]] = []
        self._is_started = self._is_ending = False

    def start(self) -> None:
        """Start the thread, unless there is no bridge to run."""
        if not self._bridges:
            return
        self._is_started = True
        self._thread.start()
        self._loop.call_soon_threadsafe(self._begin)

    def stop(self) -> None:
        """Cancel every bridge and end the thread; whatever hangs is left behind as a daemon."""
        if not self._is_started:
            self._loop.close()  # closing it again does nothing
            return
        self._is_started = False
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(STOP_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_TIMEOUT_S)

    def states(self) -> list[BridgeState]:
        """Return how every bridge fares, in the order of the configuration."""
        return list(self._states.values())

    def call(self, work: Coroutine[Any, Any, Outcome], timeout_s: float) -> Outcome:
        """Run a coroutine in the bridges' loop and return its outcome, from another thread.

        Raises BridgeDown when it takes longer than `timeout_s`.
        """
        if not self._thread.is_alive():
            work.close()
            raise BridgeDown("the bridges are not running")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise BridgeDown(f"no answer within {timeout_s:g} s") from None

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _begin(self) -> None:
        self._tasks = [
            self._loop.create_task(self._supervise(one), name=f"bridge {one.name}")
            for one in self._bridges
        ]

    async def _end(self) -> None:
        self._is_ending = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._loop.shutdown_default_executor()

    async def _supervise(self, bridge: Bridge) -> None:
        state, pause_s = self._states[bridge.name], self._first_pause_s
        while not self._is_ending:
            began_s, is_expected = self._loop.time(), False
            state.is_running, state.started_at_ms = True, wall_ms()
            try:
                await bridge.run()
                problem = "ended by itself"
            except BridgeDown as down:
                problem, is_expected = str(down), isinstance(down, NotYet)
            except Exception as surprise:  # a bridge's bug is its own: the hub goes on
                problem = f"{type(surprise).__name__}: {surprise}"
            state.is_running, state.problem_at_ms = False, wall_ms()
            if self._is_ending:  # an error that came together with the end hides the cancellation
                return
            state.restarts += 1
            was_steady = self._loop.time() - began_s > STEADY_S
            if was_steady:
                pause_s = self._first_pause_s
            is_news = was_steady or problem != state.problem  # the same again is said once
            if is_news and not is_expected:
                self._say(f"bridge {bridge.name}: {problem}; trying again in {pause_s:g} s")
            state.problem = problem
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, bridge.longest_pause_s)
