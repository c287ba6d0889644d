"""Corrections of one ADC channel, from the settings of this board."""

NOMINAL_REFERENCE_UV = 3_300_000
LIMITS = {
    "gain_ppm": (500_000, 1_500_000),
    "offset_micro": (-100_000_000, 100_000_000),
    "noise_millicodes": (0, 100_000),
    "reference_uv": (2_500_000, 3_600_000),
    "delay_ns": (-80_000, 80_000),
}
LINE = ("gain_ppm", "offset_micro")  # all there is to a part on I2C
TEXTS = ("date", "reference")  # when, and by what instrument
LONGEST_TEXT = 80


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


def problems(members, where, known=LIMITS):
    """Return sentences that name each wrong member of one channel's calibration."""
    if not isinstance(members, dict):
        return [where + " must be an object"]
    found = []
    for name, value in members.items():
        if name in TEXTS:
            if not isinstance(value, str) or len(value) > LONGEST_TEXT:
                found.append("%s.%s must be a text of up to %d" % (where, name, LONGEST_TEXT))
            continue
        if name not in known:
            found.append(where + "." + str(name) + " is not known")
            continue
        low, high = LIMITS[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            found.append("%s.%s must be an integer from %d to %d" % (where, name, low, high))
    return found
