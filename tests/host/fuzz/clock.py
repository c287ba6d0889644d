"""Any content of the files with the last known time: a board starts, and takes the hub's time."""

from node import slots
from node.clock import Clock
from node.time_sync import TimeSync, kept_ms
from node.wall_clock import EARLIEST_MS, LATEST_MS, WallClock

from tests.host.fakes.ticks import Ticks
from tests.host.fuzz import mutate
from tests.host.fuzz.on_flash import OnFlash

DAY_MS = 86_400_000
TIMES = (0, EARLIEST_MS, LATEST_MS - 1, LATEST_MS, (1 << 53) - 1, (1 << 64) - 1)


class Calendar:
    """The chip's own clock."""

    def datetime(self, moment):
        """Take a moment as MicroPython does."""
        assert 2026 <= moment[0] < 2100


class Target(OnFlash):
    """A wall clock over damaged files, set once, kept, and started again."""

    def __init__(self, rng, flash=None):
        super().__init__(rng, flash)
        self.kept = 0

    def one(self):
        """Boot, be told the time, keep it, boot again."""
        self._flash.content.clear()
        self.write()
        wall_clock, sync = self._boot()
        floor_ms = wall_clock.floor_ms
        assert EARLIEST_MS <= floor_ms < LATEST_MS
        assert wall_clock.unix_ms() is None and not wall_clock.is_set()
        told_ms = min(LATEST_MS - 1, floor_ms + self.rng.randrange(3 * DAY_MS))
        assert wall_clock.is_plausible(told_ms) and not wall_clock.is_plausible(floor_ms - 1)
        wall_clock.set(told_ms)
        sync.keep()
        again, _ = self._boot()
        assert floor_ms <= again.floor_ms <= told_ms
        self.kept += again.floor_ms == told_ms

    def write(self):
        """Fill the files."""
        for _ in range(self.rng.randrange(3)):
            self._write()

    def _boot(self):
        ticks = Ticks()
        clock = Clock(ticks.ticks_us, ticks.ticks_diff)
        kept = slots.Slots("clock")
        wall_clock = WallClock(clock, kept_ms(kept), Calendar())
        return wall_clock, TimeSync(("hub", 123), wall_clock, clock, kept)

    def _write(self):
        rng = self.rng
        time_ms = rng.choice((*TIMES, rng.randrange(EARLIEST_MS, LATEST_MS)))
        record = time_ms.to_bytes(8, "big")
        self._save("clock", record if rng.random() < 0.8 else mutate.any_bytes(rng, 40))
