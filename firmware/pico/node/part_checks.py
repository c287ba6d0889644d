"""The settings `sensors` and `calibration` in; sentences that name what is wrong with them out.

Only settings.py needs this, and both leave the memory once the settings are checked.
"""

from node.calibration import TEXTS
from node.fitting import CHANNELS
from node.sensors.hall import UV_PER_AMPERE

DIRECT_VOLTAGES = ("pv_voltage", "battery_voltage")
DIRECT_CURRENTS = ("pv_current", "battery_current")
QUANTITIES = DIRECT_VOLTAGES + DIRECT_CURRENTS + ("load_current", "load_voltage")
MEASURED_BY = {  # part: quantities it can measure
    "fz0430": DIRECT_VOLTAGES,
    "sct013-010": ("load_current",),
    "sct013-000": ("load_current",),
    "zmpt101b": ("load_voltage",),
}
OPTIONS = {  # part: {option: (lowest, highest)}
    "fz0430": {"series_ohm": (0, 1_000_000), "parallel_ohm": (1_000, 1_000_000)},
    "sct013-010": {},
    "sct013-000": {"burden_ohm": (1, 1_000)},
    "zmpt101b": {},
}
for _part in UV_PER_AMPERE:
    MEASURED_BY[_part] = DIRECT_CURRENTS
    OPTIONS[_part] = {"divider_milli": (1_000, 5_000)}
REQUIRED = ("burden_ohm", "divider_milli")
LIMITS = {
    "gain_ppm": (500_000, 1_500_000),
    "offset_micro": (-100_000_000, 100_000_000),
    "noise_millicodes": (0, 100_000),
    "reference_uv": (2_500_000, 3_600_000),
    "delay_ns": (-80_000, 80_000),
}
LINE = ("gain_ppm", "offset_micro")  # all there is to a part on I2C
LONGEST_TEXT = 80


def calibration_problems(members, where, known=LIMITS):
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


def fitting_problems(fitted, on_i2c):
    """Return sentences that name what is wrong with the setting `sensors`.

    `fitted`: profile and setting joined. `on_i2c`: branches whose current has an I2C part.
    """
    found = []
    measured = {}
    for channel, part in fitted.items():
        where = "sensors." + str(channel)
        if channel not in CHANNELS:
            found.append(where + " is not known")
        elif not isinstance(part, dict):
            found.append(where + " must be an object")
        else:
            found += _part_problems(part, where)
            quantity = part.get("measures")
            if isinstance(quantity, str) and quantity in measured:
                found.append("%s.measures %s like %s" % (where, quantity, measured[quantity]))
            elif isinstance(quantity, str):
                measured[quantity] = channel
    for branch in ("pv", "battery"):
        if branch + "_current" in measured and branch + "_voltage" not in measured:
            where = "sensors.%s.measures" % measured[branch + "_current"]
            found.append("%s %s_current, which needs %s_voltage too" % (where, branch, branch))
    for branch in on_i2c:
        if str(branch) + "_current" in measured:
            found.append("ina226.%s is also measured on an ADC channel" % branch)
    return found


def _part_problems(part, where):
    name, quantity = part.get("part"), part.get("measures")
    if not isinstance(name, str) or name not in OPTIONS:
        return [where + ".part must be one of " + ", ".join(sorted(OPTIONS))]
    found = []
    if quantity not in MEASURED_BY[name]:
        found.append("%s.measures must be %s" % (where, " or ".join(MEASURED_BY[name])))
    limits = OPTIONS[name]
    for option in part:
        if option not in limits and option not in ("part", "measures"):
            found.append("%s.%s is not known" % (where, option))
    for option, (low, high) in limits.items():
        value = part.get(option)
        if value is None and option not in REQUIRED:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            found.append("%s.%s must be an integer from %d to %d" % (where, option, low, high))
    return found
