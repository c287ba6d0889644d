"""The meter of the AC load: current and, where fitted, voltage of a window in, energy out."""

from node.sensors.zmpt101b import real_power_uw


class LoadMeter:
    """Real power with a voltage channel; without one only the apparent, at the nominal voltage.

    `power_uw` and `voltage_uv` are None without a voltage channel: so a reading tells which it is.
    """

    def __init__(self, current, voltage, registers, mains_voltage_mv):
        """`current`, `voltage`: drivers or None. `mains_voltage_mv`: nominal."""
        self._current = current
        self._voltage = voltage
        self._registers = registers
        self._nominal_uv = mains_voltage_mv * 1000
        self.is_real = current is not None and voltage is not None
        self.forget()

    def forget(self):
        """Know no quantity any more until the next window."""
        self.current_ua = self.voltage_uv = self.frequency_uhz = None
        self.power_uw = self.apparent_uva = None

    def power_factor_permille(self):
        """Return real over apparent power, None without a voltage channel or without load."""
        if not self.apparent_uva or self.power_uw is None:
            return None
        return self.power_uw * 1000 // self.apparent_uva

    def measure(self, span, duration_us):
        """Meter one window (Span) of `duration_us`; return the quality flags."""
        flags, voltage_uv = (), self._nominal_uv
        if self._voltage:
            voltage = self._voltage.measure(span)
            flags, voltage_uv = voltage.flags, voltage.value
            self.voltage_uv, self.frequency_uhz = voltage_uv, voltage.frequency_uhz
        if not self._current:
            return flags
        current = self._current.measure(span)
        self.current_ua = current.value
        if not self._voltage:
            self.frequency_uhz = current.frequency_uhz
        self.apparent_uva = current.value * voltage_uv // 1_000_000
        self._registers.add("load_apparent", self.apparent_uva, duration_us)
        if self.is_real:
            # Below the starting current there is no power, whatever the noise multiplies to.
            self.power_uw = 0
            if self.apparent_uva:
                self.power_uw = real_power_uw(span, self._current, self._voltage)
            self._registers.add_signed("load", self.power_uw, duration_us)
        return flags + current.flags
