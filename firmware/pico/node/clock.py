"""Wrapping tick counters in, one clock that never goes back out."""


class Clock:
    """Time since boot; it must be read at least every 8 minutes (ticks_us wraps at 2^30 us).

    Kept in ms: in us it would be a big integer after 18 minutes, and each look at it garbage.
    """

    def __init__(self, ticks_us, ticks_diff):
        """`ticks_us()`, `ticks_diff(later, earlier)`: those of `time`."""
        self._ticks_us = ticks_us
        self._ticks_diff = ticks_diff
        self._last = ticks_us()
        self._now_ms = 0
        self._rest_us = 0

    def now_ms(self):
        """Return ms since this object was made."""
        ticks = self._ticks_us()
        passed = self._ticks_diff(ticks, self._last)
        if passed > 0:
            self._last = ticks
            rest = self._rest_us + passed
            if rest >= 1000:
                self._now_ms += rest // 1000
                rest %= 1000
            self._rest_us = rest
        return self._now_ms

    def now_us(self):
        """Return us since this object was made."""
        return self.now_ms() * 1000 + self._rest_us
