"""FZ0430 voltage divider module on an ADC channel: sums of codes in, a DC voltage in uV out."""

from node.quantity import Quantity

MODULE_RATIO_MILLI = 5_000  # 30 kOhm over 7.5 kOhm
WITH_10K_RATIO_MILLI = 8_000  # and 10 kOhm across S and -: full scale 26.4 V on a 3.3 V ADC


class Fz0430:
    """One module. `ratio_milli`: input over output voltage, in 1/1000."""

    name = "fz0430"
    is_alternating = False

    def __init__(self, calibration, ratio_milli=MODULE_RATIO_MILLI):
        self._calibration = calibration
        self._ratio_milli = ratio_milli

    def measure(self, span, channel):
        """Return the mean voltage over `span`: a Quantity in uV, `overrange` if the ADC was full.

        V = code * Vref / 4096 * ratio.
        """
        sums = span.channels[channel]
        scale = self._calibration.reference_uv * self._ratio_milli
        mean_uv = (sums.total * scale) // (sums.weight * 4096 * 1000)
        flags = ("overrange",) if sums.highest >= 4095 else ()
        return Quantity(self._calibration.correct(mean_uv), flags)
