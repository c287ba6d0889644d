"""Wrapping tick counters in, one clock that never goes back out."""


class Clock:
    """Time since boot; it must be read at least every 8 minutes (ticks_us wraps at 2^30 us)."""

    def __init__(self, ticks_us, ticks_diff):
        """`ticks_us()`, `ticks_diff(later, earlier)`: those of `time`."""
        self._ticks_us = ticks_us
        self._ticks_diff = ticks_diff
        self._last = ticks_us()
        self._now_us = 0

    def now_us(self):
        """Return us since this object was made."""
        ticks = self._ticks_us()
        passed = self._ticks_diff(ticks, self._last)
        if passed > 0:
            self._now_us += passed
            self._last = ticks
        return self._now_us

    def now_ms(self):
        """Return ms since this object was made."""
        return self.now_us() // 1000
