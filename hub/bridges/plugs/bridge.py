"""One smart plug as a bridge: its readings are stored; it is switched when somebody asks."""

from __future__ import annotations

import asyncio

from hub.bridges.config import Plug
from hub.bridges.errors import PlugRefused
from hub.bridges.plugs.meter import PlugMeter
from hub.bridges.plugs.reading import Driver
from hub.bridges.views import PlugLog, PlugRow
from hub.site_clock import wall_ms

THIN_AFTER_MS = 7 * 86_400_000
THIN_PERIOD_S = 3_600.0


class PlugBridge:
    """Asks its plug every period; a plug that does not answer is asked again, ever less often."""

    longest_pause_s = 30.0

    def __init__(self, plug: Plug, driver: Driver, log: PlugLog) -> None:
        self.plug = plug
        self._driver = driver
        self._log = log
        self._meter: PlugMeter | None = None
        self._lock = asyncio.Lock()
        self.last: PlugRow | None = None  # since this hub runs
        self.by_hand_at_ms: int | None = None  # when a person switched it last

    @property
    def name(self) -> str:
        return f"plug {self.plug.name}"

    async def run(self) -> None:
        while True:
            await self.read()
            await asyncio.sleep(self.plug.period_s)

    async def read(self) -> None:
        """Read the plug once and store what it tells. Raises BridgeDown."""
        async with self._lock:  # a reading after a switch may come between those of `run`
            if self._meter is None:
                last = await asyncio.to_thread(self._log.last, self.plug.name)
                self._meter = PlugMeter(self.plug, last)
            reading = await self._driver.read()
            row = self.last = self._meter.take(reading, wall_ms())
            await asyncio.to_thread(self._log.keep, row)

    async def switch_by_hand(self, is_on: bool) -> None:
        """Switch the plug for a person, whom no agent contradicts for a while."""
        self.by_hand_at_ms = wall_ms()
        await self.switch(is_on)

    async def switch(self, is_on: bool) -> None:
        """Switch the plug. Raises PlugRefused or BridgeDown."""
        if not self.plug.can_switch:
            raise PlugRefused(f"{self.plug.name} is set to be read only (can_switch in site.toml).")
        await self._driver.switch(is_on)
        await self.read()


class PlugThinning:
    """Keeps the plugs' series small: a week of every reading, then one a quarter of an hour."""

    name = "plug series"
    longest_pause_s = 300.0

    def __init__(self, log: PlugLog) -> None:
        self._log = log

    async def run(self) -> None:
        while True:
            await asyncio.to_thread(self._log.thin, wall_ms() - THIN_AFTER_MS)
            await asyncio.sleep(THIN_PERIOD_S)
