"""Metering windows of the ADC in; PV, battery and load quantities with their flags out."""

from wire.records import QUALITY


class HouseMeter:
    """Measures each window with the meters of the house and keeps the flags."""

    def __init__(self, branches, load):
        """`branches`: (PV, battery), BranchMeters. `load`: LoadMeter."""
        self.pv, self.battery = branches
        self.load = load
        self._flags = 0

    def measure(self, span, duration_us):
        """Meter one window (Span)."""
        for meter in (self.pv, self.battery, self.load):
            for flag in meter.measure(span, duration_us):
                self._flags |= QUALITY[flag]

    def forget(self):
        """Know no quantity any more: nothing has been measured for a while."""
        for meter in (self.pv, self.battery, self.load):
            meter.forget()
        self._flags |= QUALITY["sensor_stale"]

    def take_flags(self):
        """Return the quality flags of the windows since the last call."""
        flags = self._flags
        self._flags = 0
        return flags
