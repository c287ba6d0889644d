"""What houses and their appliances would use: stored readings in, expected energy out.

By the habit of the hour of the day (hub.agent.habits), from up to five of the site's days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.agent.habits import Habit
from hub.site_clock import SiteClock
from hub.store import Store

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
HABIT_DAYS = 5
SHORT_DAY_MS = 6 * HOUR_MS  # a fast bench's: its habits need more than a value a minute
REAL, APPARENT = "load_import_uwh", "load_apparent_uvah"
Record = dict[str, Any]
Points = list[tuple[float, int]]


def load_register(reading: Mapping[str, Any]) -> str:
    """Return the register of a house's load: apparent energy where no voltage is metered."""
    return APPARENT if reading["load_power_uw"] is None else REAL


class Baselines:
    """Asks the store once; `span_ms` of its answers begins at or after `now_ms`."""

    def __init__(self, store: Store, clock: SiteClock, now_ms: int) -> None:
        self._store, self._clock, self._now_ms = store, clock, now_ms
        self._since_ms = now_ms - HABIT_DAYS * DAY_MS // clock.speed
        self._latest = store.latest_readings()
        self._loads = self._points_by_house()

    def register_of(self, house: str) -> str:
        """Return the register that meters the house's load."""
        return load_register(self._latest[house])

    def house_uwh(self, house: str, span_ms: tuple[int, int]) -> int:
        """Return what a house is expected to use; 0 of one whose load is not known."""
        return self._expected_uwh(self._loads.get(house, []), span_ms)

    def plugs_uwh(self, plugs: Sequence[str], span_ms: tuple[int, int]) -> int:
        """Return what these plugs are expected to use together."""
        total_uwh = 0
        for plug in plugs:
            points = [
                (row["at_ms"] / 1000, row["power_uw"])
                for row in self._store.plug_readings(plug, self._since_ms)
                if row["power_uw"] is not None
            ]
            total_uwh += self._expected_uwh(points, span_ms)
        return total_uwh

    def _points_by_house(self) -> dict[str, Points]:
        """Return the metered load of each house over its habits' days: seconds and uW, in order."""
        since_ms, now_ms = self._since_ms, self._now_ms
        if DAY_MS // self._clock.speed > SHORT_DAY_MS:
            rows: list[Record] = list(self._store.each_period(60, since_ms, now_ms))
            newest_ms = max((row["start_ms"] + MINUTE_MS for row in rows), default=now_ms - HOUR_MS)
            rows += self._store.readings_between(max(newest_ms, now_ms - HOUR_MS), now_ms)
        else:
            rows = self._store.readings_between(since_ms, now_ms)
        found: dict[str, Points] = {}
        for row in rows:
            if row["node"] in self._latest:
                is_real = self.register_of(row["node"]) == REAL
                power = row["load_power_uw" if is_real else "load_apparent_uva"]
                at_ms = row["start_ms"] if "start_ms" in row else row["received_at_ms"]
                if power is not None:
                    found.setdefault(row["node"], []).append((at_ms / 1000, power))
        return found

    def _expected_uwh(self, points: Iterable[tuple[float, int]], span_ms: tuple[int, int]) -> int:
        """Return the energy that the habit behind these powers makes expect in a span."""
        habit = Habit(DAY_MS / 1000 / self._clock.speed, is_proportional=False)
        for at_s, power_uw in points:
            habit.note(at_s, power_uw)
        mean_uw = habit.expect(span_ms[0] / 1000, span_ms[1] / 1000)
        return 0 if mean_uw is None else mean_uw * (span_ms[1] - span_ms[0]) // HOUR_MS
