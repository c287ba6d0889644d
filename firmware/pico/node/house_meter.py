"""Metering windows of the ADC in; PV, battery and load quantities with their flags out."""

from wire.records import QUALITY


class HouseMeter:
    """Measures each window with the profile's sensors and keeps the latest quantities."""

    def __init__(self, sensors, branches, registers, mains_voltage_mv):
        """`sensors`: one per ADC channel: PV, load, battery. `branches`: (PV, battery) meters."""
        self._sensors = sensors
        self.pv, self.battery = branches
        self._registers = registers
        self._mains_voltage_mv = mains_voltage_mv
        self._flags = 0
        self.load_current_ua = None
        self.load_frequency_uhz = None
        self.load_apparent_uva = None

    def measure(self, span, duration_us):
        """Meter one window (Span)."""
        pv, load, battery = [
            sensor.measure(span, channel) for channel, sensor in enumerate(self._sensors)
        ]
        self.pv.measure(pv, duration_us)
        self.battery.measure(battery, duration_us)
        self.load_current_ua = load.value
        self.load_frequency_uhz = load.frequency_uhz
        # Without a voltage channel only the apparent power, from the nominal mains voltage.
        self.load_apparent_uva = load.value * self._mains_voltage_mv // 1000
        self._registers.add("load_apparent", self.load_apparent_uva, duration_us)
        for quantity in (pv, load, battery):
            for flag in quantity.flags:
                self._flags |= QUALITY[flag]
        if self.pv.is_stale or self.battery.is_stale:
            self._flags |= QUALITY["sensor_stale"]

    def forget(self):
        """Know no quantity any more: nothing has been measured for a while."""
        self.load_current_ua = self.load_frequency_uhz = self.load_apparent_uva = None
        self.pv.forget()
        self.battery.forget()
        self._flags |= QUALITY["sensor_stale"]

    def take_flags(self):
        """Return the quality flags of the windows since the last call."""
        flags = self._flags
        self._flags = 0
        return flags
