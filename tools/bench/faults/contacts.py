"""How long contacts stay closed: the bench's relays enter, those closed too long leave.

The bench's own watch judges how they close; this one, that they open again whatever was killed.
"""

from __future__ import annotations

import asyncio
import time

from hub.oracle.terms import MS_PER_HOUR
from tools.bench.faults.place import MOST_UWH, Place

LOOK_S = 0.1
# A frozen board opens when its watchdog bites; a relay takes its time.
WATCHDOG_S = 10.0
ALONE_S = 12.0  # without a hub a lease ends within ten seconds


class Contacts:
    """`run` looks until cancelled; `problems` are sentences."""

    def __init__(self, place: Place) -> None:
        bus = place.bus
        nominal_s = MOST_UWH * MS_PER_HOUR / bus.rated_power_uw / 1000
        turn_s = nominal_s * bus.turn_slack_permille / 1000 + bus.turn_overhead_ms / 1000
        self._longest_s = turn_s + WATCHDOG_S
        self._place = place
        self._closed_s: dict[tuple[str, str], float] = {}
        self.problems: list[str] = []
        self.closings = 0

    async def run(self) -> None:
        while True:
            self._look(time.monotonic())
            await asyncio.sleep(LOOK_S)

    def _look(self, now_s: float) -> None:
        for house in self._place.lab.houses.values():
            for relay, each in house.relays.items():
                key = (house.name, relay)
                if not each.is_closed:
                    self._closed_s.pop(key, None)
                elif key not in self._closed_s:
                    self._closed_s[key] = now_s
                    self.closings += 1
                elif now_s - self._closed_s[key] > self._longest_s:
                    self._closed_s[key] = float("inf")  # said once
                    self.problems.append(
                        f"relay {relay} of {house.name} was closed for {self._longest_s:.0f} s"
                    )

    async def open_alone(self) -> list[str]:
        """Return which contacts are still closed `ALONE_S` after now."""
        deadline_s = time.monotonic() + ALONE_S
        while (closed := self._now_closed()) and time.monotonic() < deadline_s:
            await asyncio.sleep(LOOK_S)
        return [f"relay {relay} of {node} is closed without a hub" for node, relay in closed]

    def _now_closed(self) -> list[tuple[str, str]]:
        return [
            (house.name, relay)
            for house in self._place.lab.houses.values()
            for relay, each in house.relays.items()
            if each.is_closed
        ]
