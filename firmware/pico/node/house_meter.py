"""Metering windows of the ADC in; PV, battery and load quantities with their flags out."""

from wire.records import QUALITY

from node.branch_meter import BranchMeter
from node.calibration import Calibration
from node.load_meter import LoadMeter


def i2c_part(settings, i2c, branch):
    """Return the driver of a branch's part on `i2c` (machine.I2C), None when none is fitted."""
    part = settings.ina226.get(branch)
    if not part:
        return None
    # Only the fitted one: the other would take memory.
    if part.get("part") == "ina219":
        from node.sensors.ina219 import Ina219

        driver = Ina219
    else:
        from node.sensors.ina226 import Ina226

        driver = Ina226
    correction = Calibration(settings.calibration.get(branch))
    return driver(i2c, part["address"], part["shunt_uohm"], correction)


def build_house(settings, fitted, i2c, registers):
    """Return the HouseMeter of these settings. `fitted`: {quantity: driver} of the ADC channels."""
    branches = []
    for name in ("pv", "battery"):
        current = fitted.get(name + "_current")
        if current is None:
            current = i2c_part(settings, i2c, name)
            if current:
                current.configuration = current.steady
        parts = (fitted.get(name + "_voltage"), current)
        branches.append(BranchMeter(name, parts, registers, settings.limits["creep_ua"]))
    voltage = fitted.get("load_voltage")
    load = LoadMeter(fitted.get("load_current"), voltage, registers, settings.mains_voltage_mv)
    return HouseMeter(branches, load)


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
