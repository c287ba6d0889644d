"""Readings of a period in, one small record of it out: kept while the hub can't be reached."""

import struct

from wire.digests import REGISTERS
from wire.records import MEANS

NUMBERS = REGISTERS + MEANS  # in the order kept
# seq, boot_id, uptime_ms, t_ms (0: null), duration_ms, quality_flags, which of NUMBERS are null
_HEAD = ">QIQQIHI"
_LAYOUT = _HEAD + "%dq" % len(NUMBERS)
KEPT_BYTES = struct.calcsize(_LAYOUT)


class Aggregator:
    """Adds up the readings of one period after the other."""

    def __init__(self, period_ms):
        self._period_ms = period_ms
        self._forget()

    def _forget(self):
        self._started_ms = None
        self._last = None
        self._flags = 0
        self.count = 0
        self._sums = {name: 0 for name in MEANS}
        self._counts = {name: 0 for name in MEANS}

    def begin(self, now_ms):
        """Begin a period with no reading yet: where the last one ended, so that none is missing."""
        self._started_ms = now_ms

    def add(self, members, now_ms):
        """Take the members of a reading."""
        if self._started_ms is None:
            self._started_ms = now_ms
        self._last = members
        self._flags |= members["quality_flags"]
        self.count += 1
        for name in MEANS:
            if members[name] is not None:
                self._sums[name] += members[name]
                self._counts[name] += 1

    def is_due(self, now_ms):
        """Tell whether the period is over."""
        return self._last is not None and now_ms - self._started_ms >= self._period_ms

    def end(self, now_ms):
        """Return the members of the aggregate, or None when nothing was added; forget them.

        Registers are those of the last reading; a mean is null where no reading had the value.
        """
        if self._last is None:
            self._forget()
            return None
        members = {
            "uptime_ms": now_ms,
            "duration_ms": max(1, min(now_ms - self._started_ms, 86_400_000)),
            "quality_flags": self._flags,
        }
        for name in REGISTERS:
            members[name] = self._last[name]
        for name in MEANS:
            count = self._counts[name]
            members[name] = _rounded(self._sums[name], count) if count else None
        self._forget()
        return members


def to_bytes(record):
    """Return an aggregate record (all its members) as it is kept in flash."""
    nulls = 0
    values = []
    for place, name in enumerate(NUMBERS):
        if record[name] is None:
            nulls |= 1 << place
        values.append(record[name] or 0)
    return struct.pack(
        _LAYOUT,
        record["seq"],
        record["boot_id"],
        record["uptime_ms"],
        record["t_ms"] or 0,
        record["duration_ms"],
        record["quality_flags"],
        nulls,
        *values,
    )


def from_bytes(kept):
    """Return the record that `to_bytes` was given."""
    values = struct.unpack(_LAYOUT, kept)
    seq, boot_id, uptime_ms, t_ms, duration_ms, flags, nulls = values[:7]
    record = {
        "boot_id": boot_id,
        "seq": seq,
        "t_ms": t_ms or None,
        "uptime_ms": uptime_ms,
        "duration_ms": duration_ms,
        "quality_flags": flags,
    }
    for place, name in enumerate(NUMBERS):
        record[name] = None if nulls >> place & 1 else values[7 + place]
    return record


def _rounded(total, count):
    """Return the mean, halves away from zero."""
    half = count // 2
    return (total + half) // count if total >= 0 else -((-total + half) // count)
