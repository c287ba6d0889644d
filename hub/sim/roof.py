"""Roofs by pvlib: place, tilt and weather enter, AC power of each slot leaves (extra `solar`).

The irradiance given, or else a clear sky (Ineichen and Perez), is split into beam and diffuse
(Erbs), laid onto the module (Hay and Davies), heats the cells (Faiman) and becomes power by PVWatts
5 (NREL/TP-6A20-62641). The sun is taken at the middle of each slot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.errors import BadInput
from hub.sim.clock import Clock

Values = npt.NDArray[np.float64]

TEMPERATURE_COEFFICIENT = -0.004  # of crystalline silicon, per K
INVERTER_EFFICIENCY = 0.96
WIND_M_PER_S = 1.0
TURBIDITY = 3.0  # Linke's, of a clear day in the country
DEGREES_PER_HOUR = 15


@dataclass(frozen=True)
class Roof:
    """One field of modules: nominal DC power, place on earth and orientation (180: south)."""

    peak_w: float
    latitude_deg: float
    longitude_deg: float
    tilt_deg: float = 30.0
    azimuth_deg: float = 180.0
    losses_share: float = 0.14


def roof_power_w(
    clock: Clock, roof: Roof, ghi_w_per_m2: Values | None, temperature_c: Values
) -> Values:
    """Return the mean AC power of each slot in W. Raises BadInput without pvlib."""
    pvlib, pandas = _libraries()
    times = _utc(clock, roof, pandas)
    sun = pvlib.solarposition.get_solarposition(times, roof.latitude_deg, roof.longitude_deg)
    zenith = sun["apparent_zenith"]
    if ghi_w_per_m2 is None:
        airmass = pvlib.atmosphere.get_absolute_airmass(
            pvlib.atmosphere.get_relative_airmass(zenith)
        )
        sky = pvlib.clearsky.ineichen(zenith, airmass, TURBIDITY)
        ghi, dni, dhi = sky["ghi"], sky["dni"], sky["dhi"]
    else:
        ghi = pandas.Series(ghi_w_per_m2, index=times)
        parts = pvlib.irradiance.erbs(ghi, zenith, times)
        dni, dhi = parts["dni"], parts["dhi"]
    plane = pvlib.irradiance.get_total_irradiance(
        roof.tilt_deg,
        roof.azimuth_deg,
        zenith,
        sun["azimuth"],
        dni,
        ghi,
        dhi,
        dni_extra=pvlib.irradiance.get_extra_radiation(times),
        model="haydavies",
    )["poa_global"].fillna(0.0)
    cells_c = pvlib.temperature.faiman(plane, temperature_c, WIND_M_PER_S)
    direct_w = pvlib.pvsystem.pvwatts_dc(plane, cells_c, roof.peak_w, TEMPERATURE_COEFFICIENT)
    direct_w = direct_w * (1 - roof.losses_share)
    rated_w = roof.peak_w / INVERTER_EFFICIENCY
    alternating_w = pvlib.inverter.pvwatts(direct_w, rated_w, INVERTER_EFFICIENCY)
    return np.nan_to_num(np.asarray(alternating_w, dtype=float)).clip(min=0.0)


def _utc(clock: Clock, roof: Roof, pandas: Any) -> Any:
    """Return the middle of each slot in UTC; without a zone local time is the place's mean time."""
    middle = clock.local_times + np.timedelta64(clock.slot_minutes * 30, "s")
    times = pandas.DatetimeIndex(middle.astype("datetime64[ns]"))
    if clock.zone is None:
        shift = pandas.Timedelta(hours=roof.longitude_deg / DEGREES_PER_HOUR)
        return (times - shift).tz_localize("UTC")
    return pandas.DatetimeIndex(
        (clock.utc_times + np.timedelta64(clock.slot_minutes * 30, "s")).astype("datetime64[ns]")
    ).tz_localize("UTC")


def _libraries() -> tuple[Any, Any]:
    try:
        import pandas
        import pvlib
    except ImportError:
        raise BadInput("pv_roof needs pvlib: .venv/bin/pip install 'trueque[solar]'") from None
    return pvlib, pandas
