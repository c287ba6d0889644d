"""Blocks of known inputs in, what each ADC channel reads in the mean out: for calibration and test.

The sensors are those of the settings, with whatever calibration stands there.
"""

from node.fitting import sensors
from node.windows import build_windows


class Measurement:
    """Means over the windows of one measurement."""

    def __init__(self, settings, rate_mhz, chip):
        """`rate_mhz`: frames per 1000 s. `chip`: adc.Rp2040 or adc.Rp2350."""
        self._fitted = sensors(
            settings.sensors, settings.calibration, rate_mhz, settings.divider_ratio
        )
        self._windows = build_windows(self._fitted, rate_mhz, settings, chip)
        self._count = 0
        self._means = {
            quantity: {"value": 0, "rms_millicodes": 0, "flags": []} for quantity in self._fitted
        }

    def feed(self, frames, frame_count):
        """Take one block."""
        for span in self._windows.feed(frames, frame_count):
            self._count += 1
            for quantity, sensor in self._fitted.items():
                self._add(self._means[quantity], sensor, span)

    def _add(self, mean, sensor, span):
        measured = sensor.measure(span)
        mean["value"] += measured.value
        if sensor.is_alternating:
            mean["rms_millicodes"] += sensor.rms_millicodes(span)
        for flag in measured.flags:
            if flag not in mean["flags"]:
                mean["flags"].append(flag)

    def result(self):
        """Return {quantity: {value in uV or uA, rms_millicodes, flags}}.

        `rms_millicodes`: of an alternating channel, noise included. Raises ValueError when not one
        window has ended.
        """
        if not self._count:
            raise ValueError("too short for a window")
        for mean in self._means.values():
            mean["value"] = (mean["value"] + self._count // 2) // self._count
            mean["rms_millicodes"] //= self._count
        return self._means
