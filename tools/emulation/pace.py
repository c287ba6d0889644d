"""Emulated time against the host's: no faster than wall time, and boards of one bench in step."""

from __future__ import annotations

import asyncio
import time

from rp2040py.rp2040 import RP2040
from rp2040py.simulator import Simulator

SLICE_NS = 1_000_000
"""Boards differ by at most this, and wall time is looked at this often."""
GIVEN_UP_S = 0.1
"""A lag of the host larger than this is not caught up later."""
HELD_S = 0.005


class Pace:
    """One course of time for all boards that join it; `speed` None lets it run freely.

    Free running costs no time while guests sleep, but only without real sockets: their peers live
    in wall time.
    """

    def __init__(self, speed: float | None = 1.0) -> None:
        self._speed = speed
        self._members: list[Simulator] = []
        self._wall_s = time.monotonic()
        self._emulated_ns = 0.0

    def join(self, simulator: Simulator) -> None:
        """Keep a board in step from its first instruction on."""
        self._members.append(simulator)

    def leave(self, simulator: Simulator) -> None:
        """Wait no longer for a board that stands still."""
        self._members = [each for each in self._members if each is not simulator]

    def now_ns(self) -> float:
        """Return the time that the furthest board has reached."""
        return max((each.clock.nanos for each in self._members), default=0.0)

    def rest_s(self, simulator: Simulator) -> float | None:
        """Return how long a board must wait before it runs on, None when it need not."""
        mine_ns = simulator.clock.nanos
        if mine_ns > min(each.clock.nanos for each in self._members) + SLICE_NS:
            return 0.0
        if self._speed is None:
            return None
        due_s = (mine_ns - self._emulated_ns) / 1e9 / self._speed
        ahead_s = due_s - (time.monotonic() - self._wall_s)
        if ahead_s < -GIVEN_UP_S:
            self._wall_s, self._emulated_ns = time.monotonic(), mine_ns
        return ahead_s if ahead_s > 0 else None


class PacedSimulator(Simulator):
    """rp2040py's engine, which by itself runs as fast as it can, kept in step."""

    def __init__(self, mcu: RP2040, pace: Pace) -> None:
        super().__init__(rp2040=mcu)
        self._pace = pace
        self._has_quit = False
        self._alarm = self.clock.create_alarm(self._look)
        self.rp2040.on_break = self._halt
        pace.join(self)

    def _halt(self, code: int) -> None:
        """End with the reason: MicroPython has panicked. Silently stopped, a test would wait on."""
        where = self.rp2040.core.pc
        raise RuntimeError(f"the guest came to breakpoint {code} at {where:#x}: it has panicked")

    def stop(self) -> None:
        """End for good."""
        self._has_quit = True
        super().stop()

    def _look(self) -> None:
        self._alarm.schedule(SLICE_NS)
        if self._pace.rest_s(self) is not None:
            self.stopped = True  # ends this batch only

    async def _rest(self) -> None:
        """Let others run, and wait until it is this board's turn again."""
        await asyncio.sleep(0)
        while not self._has_quit and (rest_s := self._pace.rest_s(self)) is not None:
            await asyncio.sleep(rest_s)

    async def execute(self) -> None:
        """Run until `stop`."""
        self._alarm.schedule(SLICE_NS)
        try:
            while not self._has_quit:
                if self.rp2040.run_pin_low:
                    await asyncio.sleep(HELD_S)
                    continue
                self.stopped = False
                self._execute_batch()
                if self._has_quit:
                    break
                self.stopped = False  # others look at it while this sleeps
                await self._rest()
        except Exception as problem:
            self.engine_room_error = problem
            raise
        finally:
            self.stopped = True
            self._pace.leave(self)
