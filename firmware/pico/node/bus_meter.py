"""The meter of the bus branch: INA226 samples in, bus energy and `BusSample`s out."""

from node.trips import BusSample


class BusMeter:
    """Integrates bus power between samples by the trapezoid rule, on microseconds."""

    def __init__(self, sensor, registers, clock, creep_ua):
        """`sensor`: Ina226 or None when not fitted. `creep_ua`: smaller currents are 0."""
        self._sensor = sensor
        self._registers = registers
        self._clock = clock
        self._creep_ua = creep_ua
        self._last_us = None
        self._last_power_uw = 0
        self.sample = None  # the last BusSample; kept when the sensor stops answering
        self.failures = 0  # in a row
        self.is_fitted = sensor is not None

    def read(self):
        """Return a fresh BusSample, or None when the sensor is absent or did not answer."""
        if self._sensor is None:
            return None
        try:
            voltage_uv, current_ua = self._sensor.measure()
        except OSError:
            self.failures += 1
            # What flowed while the meter was blind is not known: never estimated.
            self._last_us = None
            return None
        self.failures = 0
        if abs(current_ua) < self._creep_ua:
            current_ua = 0
        self._integrate(voltage_uv * current_ua // 1_000_000)
        bus = (self._registers["bus_import"], self._registers["bus_export"])
        self.sample = BusSample(self._clock.now_ms(), voltage_uv, current_ua, bus)
        return self.sample

    def power_uw(self):
        """Return the power of the last sample."""
        return self._last_power_uw

    def _integrate(self, power_uw):
        now_us = self._clock.now_us()
        if self._last_us is not None:
            duration_us = now_us - self._last_us
            # Halves apart, so that a reversal in between counts for each direction.
            self._registers.add_signed("bus", self._last_power_uw, duration_us // 2)
            self._registers.add_signed("bus", power_uw, duration_us - duration_us // 2)
        self._last_us = now_us
        self._last_power_uw = power_uw
