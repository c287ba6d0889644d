"""Blocks of known inputs in, what each sensor reads in the mean out: for calibration and test.

The sensors are those of the settings, with whatever calibration stands there.
"""

from node.fitting import sensors
from node.house_meter import i2c_part
from node.spans import BIAS_CODE
from node.windows import Windows, build_windows, table_for


class Measurement:
    """Means over the windows of one measurement."""

    def __init__(self, settings, rate_mhz, chip, i2c):
        """`rate_mhz`: frames per 1000 s. `chip`: adc.Rp2040 or adc.Rp2350. `i2c`: machine.I2C."""
        self._fitted = sensors(
            settings.sensors, settings.calibration, rate_mhz, settings.divider_ratio
        )
        self._windows = build_windows(self._fitted, rate_mhz, settings, chip)
        self._parts = {
            branch + "_current": i2c_part(settings, i2c, branch) for branch in settings.ina226
        }
        self._currents = {quantity: _Current() for quantity in self._parts}
        self._phase = None
        if "load_current" in self._fitted and "load_voltage" in self._fitted:
            self._phase = Phase(self._fitted, rate_mhz, table_for(settings, chip))
        self._count = 0
        self._means = {
            quantity: {"value": 0, "rms_millicodes": 0, "flags": []} for quantity in self._fitted
        }

    def feed(self, frames, frame_count):
        """Take one block, and a look at each part on I2C."""
        for quantity, part in self._parts.items():
            try:
                self._currents[quantity].add(part.measure(None))
            except OSError:
                self._currents[quantity].note(("sensor_stale",))
        if self._phase:
            self._phase.feed(frames, frame_count)
        for span in self._windows.feed(frames, frame_count):
            self._count += 1
            for quantity, sensor in self._fitted.items():
                self._add(self._means[quantity], sensor, span)

    def _add(self, mean, sensor, span):
        measured = sensor.measure(span)
        mean["value"] += measured.value
        mean["rms_millicodes"] += sensor.rms_millicodes(span)
        for flag in measured.flags:
            if flag not in mean["flags"]:
                mean["flags"].append(flag)

    def result(self):
        """Return {quantity: {value in uV or uA, rms_millicodes, flags}}.

        `rms_millicodes`: noise included; of a DC channel nothing but that, and none of a part on
        I2C. With a mains voltage also {"phase": what Phase.result returns}. Raises ValueError when
        not one window has ended.
        """
        if not self._count:
            raise ValueError("too short for a window")
        for mean in self._means.values():
            mean["value"] = (mean["value"] + self._count // 2) // self._count
            mean["rms_millicodes"] //= self._count
        found = dict(self._means)
        for quantity, current in self._currents.items():
            found[quantity] = current.result()
        if self._phase:
            found["phase"] = self._phase.result()
        return found


class _Current:
    """Mean of a part on I2C."""

    def __init__(self):
        self._sum = self._count = 0
        self._flags = []

    def add(self, quantity):
        self._sum += quantity.value
        self._count += 1
        self.note(quantity.flags)

    def note(self, flags):
        for flag in flags:
            if flag not in self._flags:
                self._flags.append(flag)

    def result(self):
        mean = (self._sum + self._count // 2) // max(1, self._count)
        return {"value": mean, "rms_millicodes": 0, "flags": self._flags}


class Phase:
    """Load current and voltage multiplied twice over the same frames: at once, and one frame apart.

    What a transformer delays is found from both by `trueque board calibrate`; no sample is
    interpolated, which would weaken one of them.
    """

    def __init__(self, fitted, rate_mhz, table):
        """`fitted`: {quantity: driver}. `table`: spikes.shift_table."""
        self._channels = [fitted[name].channel for name in ("load_current", "load_voltage")]
        self._windows = [
            Windows(rate_mhz, self._channels[1], table, tuple(self._channels) + (skew256,))
            for skew256 in (0, 256)
        ]
        self._products = [0, 0]
        self._weight = self._cycles = 0

    def feed(self, frames, frame_count):
        """Take one block."""
        for place, windows in enumerate(self._windows):
            for span in windows.feed(frames, frame_count):
                sums = [span.channels[channel] for channel in self._channels]
                means = [each.total - BIAS_CODE * each.weight for each in sums]
                self._products[place] += span.product - means[0] * means[1] // span.weight
                if place == 0:
                    self._weight += span.weight
                    self._cycles += span.cycles

    def result(self):
        """Return {"products": [at once, voltage one frame earlier], "frames256", "cycles"}."""
        return {
            "products": self._products,
            "frames256": self._weight,
            "cycles": self._cycles,
        }
