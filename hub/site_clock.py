"""Site time: the local time the houses live in, which a bench may run faster than wall time."""

from __future__ import annotations

import datetime
import functools
import time
import zoneinfo
from dataclasses import dataclass
from typing import Any


def wall_ms() -> int:
    """Return Unix time in ms."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """Return ms that only go on, whatever is done to the wall clock; from no particular zero."""
    return time.monotonic_ns() // 1_000_000


@dataclass(frozen=True)
class SiteClock:
    """Maps wall time to site time: `start_local` was at `started_at_ms`, `speed` times as fast.

    A real site has speed 1 and the two starts equal. Wire, leases, meters and chain never use it.
    """

    start_local: datetime.datetime
    started_at_ms: int
    speed: int
    zone: zoneinfo.ZoneInfo

    @classmethod
    def real(cls, zone: zoneinfo.ZoneInfo) -> SiteClock:
        """Return the clock of a real site."""
        at_ms = wall_ms()
        start = datetime.datetime.fromtimestamp(at_ms / 1000, zone).replace(tzinfo=None)
        return cls(start, at_ms, 1, zone)

    @classmethod
    def going_on(
        cls,
        start: datetime.datetime | None,
        speed: int,
        zone: zoneinfo.ZoneInfo,
        last_ms: int | None,
    ) -> SiteClock:
        """Return the clock of a site: real without `start`; else a bench's replayed time, which
        goes on after `last_ms`, the site time of the last thing that is known."""
        if start is None:
            return cls.real(zone)
        if last_ms is not None:
            last = datetime.datetime.fromtimestamp(last_ms / 1000, zone)
            start = max(start, last.replace(tzinfo=None, microsecond=0))
        return cls(start, wall_ms(), speed, zone)

    def record(self) -> dict[str, Any]:
        """Return the clock as plain values, for those who shall share it."""
        return {
            "start_local": self.start_local.isoformat(),
            "started_at_ms": self.started_at_ms,
            "speed": self.speed,
            "zone": self.zone.key,
        }

    @functools.cached_property
    def _start_ms(self) -> int:
        start = self.start_local.replace(tzinfo=self.zone)
        return round(start.timestamp() * 1000)

    def site_ms(self, at_ms: int) -> int:
        """Return the site's Unix time in ms at a wall time in ms."""
        return self._start_ms + (at_ms - self.started_at_ms) * self.speed

    def at(self, at_ms: int) -> datetime.datetime:
        """Return the site's zoned local time at a wall time in ms."""
        return datetime.datetime.fromtimestamp(self.site_ms(at_ms) / 1000, self.zone)

    def now(self) -> datetime.datetime:
        """Return the site's zoned local time."""
        return self.at(wall_ms())

    def wall_ms_of(self, local: datetime.datetime) -> int:
        """Return the wall time in ms at which the site's clock shows `local`.

        A time without a zone is read in the site's. Rounded up, so that it is never too early.
        """
        zoned = local if local.tzinfo is not None else local.replace(tzinfo=self.zone)
        site_distance_ms = round(zoned.timestamp() * 1000) - self._start_ms
        return self.started_at_ms - (-site_distance_ms // self.speed)
