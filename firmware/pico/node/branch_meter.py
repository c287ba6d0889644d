"""The meter of PV or battery: its voltage and its current in, energy to registers."""

SURE_UV = 1_000_000  # a voltage that is no offset of any sensor


class BranchMeter:
    """One DC branch of the house. Members are None while their sensor is not fitted or silent."""

    def __init__(self, name, sensors, registers, creep_ua):
        """`name`: "pv" or "battery". `sensors`: (of voltage, of current), either may be None.

        PV counts production as export. A current below `creep_ua` is 0: the offset of a sensor must
        not become energy. Without a voltage sensor the voltage is what the current's part reads.
        """
        self._voltage, self._current = sensors
        self._registers = registers
        self._creep_ua = creep_ua
        self._ports = (name + "_import", name + "_export")
        if name == "pv":
            self._ports = (name + "_export", name + "_import")
        self.is_fitted = self._current is not None
        self.is_stale = False
        self.forget()

    def forget(self):
        """Know no quantity any more until the next window."""
        self.voltage_uv = self.current_ua = self.power_uw = None

    def measure(self, span, duration_us):
        """Meter the branch over one window (Span) of `duration_us`; return the quality flags."""
        flags = ()
        self.forget()
        if self._voltage is not None:
            voltage = self._voltage.measure(span)
            self.voltage_uv, flags = voltage.value, voltage.flags
        if self._current is None:
            return flags
        try:
            flags += self._measure_current(span)
        except OSError:
            self.is_stale = True
            return flags + ("sensor_stale",)
        self.is_stale = False
        if "sensor_open" in flags:
            self.power_uw = 0  # of a plug that is out: nobody's energy
            return flags
        self.power_uw = self.voltage_uv * self.current_ua // 1_000_000
        register = self._ports[0] if self.power_uw >= 0 else self._ports[1]
        self._registers.add(register, abs(self.power_uw), duration_us)
        return flags

    def _is_divider_open(self):
        """Tell whether the part on I2C sees a voltage of which the divider shows less than half."""
        beside_uv = getattr(self._current, "voltage_uv", None)
        return beside_uv is not None and beside_uv > max(SURE_UV, 2 * self.voltage_uv)

    def _measure_current(self, span):
        flags = ()
        if self._voltage is None:
            self.voltage_uv, current_ua = self._current.read()
            flags = self._current.flags()
        else:
            current = self._current.measure(span)
            current_ua, flags = current.value, current.flags
            if self._is_divider_open():
                flags += ("sensor_open",)
        self.current_ua = current_ua if abs(current_ua) >= self._creep_ua else 0
        return flags
