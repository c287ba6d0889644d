"""What transformers on ADC channels have in common: sums of codes in, an rms in micro-units out."""

from node.quantity import Quantity
from node.roots import square_root
from node.spans import BIAS_CODE

SMALLEST_COHERENCE_PERCENT = 15  # a 45..65 Hz sine gives 25 to 40, noise 9 and less
OPEN_CODES = 600  # off the middle, where a tenth of the range would be left; parts shift it by 150
SLOWEST_UHZ = 42_000_000
FASTEST_UHZ = 70_000_000


class Alternating:
    """A signal around a bias of half the reference; a transformer passes no DC.

    `per_volt_milli`: what one volt at the pin stands for, in 1/1000 V or A. `smallest_milli`: a
    smaller rms, in 1/1000 code, reads 0. `sets_cycles`: the windows follow this channel.
    """

    is_alternating = True

    def __init__(self, channel, calibration, rate_mhz):
        """`rate_mhz`: frames per 1000 s."""
        self.channel = channel
        self.calibration = calibration
        self.sets_cycles = True
        self._rate_mhz = rate_mhz

    def measure(self, span):
        """Return the rms over `span`: a Quantity with the fundamental's frequency.

        rms = scale * Vref / 4096 * sqrt(mean(c^2) - mean(c)^2 - noise^2): whatever the bias is, it
        is removed anew from every window. What is too small, or does not swing like mains, reads 0
        with the flag `no_signal`; so does a pin whose bias is missing, and is `sensor_open` too.
        """
        sums = span.channels[self.channel]
        flags = ["overrange"] if sums.railed else []
        if abs(sums.total - BIAS_CODE * sums.weight) > OPEN_CODES * sums.weight:
            # No bias at the pin: its plug is out, and what is read is nobody's current.
            return Quantity(0, tuple(flags + ["no_signal", "sensor_open"]))
        codes_milli = self._codes_milli(sums, self.calibration.noise_millicodes)
        frequency_uhz = self._frequency_uhz(span)
        if not self._is_mains(span, frequency_uhz, codes_milli):
            return Quantity(0, tuple(flags + ["no_signal"]))
        value = codes_milli * self.per_volt_milli * self.calibration.reference_uv
        value //= 4096 * 1_000_000
        return Quantity(max(0, self.calibration.correct(value)), tuple(flags), frequency_uhz)

    def nano_per_code(self):
        """Return what one code stands for, in nV or nA, gain included."""
        reference_uv = self.calibration.reference_uv
        return self.per_volt_milli * reference_uv * self.calibration.gain_ppm // (4096 * 1_000_000)

    def _frequency_uhz(self, span):
        return span.cycles * 256_000 * self._rate_mhz // span.weight

    def rms_millicodes(self, span):
        """Return the rms over `span` in 1/1000 code, noise included; at no load it is the noise."""
        return self._codes_milli(span.channels[self.channel], 0)

    def _codes_milli(self, sums, noise):
        """Return the rms in 1/1000 code, the mean and `noise` (in 1/1000 code) removed."""
        mean_part = sums.total - BIAS_CODE * sums.weight
        spread = sums.squares * sums.weight - mean_part * mean_part
        spread = spread * 1_000_000 - noise * noise * sums.weight * sums.weight
        return square_root(spread) // sums.weight if spread > 0 else 0

    def _is_mains(self, span, frequency_uhz, codes_milli):
        if not span.cycles or codes_milli < self.smallest_milli:
            return False
        if not SLOWEST_UHZ <= frequency_uhz <= FASTEST_UHZ:
            return False
        if not self.sets_cycles:
            return True
        swing_milli = span.swing * 16 * 1000 // span.weight
        return swing_milli * 100 >= SMALLEST_COHERENCE_PERCENT * codes_milli
