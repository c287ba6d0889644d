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
BY_HAND_MS = 3_600_000  # of the site's time: so long no agent contradicts a person


class PlugBridge:
    """Asks its plug every period; a plug that does not answer is asked again, ever less often."""

    longest_pause_s = 30.0

    def __init__(
        self, plug: Plug, driver: Driver, log: PlugLog, by_hand_ms: int = BY_HAND_MS
    ) -> None:
        """`by_hand_ms`: how long agents leave it alone after a person switched it."""
        self.plug = plug
        self._by_hand_ms = by_hand_ms
        self._driver = driver
        self._log = log
        self._meter: PlugMeter | None = None
        self._lock = asyncio.Lock()
        self.last: PlugRow | None = None  # since this hub runs
        self._by_hand_at_ms: int | None = None  # when a person switched it last

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
        self._by_hand_at_ms = wall_ms()
        await self.switch(is_on)

    def is_left_alone(self, now_ms: int, promised_ms: int | None = None) -> bool:
        """Tell whether a person switched it a short while ago.

        `promised_ms`: since when its house has promised to keep it off, None when it has not: what
        was switched before that counts no more, what a person switches afterwards does.
        """
        at_ms = self._by_hand_at_ms
        if at_ms is None or (promised_ms is not None and at_ms < promised_ms):
            return False
        return 0 <= now_ms - at_ms < self._by_hand_ms

    async def switch_by_agent(self, is_on: bool, promised_ms: int | None = None) -> None:
        """Switch a flexible plug for its house's agent. Raises PlugRefused or BridgeDown."""
        if not self.plug.is_flexible:
            raise PlugRefused(f"{self.plug.name} is not its agent's to switch (is_flexible).")
        if self.is_left_alone(wall_ms(), promised_ms):
            raise PlugRefused(f"A person switched {self.plug.name} a short while ago.")
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
