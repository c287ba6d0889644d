"""What a channel read at two known inputs in, its gain and offset out."""

from __future__ import annotations

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


def two_points(channel: str, points: Sequence[Point]) -> dict[str, int]:
    """Return `gain_ppm` and `offset_micro` of the straight line through two points.

    value = read * gain + offset, as firmware/pico/node/calibration.py computes it. Raises
    CalibrationRefused when the points are too close or further off than a sound channel can be.
    """
    low, high = sorted(points, key=lambda point: point.true)
    for point in (low, high):
        if point.true <= 0:
            raise CalibrationRefused(f"{channel}: the known input must be above 0")
        if abs(point.error_percent) > 100 * LARGEST_CORRECTION:
            raise CalibrationRefused(
                f"{channel}: reads {point.read / 1e6:.4g} where {point.true / 1e6:.4g} is applied; "
                "look at the wiring, the part and the setting of its ratio"
            )
    if high.true - low.true < SMALLEST_SPAN * high.true or high.read <= low.read:
        raise CalibrationRefused(f"{channel}: the two inputs are too close to each other")
    gain_ppm = round((high.true - low.true) * PPM / (high.read - low.read))
    offset = high.true - high.read * gain_ppm // PPM
    return {"gain_ppm": gain_ppm, "offset_micro": offset}
