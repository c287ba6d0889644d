"""What a channel read at two known inputs in, its gain and offset out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hub.errors import TruequeError

PPM = 1_000_000
SMALLEST_SPAN = 0.2
"""Between the two inputs, as a share of the larger: closer, noise would decide the gain."""
LARGEST_CORRECTION = 0.15
"""A channel that is further off is wired wrong or of another part; 5 % resistors give 10 %."""


class CalibrationRefused(TruequeError):
    """The inputs or readings cannot be those of a sound channel; the sentence says why."""


@dataclass(frozen=True)
class Point:
    """A known input and what the board read, both in uV or uA."""

    true: int
    read: int

    @property
    def error_percent(self) -> float:
        """Error of the reading in percent of the input."""
        return 100 * (self.read - self.true) / self.true


@dataclass(frozen=True)
class Phase:
    """What node/measure.py's Phase returns: sums of the products of load current and voltage.

    `products`: of the same frame, and with the voltage of the frame before. `frames256`: summed
    over, in 1/256 frame. `cycles`: of the mains.
    """

    products: Sequence[int]
    frames256: int
    cycles: int


def delay_ns(phase: Phase, rate_hz: int, steps: int) -> int:
    """Return by how much the current's signal comes later than the voltage's, in ns.

    At a resistive load, where both are in phase. `steps`: thirds of a frame from the current's
    conversion to the voltage's. With w the angle of the mains in a frame and a that of the voltage
    sample after the current's, the products are cos(a) and cos(a - w) times the same.
    """
    at_once, frame_earlier = phase.products
    if at_once <= 0 or not phase.cycles:
        raise CalibrationRefused("load current and voltage are not in phase: turn the clamp round")
    turn = 2 * math.pi * phase.cycles * 256 / phase.frames256
    angle = math.atan((frame_earlier / at_once - math.cos(turn)) / math.sin(turn))
    late_frames = angle / turn
    return round((late_frames - steps / 3) * 1e9 / rate_hz)


def two_points(channel: str, points: Sequence[Point], offset: int = 0) -> dict[str, int]:
    """Return `gain_ppm` and `offset_micro` of the straight line through two points.

    value = read * gain + offset, as firmware/pico/node/calibration.py computes it. `offset`: what
    a sound part may be off at any input. Raises
    CalibrationRefused when the points are too close or further off than a sound channel can be.
    """
    low, high = sorted(points, key=lambda point: point.true)
    for point in (low, high):
        if point.true <= 0:
            raise CalibrationRefused(f"{channel}: the known input must be above 0")
        if abs(point.read - point.true) > LARGEST_CORRECTION * point.true + offset:
            raise CalibrationRefused(
                f"{channel}: reads {point.read / 1e6:.4g} where {point.true / 1e6:.4g} is applied; "
                "look at the wiring, the part and the setting of its ratio"
            )
    if high.true - low.true < SMALLEST_SPAN * high.true or high.read <= low.read:
        raise CalibrationRefused(f"{channel}: the two inputs are too close to each other")
    gain_ppm = round((high.true - low.true) * PPM / (high.read - low.read))
    offset = high.true - high.read * gain_ppm // PPM
    return {"gain_ppm": gain_ppm, "offset_micro": offset}
