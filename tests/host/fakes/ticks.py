"""The board's tick counters, advanced by the test: nothing here sleeps."""

WRAP = 1 << 30  # MicroPython's ticks_us on rp2


class Ticks:
    """`ticks_us` and `ticks_diff` with the wrap of the real ones. `now_us` itself never wraps."""

    def __init__(self, start_us=0):
        self.now_us = start_us

    def advance_ms(self, duration_ms):
        """Let time pass."""
        self.now_us += round(duration_ms * 1000)

    def ticks_us(self):
        """Return the wrapping counter."""
        return self.now_us % WRAP

    def ticks_ms(self):
        """Return the wrapping counter in ms."""
        return self.now_us // 1000 % WRAP

    @staticmethod
    def ticks_diff(later, earlier):
        """Return the signed difference, right for half of the wrap."""
        return (later - earlier + WRAP // 2) % WRAP - WRAP // 2
