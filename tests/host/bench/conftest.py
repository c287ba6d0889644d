"""What bench tests share: a world in a time of its own, and boards that run small programs."""

import asyncio
import contextlib
import datetime
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hub.processes import wait_until
from tools.bench.house import House, Wiring
from tools.bench.lab import VirtualLab
from tools.bench.profile import DEFAULT_START, profile_of_house
from tools.bench.world import World


class BenchTime:
    """A world's time: tests advance it, nothing sleeps."""

    def __init__(self, houses: int) -> None:
        self.now_s = 100.0
        self.local = DEFAULT_START
        wiring = Wiring(relay_active_low=False)
        self.houses = [
            House(f"house-{number}", profile_of_house(number), wiring)
            for number in range(1, houses + 1)
        ]
        self.world = World(self.houses, self._site_now, self.now_s)

    def _site_now(self) -> datetime.datetime:
        return self.local

    def run(self, duration_s: float) -> None:
        """Let time pass."""
        self.now_s += duration_s
        self.world.settle(self.now_s)

    def drive(self, house: int, pin: int, level: int | None) -> None:
        """Set a pin of a house (index from 0) and wait until contacts stand still."""
        self.world.set_pin(self.houses[house], pin, level, self.now_s)
        self.run(0.02)


@pytest.fixture
def make_bench():
    """Build a bench of so many houses."""
    return BenchTime


class Player:
    """Plays small programs on virtual boards under the real MicroPython."""

    END = "bench: the program ended"

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextlib.asynccontextmanager
    async def lab(self, source: str) -> AsyncIterator[VirtualLab]:
        """A lab of one house whose board runs `source` as main.py."""
        firmware, state = self._directory / "firmware", self._directory / "state"
        firmware.mkdir()
        state.mkdir()
        (firmware / "main.py").write_text(textwrap.dedent(source))
        lab = VirtualLab(1, state, firmware)
        await lab.start()
        try:
            yield lab
        finally:
            await lab.stop()

    def printed(self) -> list[str]:
        """Return the lines the board printed so far."""
        path = self._directory / "state" / "house-1.log"
        return path.read_text().splitlines() if path.exists() else []

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition; the error shows what the board printed."""
        try:
            await wait_until(condition, 60.0, what, period_s=0.01)
        except TimeoutError as late:
            raise TimeoutError(f"{late}; the board said {self.printed()}") from None

    async def until_printed(self, start: str) -> None:
        """Wait for a line that starts so."""
        await self.until(lambda: any(line.startswith(start) for line in self.printed()), start)

    def play(self, source: str, last_line: str = END) -> list[str]:
        """Run `source` until the board printed `last_line`; return all it printed."""

        async def run() -> list[str]:
            async with self.lab(source):
                await self.until_printed(last_line)
                return self.printed()

        return asyncio.run(run())


@pytest.fixture
def player(tmp_path):
    """A player in a directory of its own."""
    return Player(tmp_path)
