"""The calibration of one board: a board and known inputs in, its calibration and errors out."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from node.profiles import PROFILES
from node.sensors.fz0430 import WITH_10K_RATIO_MILLI, ratio_milli
from node.sensors.hall import UV_PER_AMPERE
from node.sensors.sct013 import TURNS
from node.settings import LIMITS, SHUNT_UV

from tools.board.fit import CalibrationRefused, Phase, Point, delay_ns, two_points

LARGEST_NOISE_MILLICODES = 20_000
LARGEST_ERROR_PERCENT = 1.0
"""At the point between, once calibrated: more is not a straight line."""
MAINS_V = 230.0
MAINS_HZ = 50.0
LARGEST_DELAY_NS = 80_000
"""1.4 degrees at 50 Hz; node/calibration.py takes no more."""
HALL_OFFSET = 0.2
"""Of the upper input: a Hall part's own offset (40 mV) and that of a supply 5 % off 5 V."""
FULL_PIN_V = 3.2
"""Of the 3.3 V at the pin, what a sagging reference surely leaves."""


@dataclass(frozen=True)
class Channel:
    """One ADC channel, or the current of a branch that has a part on I2C.

    `points`: inputs asked for, in V or A; `check`: one between them.
    """

    name: str
    quantity: str
    unit: str
    points: tuple[float, float]
    check: float
    is_alternating: bool = False
    is_on_i2c: bool = False
    is_resistive: bool = False
    """Of a load current: whether only a resistive load will do."""


