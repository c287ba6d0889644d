"""What DC parts on ADC channels have in common: sums of codes in, the mean at the pin out."""

from node.roots import square_root
from node.spans import BIAS_CODE
from node.wide_codes import WideCodes


class Direct:
    """A DC signal on an ADC channel."""

    is_alternating = False

    def __init__(self, channel, calibration):
        self.channel = channel
        self.calibration = calibration
        self._wide_codes = None

    def resolve_wide_codes(self):
        """From now on find a steady input inside the converter's wide codes too."""
        self._wide_codes = WideCodes(self.calibration.noise_millicodes)

    def scaled_uv(self, sums, ratio_milli):
        """Return the mean voltage at the pin times `ratio_milli` / 1000."""
        total = sums.total
        if self._wide_codes:
            total += self._wide_codes.correction(sums)
        scale = self.calibration.reference_uv * ratio_milli
        return (total * scale) // (sums.weight * 4096 * 1000)

    def rms_millicodes(self, span):
        """Return the rms around the mean over `span` in 1/1000 code: a steady input's noise."""
        sums = span.channels[self.channel]
        mean_part = sums.total - BIAS_CODE * sums.weight
        spread = (sums.squares * sums.weight - mean_part * mean_part) * 1_000_000
        return square_root(max(0, spread)) // sums.weight
