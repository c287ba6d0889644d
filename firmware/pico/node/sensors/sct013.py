"""SCT-013-010 current transformer on an ADC channel: sums of codes in, an rms current in uA out.

10 A give 1 V rms around a bias of half the reference. A transformer passes no DC.
"""

from node import blocks
from node.quantity import Quantity
from node.windows import square_root

AMPERES_PER_VOLT = 10
SMALLEST_CODES_MILLI = 2_500  # 20 mA, half of what a class 1 meter starts at (0.4 % of 10 A)
SMALLEST_COHERENCE_PERCENT = 15  # a 45..65 Hz sine gives 25 to 40, noise 9 and less
SLOWEST_UHZ = 42_000_000
FASTEST_UHZ = 70_000_000


class Sct013:
    """One transformer of the 10 A : 1 V kind, its burden inside."""

    name = "sct013-010"
    is_alternating = True

    def __init__(self, calibration, rate_mhz):
        """`rate_mhz`: frames per 1000 s."""
        self._calibration = calibration
        self._rate_mhz = rate_mhz

    def measure(self, span, channel):
        """Return the rms current over `span`: a Quantity in uA with the fundamental's frequency.

        Irms = 10 * Vref / 4096 * sqrt(mean(c^2) - mean(c)^2 - noise^2). What is too small, or does
        not swing like a mains current, reads 0 with the flag `no_signal`.
        """
        sums = span.channels[channel]
        flags = ["overrange"] if sums.railed else []
        codes_milli = self._codes_milli(sums)
        if not self._is_mains(span, sums, codes_milli):
            return Quantity(0, tuple(flags + ["no_signal"]))
        current_ua = codes_milli * AMPERES_PER_VOLT * self._calibration.reference_uv
        current_ua //= 4096 * 1000
        frequency_uhz = span.cycles * 256_000 * self._rate_mhz // span.weight
        return Quantity(max(0, self._calibration.correct(current_ua)), tuple(flags), frequency_uhz)

    def _codes_milli(self, sums):
        """Return the rms in 1/1000 code, the mean and the noise at no load removed."""
        mean_part = sums.total - blocks.BIAS_CODE * sums.weight
        spread = sums.squares * sums.weight - mean_part * mean_part
        noise = self._calibration.noise_millicodes
        spread = spread * 1_000_000 - noise * noise * sums.weight * sums.weight
        return square_root(spread) // sums.weight if spread > 0 else 0

    def _is_mains(self, span, sums, codes_milli):
        if not span.cycles or codes_milli < SMALLEST_CODES_MILLI:
            return False
        frequency_uhz = span.cycles * 256_000 * self._rate_mhz // span.weight
        if not SLOWEST_UHZ <= frequency_uhz <= FASTEST_UHZ:
            return False
        swing_milli = span.swing * 16 * 1000 // span.weight
        return swing_milli * 100 >= SMALLEST_COHERENCE_PERCENT * codes_milli
