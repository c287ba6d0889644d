"""Commissioning of the two relays: one is closed alone for a moment; bus voltage and current out.

What they mean is for `trueque board verify` to say. Both are open before and after each step, on
every path: by `finally`, by a timer beside it, and without power by the resistors at their inputs.
"""

import time

from node.house_meter import i2c_part
from node.trips import BusSample, closing_refusal

SETTLE_MS = 600  # a rail without a source is dead after 0.26 s
CLOSED_MS = 400
TIMER_MS = 1_500
READS = 5


class RelayTest:
    """`test`: SelfTest, whose relays and bus meter are used."""

    def __init__(self, test):
        self._test = test
        self._part = i2c_part(test.settings, test.i2c, "bus")

    def rest(self):
        """Return what the bus shows with both relays open, None without a bus meter."""
        self._test.relays.open()
        return self._look()

    def released(self):
        """Return the same with the pins let go: the resistors then open both, whatever level does.

        Tells an inverted `relay_active_low` from a welded contact.
        """
        machine = self._test.machine
        self._test.relays.open()
        try:
            for pin in self._test.relay_pins:
                pin.init(machine.Pin.IN)
            return self._look()
        finally:
            self._test.relays.open()
            for pin in self._test.relay_pins:
                pin.init(machine.Pin.OUT)
            self._test.relays.open()

    def pulse(self, name):
        """Close relay "in" or "out" alone for CLOSED_MS.

        Return {"refused": why not, or None, "before", "closed", "after": what the bus showed}.
        OUT is closed onto a dead bus only, IN onto a dead or matched one: the rule of deliveries.
        """
        test = self._test
        before = self.rest()
        found = {"refused": self._refusal(name, before), "before": before}
        if found["refused"]:
            return found
        timers = test.machine.Timer
        timer = timers(
            -1, mode=timers.ONE_SHOT, period=TIMER_MS, callback=lambda _: test.relays.open()
        )
        try:
            if not test.relays.close(name):
                found["refused"] = "dead_time"
                return found
            time.sleep_ms(CLOSED_MS // 2)
            found["closed"] = test.read_part(self._part, READS)
        finally:
            test.relays.open()
            timer.deinit()
        found["after"] = self._look()
        return found

    def _refusal(self, name, before):
        if before is None:
            return "sensor_stale"
        limits = self._test.settings.limits
        sample = BusSample(0, before["voltage_uv"], before["current_ua"], (0, 0))
        if name == "out" and before["voltage_uv"] >= limits["dead_voltage_uv"]:
            return "live_bus"
        return closing_refusal(sample, limits, "buyer", 0)  # OUT: dead, as said above

    def _look(self):
        time.sleep_ms(SETTLE_MS)
        if self._part is None:
            return None
        return self._test.read_part(self._part, READS)
