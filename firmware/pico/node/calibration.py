"""Corrections of one ADC channel, from the settings of this board."""

NOMINAL_REFERENCE_UV = 3_300_000
TEXTS = ("date", "reference")  # when, and by what instrument


class Calibration:
    """value = measured * gain + offset; `offset_micro` is in the unit of the sensor, uV or uA.

    `noise_millicodes`: rms of an alternating channel at no load. `delay_ns`: by how much the signal
    of its transformer comes late. `date` and `reference` are for people and not used here.
    """

    def __init__(self, members=None):
        members = members or {}
        self.gain_ppm = members.get("gain_ppm", 1_000_000)
        self.offset_micro = members.get("offset_micro", 0)
        self.noise_millicodes = members.get("noise_millicodes", 0)
        self.reference_uv = members.get("reference_uv", NOMINAL_REFERENCE_UV)
        self.delay_ns = members.get("delay_ns", 0)

    def correct(self, value):
        """Return `value` after gain and offset."""
        return value * self.gain_ppm // 1_000_000 + self.offset_micro


def is_complete(corrections, names):
    """Tell whether each of `names` (channels, branches) has a gain in the setting `calibration`."""
    return all("gain_ppm" in corrections.get(name, {}) for name in names)
