"""The meter of the bus branch: INA226 samples in, bus energy and `BusSample`s out."""

from node.trips import BusSample

OPENED_US, CLOSED_US = 4_000, 8_000  # from a coil's edge to the contact's


class BusMeter:
    """Integrates bus power between samples by the trapezoid rule, on microseconds.

    Where the current began or ended with this node's own contact, the time of the contact divides
    the interval instead: however late the next sample is, no energy is made up.
    """

    def __init__(self, sensor, registers, clock, creep_ua, relays):
        """`sensor`: Ina226 or None. `creep_ua`: smaller currents are 0.

        `relays`: RelayPair, for when it last moved.
        """
        self._sensor = sensor
        self._lag_us = sensor.lag_us if sensor else 0
        self._registers = registers
        self._clock = clock
        self._creep_ua = creep_ua
        self._relays = relays
        self._last_us = None
        self._last_power_uw = 0
        self.sample = None  # the last BusSample; kept when the sensor stops answering
        self.failures = 0  # in a row
        self.is_fitted = sensor is not None
        self._is_overrange = False

    def read(self):
        """Return a fresh BusSample, or None when the sensor is absent or did not answer."""
        if self._sensor is None:
            return None
        try:
            voltage_uv, current_ua = self._sensor.read()
        except OSError:
            self.failures += 1
            # What flowed while the meter was blind is not known: never estimated.
            self._last_us = None
            return None
        self.failures = 0
        self._is_overrange = self._is_overrange or self._sensor.is_overrange
        if abs(current_ua) < self._creep_ua:
            current_ua = 0
        self._integrate(voltage_uv * current_ua // 1_000_000)
        bus = (self._registers["bus_import"], self._registers["bus_export"])
        self.sample = BusSample(self._clock.now_ms(), voltage_uv, current_ua, bus)
        return self.sample

    def take_flags(self):
        """Return the quality flags, as names, of the samples since the last call."""
        flags = ("overrange",) if self._is_overrange else ()
        self._is_overrange = False
        return flags + (("sensor_stale",) if self.failures else ())

    def power_uw(self):
        """Return the power of the last sample."""
        return self._last_power_uw

    def _integrate(self, power_uw):
        now_us = self._clock.now_us()
        if self._last_us is not None:
            self._count(power_uw, now_us)
        self._last_us = now_us
        self._last_power_uw = power_uw

    def _count(self, power_uw, now_us):
        add, last_uw = self._registers.add_signed, self._last_power_uw
        duration_us = now_us - self._last_us
        moved_us = self._relays.moved_us
        if power_uw == 0 and not self._relays.closed:
            # Over with the contact, not halfway to this sample.
            left_us = moved_us + OPENED_US + self._lag_us - self._last_us
            add("bus", last_uw, max(0, min(duration_us, left_us)))
        elif last_uw == 0 and self._relays.closed and moved_us >= self._last_us:
            flowed_us = now_us - moved_us - CLOSED_US - self._lag_us
            add("bus", power_uw, max(0, flowed_us))
        else:
            # Halves apart, so that a reversal in between counts for each direction.
            add("bus", last_uw, duration_us // 2)
            add("bus", power_uw, duration_us - duration_us // 2)
