"""Irradiance of a cloudless sky: clock and latitude enter, W/m2 on the horizontal leave.

Haurwitz (1945), "Insolation in relation to cloudiness and cloud density", Journal of Meteorology
2, 154-166: GHI = 1098 cos z exp(-0.057 / cos z), quoted from memory; the declination is Cooper's
(1969). Local time is taken as solar time: good for examples, not for a site's yield.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.sim.clock import Clock

PEAK_W_PER_M2 = 1098.0
EXTINCTION = 0.057
TILT_DEG = 23.45
LOWEST_COSINE = 1e-3  # the sun at the horizon: less than 1e-20 W/m2


def clear_sky_w_per_m2(clock: Clock, latitude_deg: float) -> npt.NDArray[np.float64]:
    """Return the mean irradiance of each slot in W/m2, taken at its middle."""
    day_of_year = (
        clock.local_times.astype("datetime64[D]") - clock.local_times.astype("datetime64[Y]")
    ).astype(np.int64) + 1
    declination = np.radians(TILT_DEG) * np.sin(2 * np.pi * (284 + day_of_year) / 365)
    hours = (clock.minutes_of_day + clock.slot_minutes / 2) / 60
    hour_angle = np.radians(15 * (hours - 12))
    latitude = np.radians(latitude_deg)
    cosine = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(
        declination
    ) * np.cos(hour_angle)
    cosine = np.maximum(cosine, LOWEST_COSINE)
    return PEAK_W_PER_M2 * cosine * np.exp(-EXTINCTION / cosine)
