"""The relay pair of a node: IN takes energy from the bus, OUT gives it. Never both."""

from wire.units import DEAD_TIME_MS


class RelayPair:
    """Two relays with interlock and dead time. Opening never waits."""

    def __init__(self, pin_in, pin_out, is_active_low, clock):
        """`pin_in`, `pin_out`: output pins already at their inactive level. `clock`: Clock."""
        self._pins = {"in": pin_in, "out": pin_out}
        self._active = 0 if is_active_low else 1
        self._clock = clock
        self.closed = None  # "in", "out" or None
        # What a reset opened, it opened just now.
        self._opened_at_us = clock.now_us()
        self.moved_us = self._opened_at_us  # when a coil was last driven or let go
        self.open()

    def open(self):
        """Open both at once."""
        for pin in self._pins.values():
            pin.value(1 - self._active)
        if self.closed:
            self.closed = None
            self._opened_at_us = self.moved_us = self._clock.now_us()

    def close(self, name):
        """Close relay `name` ("in" or "out") and return True, or False while it must wait.

        False while either relay is closed or was less than the dead time ago.
        """
        if self.closed == name:
            return True
        if self.closed or self._clock.now_us() - self._opened_at_us < DEAD_TIME_MS * 1000:
            return False
        self.closed = name
        self._pins[name].value(self._active)
        self.moved_us = self._clock.now_us()
        return True

    def state(self):
        """Return "open", "in" or "out", as records say it."""
        return self.closed or "open"
