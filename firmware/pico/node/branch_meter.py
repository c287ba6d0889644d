"""The meter of PV or battery: its voltage from the ADC, its current by I2C, energy to registers."""


class BranchMeter:
    """One DC branch of the house. Members are None while their sensor is not fitted or silent."""

    def __init__(self, name, sensor, registers, is_export_positive):
        """`name`: "pv" or "battery". `sensor`: Ina226 or None. PV counts production as export."""
        self._sensor = sensor
        self._registers = registers
        self._ports = (name + "_export", name + "_import")
        if not is_export_positive:
            self._ports = (name + "_import", name + "_export")
        self.is_fitted = sensor is not None
        self.is_stale = False
        self.voltage_uv = None
        self.current_ua = None
        self.power_uw = None

    def forget(self):
        """Know no quantity any more until the next window."""
        self.voltage_uv = self.current_ua = self.power_uw = None

    def measure(self, voltage, duration_us):
        """Take the voltage (Quantity) of a window of `duration_us` and meter the branch over it."""
        self.voltage_uv = voltage.value
        if self._sensor is None:
            return
        try:
            self.current_ua = self._sensor.measure()[1]
        except OSError:
            self.current_ua = self.power_uw = None
            self.is_stale = True
            return
        self.is_stale = False
        self.power_uw = self.voltage_uv * self.current_ua // 1_000_000
        register = self._ports[0] if self.power_uw >= 0 else self._ports[1]
        self._registers.add(register, abs(self.power_uw), duration_us)
