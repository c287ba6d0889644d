"""Which part sits on which ADC channel in, checked; drivers out."""

from node.calibration import Calibration
from node.sensors.fz0430 import Fz0430, ratio_milli
from node.sensors.hall import UV_PER_AMPERE, Hall
from node.sensors.sct013 import Sct013
from node.sensors.zmpt101b import Zmpt101b

CHANNELS = ("ch0", "ch1", "ch2")
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


def sensors(fitted, corrections, rate_mhz, divider_ratio):
    """Return {quantity: driver}.

    `fitted`: {channel: {"part", "measures", options}}. `corrections`: the calibration settings.
    `divider_ratio`: of an FZ0430 without resistors of its own.
    """
    built = {}
    for place, name in enumerate(CHANNELS):
        calibration = Calibration(corrections.get(name))
        part = fitted[name]
        built[part["measures"]] = _build(part, place, calibration, (rate_mhz, divider_ratio))
    return built


def _build(fitted, channel, calibration, board):
    part = fitted["part"]
    rate_mhz, divider_ratio = board
    if part == "fz0430":
        ratio = divider_ratio
        if "series_ohm" in fitted or "parallel_ohm" in fitted:
            ratio = ratio_milli(fitted.get("series_ohm", 0), fitted.get("parallel_ohm"))
        return Fz0430(channel, calibration, ratio)
    if part == "zmpt101b":
        return Zmpt101b(channel, calibration, rate_mhz)
    if part in UV_PER_AMPERE:
        return Hall(channel, calibration, part, fitted["divider_milli"])
    return Sct013(channel, calibration, rate_mhz, fitted.get("burden_ohm"))


def problems(fitted, on_i2c):
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
