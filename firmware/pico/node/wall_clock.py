"""Answers of a time server in, Unix time out: null until set, and never far from honest.

The monotonic clock carries it between answers, so it goes on without a network. Nothing that
decides about safety reads it: leases, limits and dead times count ticks.
"""

import time

EARLIEST_MS = 1_767_225_600_000  # 2026-01-01: older than this firmware is not plausible
LATEST_MS = 4_102_444_800_000  # 2100-01-01
HELD_MS = 5_000  # a clock this far ahead stands still until the truth has caught up
# A crystal may be off by 50 ppm. What it could be wrong by after this long is not called set.
SURE_MS = 14 * 86_400_000


class WallClock:
    """Unix time in ms on top of `clock` (Clock). `rtc`: machine.RTC, which dates TLS, or None."""

    def __init__(self, clock, floor_ms, rtc):
        """`floor_ms`: a time known to be past; TLS checks dates against it until more is known."""
        self._clock = clock
        self._rtc = rtc
        self.floor_ms = max(EARLIEST_MS, floor_ms)
        self._offset_ms = None  # Unix time when `clock` showed 0
        self._last_ms = 0  # the highest told since the last jump
        self._set_at_ms = 0  # by `clock`
        self._show(self.floor_ms)

    def is_set(self):
        """Tell whether a time server answered in this boot, and not too long ago."""
        return self._offset_ms is not None and self._clock.now_ms() - self._set_at_ms < SURE_MS

    def unix_ms(self):
        """Return Unix time in ms, None before the clock was first set."""
        if self._offset_ms is None:
            return None
        self._last_ms = max(self._last_ms, self._offset_ms + self._clock.now_ms())
        return self._last_ms

    def unix_ms_at(self, uptime_ms):
        """Return the Unix time at which `clock` showed `uptime_ms`, None while it is not known."""
        return None if self._offset_ms is None else max(0, self._offset_ms + uptime_ms)

    def set(self, unix_ms):
        """Take the time of this moment. Returns the ms it jumped back or forth, 0 if not felt.

        A small step back is not shown: the clock stands still meanwhile.
        """
        before_ms = self.unix_ms()
        now_ms = self._clock.now_ms()
        self._offset_ms = unix_ms - now_ms
        self._set_at_ms = now_ms
        self._show(unix_ms)
        if before_ms is None:
            return 0
        step_ms = unix_ms - before_ms
        if step_ms < -HELD_MS:
            self._last_ms = unix_ms
        return step_ms if abs(step_ms) > HELD_MS else 0

    def is_plausible(self, unix_ms):
        """Tell whether a server may say that: not before what is known to be past."""
        return self.floor_ms <= unix_ms < LATEST_MS

    def _show(self, unix_ms):
        """Set the chip's own calendar: certificates are dated by it."""
        if self._rtc is not None:
            year, month, day, hour, minute, second, weekday = time.gmtime(unix_ms // 1000)[:7]
            self._rtc.datetime((year, month, day, weekday, hour, minute, second, 0))
