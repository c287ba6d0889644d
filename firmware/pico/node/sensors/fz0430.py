"""FZ0430 voltage divider module on an ADC channel: sums of codes in, a DC voltage in uV out."""

from node.quantity import Quantity
from node.sensors.direct import Direct

UPPER_OHM, LOWER_OHM = 30_000, 7_500
MODULE_RATIO_MILLI = 5_000
WITH_10K_RATIO_MILLI = 8_000  # 10 kOhm across S and -: full scale 26.4 V on a 3.3 V ADC


def ratio_milli(series_ohm=0, parallel_ohm=None):
    """Return input over output voltage in 1/1000 with a resistor before the module or across it.

    `series_ohm`: between the source and the module's input. `parallel_ohm`: across S and -.
    """
    lower_milli = LOWER_OHM * 1000
    if parallel_ohm:
        lower_milli = LOWER_OHM * parallel_ohm * 1000 // (LOWER_OHM + parallel_ohm)
    total_milli = (UPPER_OHM + series_ohm) * 1000 + lower_milli
    return (total_milli * 1000 + lower_milli // 2) // lower_milli


class Fz0430(Direct):
    """One module. `ratio_milli`: input over output voltage, in 1/1000."""

    name = "fz0430"

    def __init__(self, channel, calibration, ratio_milli=MODULE_RATIO_MILLI):
        super().__init__(channel, calibration)
        self._ratio_milli = ratio_milli

    def measure(self, span):
        """Return the mean voltage over `span`: a Quantity in uV, `overrange` if the ADC was full.

        V = code * Vref / 4096 * ratio.
        """
        sums = span.channels[self.channel]
        mean_uv = self.scaled_uv(sums, self._ratio_milli)
        flags = ("overrange",) if sums.highest >= 4095 else ()
        return Quantity(self.calibration.correct(mean_uv), flags)
