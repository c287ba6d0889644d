"""Which part sits on which ADC channel in, checked; drivers out."""

from node.calibration import Calibration
from node.sensors.fz0430 import Fz0430, ratio_milli
from node.sensors.hall import UV_PER_AMPERE, Hall
from node.sensors.sct013 import Sct013
from node.sensors.zmpt101b import Zmpt101b

CHANNELS = ("ch0", "ch1", "ch2")


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