class BoardUnderTest(Protocol):
    """The seam to a board: virtual now, by mpremote on a serial port later."""

    name: str
    settings: dict[str, Any]
    rate_hz: int

    def measure(self, calibration: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """Return what each quantity reads in the mean of some seconds, so calibrated.

        {quantity: {"value" in uV or uA, "rms_millicodes", "flags"}}, as node/measure.py says.
        """

    def save(self, calibration: Mapping[str, Any]) -> None:
        """Store the calibration in the board's settings.json."""


class KnownInputs(Protocol):
    """Who applies inputs: a technician with instruments, or the bench itself."""

    def apply(self, channel: Channel, value: float) -> float:
        """Apply about `value` in V or A, 0 for nothing; return what the reference shows."""


@dataclass(frozen=True)
class Outcome:
    """One channel's new calibration, and a point between its two, read before and after."""

    channel: Channel
    members: dict[str, Any]
    before: Point
    after: Point


def channels_of(settings: Mapping[str, Any]) -> list[Channel]:
    """Return what is to be calibrated of a board, by its settings (node/settings.py's schema).

    The currents on I2C come last: their shunts count with their tolerance.
    """
    fitted = dict(PROFILES[settings.get("profile", "thesis")].FITTED)
    fitted.update(settings.get("sensors", {}))
    found = []
    for name, part in sorted(fitted.items()):
        full = full_scale(part, settings.get("divider_ratio", WITH_10K_RATIO_MILLI))
        low = 0.4 if part["part"] == "zmpt101b" else 0.1
        is_alternating = part["measures"].startswith("load_")
        unit = "V" if part["measures"].endswith("_voltage") else "A"
        points = (_tidy(low * full), _tidy(0.9 * full))
        channel = Channel(name, part["measures"], unit, points, _tidy(full / 2), is_alternating)
        found.append(channel)
    for branch, part in sorted(settings.get("ina226", {}).items()):
        full = full_current(branch, part, settings)
        points = (_tidy(0.1 * full), _tidy(0.9 * full))
        quantity = branch + "_current"
        found.append(Channel(branch, quantity, "A", points, _tidy(full / 2), is_on_i2c=True))
    return found


def full_current(branch: str, part: Mapping[str, Any], settings: Mapping[str, Any]) -> float:
    """Return the largest current in A of a branch with a part on I2C.

    What its shunt can show, with room for its tolerance; on the bus, what the node opens at.
    """
    full = 0.85 * SHUNT_UV[part.get("part", "ina226")] / part["shunt_uohm"]
    if branch != "bus":
        return full
    limit_ua = settings.get("limits", {}).get("over_current_ua", LIMITS["over_current_ua"][2])
    return float(min(full, limit_ua / 1e6))


def full_scale(part: Mapping[str, Any], divider_ratio: int) -> float:
    """Return the largest input of a part in V or A, with room for its tolerance.

    `part`: as in the setting `sensors`. `divider_ratio`: of an FZ0430 without resistors, in 1/1000.
    """
    name = part["part"]
    if name == "fz0430":
        ratio = divider_ratio
        if "series_ohm" in part or "parallel_ohm" in part:
            ratio = int(ratio_milli(part.get("series_ohm", 0), part.get("parallel_ohm")))
        return FULL_PIN_V * ratio / 1000
    if name == "zmpt101b":
        return 250.0
    if name in UV_PER_AMPERE:
        swing_a = 1.5 * part["divider_milli"] * 1000 / UV_PER_AMPERE[name]
        return float(min(swing_a, 0.95 * int(name[-2:])))  # a name ends in the part's range
    return 10.0 if name == "sct013-010" else 1.1 * TURNS / part["burden_ohm"]


def _tidy(value: float) -> float:
    """Round to what a technician can set: two digits."""
    return float(f"{value:.2g}")


def calibrate(
    board: BoardUnderTest,
    inputs: KnownInputs,
    channels: list[Channel],
    reference: str,
    tell: Callable[[str], None] = lambda sentence: None,
) -> list[Outcome]:
    """Calibrate `channels`, save, and return what changed. Other channels keep what they have.

    `reference`: the instrument, stored with today's date. Raises CalibrationRefused before
    anything is saved.
    """
    calibration = dict(board.settings.get("calibration", {}))
    outcomes = []
    for channel in channels:
        tell(f"{channel.name}: {channel.quantity.replace('_', ' ')}")
        before = calibration.get(channel.name, {})
        members = _calibrate_channel(board, inputs, channel)
        members["date"] = datetime.date.today().isoformat()
        members["reference"] = reference
        calibration[channel.name] = members
        outcomes.append(_check(board, inputs, channel, (before, members)))
    clamp = next((each for each in channels if each.quantity == "load_current"), None)
    mains = next((each for each in channels_of(board.settings) if each.name in calibration
                  and each.quantity == "load_voltage"), None)  # fmt: skip
    if clamp and mains:
        tell("phase: load current and voltage")
        outcomes.append(_calibrate_delay(board, inputs, (clamp, mains), calibration))
    board.save(calibration)
    return outcomes


def _calibrate_delay(
    board: BoardUnderTest,
    inputs: KnownInputs,
    pair: tuple[Channel, Channel],
    calibration: dict[str, Any],
) -> Outcome:
    """Measure by how much the current's signal comes later than the voltage's, and keep it.

    The errors told are those of power at a power factor of 0.5.
    """
    clamp, mains = pair
    inputs.apply(mains, MAINS_V)
    amperes = inputs.apply(replace(clamp, is_resistive=True), clamp.check)
    delay_ns = _delay_ns(board, pair)
    if abs(delay_ns) > LARGEST_DELAY_NS:
        raise CalibrationRefused(
            f"{clamp.name}: its signal comes {delay_ns / 1000:+.0f} us after that of {mains.name}; "
            "is the load resistive alone, and the clamp on the conductor whose voltage is measured?"
        )
    again_ns = _delay_ns(board, pair)
    known = calibration[clamp.name].get("delay_ns", 0)
    calibration[clamp.name]["delay_ns"] = delay_ns
    calibration[mains.name] = {**calibration[mains.name], "delay_ns": 0}
    points = [_power_at_half(MAINS_V * amperes, left) for left in (again_ns - known,
                                                                  again_ns - delay_ns)]  # fmt: skip
    channel = Channel(clamp.name, "load_power", "W", clamp.points, clamp.check)
    return Outcome(channel, calibration[clamp.name], *points)


def _delay_ns(board: BoardUnderTest, pair: tuple[Channel, Channel]) -> int:
    clamp, mains = pair
    found = board.measure({})
    for channel in pair:
        if found[channel.quantity]["flags"]:
            raise CalibrationRefused(f"{channel.name}: {found[channel.quantity]['flags'][0]}")
    steps = int(mains.name[-1]) - int(clamp.name[-1])
    return delay_ns(Phase(**found["phase"]), board.rate_hz, steps)


def _power_at_half(apparent_w: float, left_ns: int) -> Point:
    """Return the power read at a power factor of 0.5 when so much delay is left."""
    turn = math.radians(60) + 2 * math.pi * MAINS_HZ * left_ns * 1e-9
    return Point(round(apparent_w * 0.5e6), round(apparent_w * math.cos(turn) * 1e6))


def _calibrate_channel(
    board: BoardUnderTest, inputs: KnownInputs, channel: Channel
) -> dict[str, Any]:
    """Return gain and offset; the noise of a transformer at no load, of a DC channel at any."""
    members: dict[str, Any] = {}
    if channel.is_alternating and channel.unit == "A":
        inputs.apply(channel, 0.0)
        members["noise_millicodes"] = _noise(board, channel)
    # Offset and gain are fitted to what is left once the noise is gone.
    points = []
    for wanted in channel.points:
        true = inputs.apply(channel, wanted)
        if not channel.is_alternating and not channel.is_on_i2c and not members:
            members["noise_millicodes"] = _noise(board, channel)
        points.append(Point(round(true * 1e6), _read(board, channel, members)))
    is_hall = channel.unit == "A" and not (channel.is_alternating or channel.is_on_i2c)
    offset = round(HALL_OFFSET * channel.points[1] * 1e6) if is_hall else 0
    return {**members, **two_points(channel.name, points, offset)}


def _check(
    board: BoardUnderTest,
    inputs: KnownInputs,
    channel: Channel,
    calibrations: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> Outcome:
    """Read a point between the two with the calibration before and the new one."""
    true = round(inputs.apply(channel, channel.check) * 1e6)
    before, after = (Point(true, _read(board, channel, members)) for members in calibrations)
    if abs(after.error_percent) > LARGEST_ERROR_PERCENT:
        raise CalibrationRefused(
            f"{channel.name}: {after.error_percent:+.2f} % off between the two points: "
            "an input was not what was entered; nothing is saved"
        )
    return Outcome(channel, dict(calibrations[1]), before, after)


def _read(board: BoardUnderTest, channel: Channel, members: Mapping[str, Any]) -> int:
    found = board.measure({channel.name: members})[channel.quantity]
    if "overrange" in found["flags"]:
        raise CalibrationRefused(f"{channel.name}: the input is beyond the converter's range")
    if "sensor_stale" in found["flags"]:
        raise CalibrationRefused(f"{channel.name}: its part on I2C does not answer")
    if "no_signal" in found["flags"]:
        raise CalibrationRefused(f"{channel.name}: no signal of 45 to 65 Hz")
    return int(found["value"])


def _noise(board: BoardUnderTest, channel: Channel) -> int:
    noise = int(board.measure({})[channel.quantity]["rms_millicodes"])
    if noise > LARGEST_NOISE_MILLICODES:
        raise CalibrationRefused(f"{channel.name}: {noise / 1000:.1f} codes of noise: not steady")
    return noise
