"""The scenario's clock: start, slot length and zone enter, the local time of each slot leaves."""

from __future__ import annotations

import datetime
import zoneinfo
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

MINUTES_OF_DAY = 24 * 60


@dataclass(frozen=True)
class Clock:
    """Slots of equal length from `start_local` on.

    Without a zone the local clock never changes. With one, slots are equal in real time and the
    local time jumps with the zone's clock changes: 92 or 100 quarter-hours on those days.
    """

    start_local: datetime.datetime
    slot_minutes: int
    slots: int
    zone: str | None = None

    @property
    def slot_hours(self) -> float:
        """Return the length of a slot in hours."""
        return self.slot_minutes / 60

    @cached_property
    def utc_times(self) -> npt.NDArray[np.datetime64]:
        """Return the start of each slot in UTC; local time where there is no zone."""
        start = self.start_local
        if self.zone is not None:
            aware = start.replace(tzinfo=zoneinfo.ZoneInfo(self.zone))
            start = aware.astimezone(datetime.UTC).replace(tzinfo=None)
        step = np.timedelta64(self.slot_minutes, "m")
        return np.datetime64(start, "m") + np.arange(self.slots) * step

    @cached_property
    def local_times(self) -> npt.NDArray[np.datetime64]:
        """Return the local start of each slot, `datetime64[m]`, without zone."""
        if self.zone is None:
            return self.utc_times
        return self.utc_times + self._offsets(self.utc_times, zoneinfo.ZoneInfo(self.zone))

    def _offsets(
        self, utc: npt.NDArray[np.datetime64], zone: zoneinfo.ZoneInfo
    ) -> npt.NDArray[np.timedelta64]:
        # An offset holds for whole quarter-hours; asking once per hour would miss none in use,
        # but zones at :30 and :45 exist, so ask once per distinct quarter-hour.
        quarters, inverse = np.unique(
            utc.astype("datetime64[m]").astype(np.int64) // 15, return_inverse=True
        )
        offsets = []
        for quarter in quarters:
            moment = datetime.datetime.fromtimestamp(int(quarter) * 900, zone)
            offset = moment.utcoffset() or datetime.timedelta()
            offsets.append(int(offset.total_seconds() // 60))
        return np.array(offsets, dtype="timedelta64[m]")[inverse]

    @cached_property
    def minutes_of_day(self) -> npt.NDArray[np.int64]:
        """Return the local minute of the day at which each slot starts."""
        return self.local_times.astype("datetime64[m]").astype(np.int64) % MINUTES_OF_DAY

    @cached_property
    def days(self) -> npt.NDArray[np.int64]:
        """Return the local day of each slot, counted from 1970-01-01."""
        return self.local_times.astype("datetime64[D]").astype(np.int64)

    def label(self, slot: int) -> str:
        """Return how messages name a slot: its number from 0 and its local start."""
        return f"slot {slot} ({self.local_times[slot]})"
