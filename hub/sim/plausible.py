"""Warns about magnitudes that suggest a mix-up of units: series enter, sentences leave."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.sim.columns import FIRST_ROW
from hub.sim.scenario import Peer, Scenario

Values = npt.NDArray[np.float64]

SMALL_LOAD_W = 20.0  # a house whose largest mean power is below this is likely given in kW or kWh
LARGE_LOAD_W = 1e6
SMALL_GHI_W_PER_M2 = 2.0
LARGE_GHI_W_PER_M2 = 1500.0  # above the solar constant, 1361 W/m2
LARGE_PRICE_EUR_PER_KWH = 3.0
SMALL_BATTERY_WH = 100.0


def magnitude_warnings(scenario: Scenario, load_w: Values, retail: Values) -> list[str]:
    """Return one sentence for each quantity whose magnitude is unlikely in its unit."""
    found = []
    for peer, column in zip(scenario.peers, load_w.T, strict=True):
        where = f"{scenario.path}, [[peer]] {peer.name}"
        source = peer.load_w.csv
        if source is not None:
            row = int(column.argmax()) + FIRST_ROW
            where += f", load_w ({source[0]}, row {row}, column {source[1]})"
        largest = column.max()
        if 0 < largest < SMALL_LOAD_W:
            found.append(f"{where}: at most {largest:g} W; is the column in kW or kWh, not in W?")
        if largest > LARGE_LOAD_W:
            found.append(f"{where}: up to {largest:g} W; is the column in mW, or a whole town?")
        found += _generation_warnings(scenario, peer)
        capacity_wh = peer.battery.capacity_wh
        if 0 < capacity_wh < SMALL_BATTERY_WH:
            found.append(f"{where}, battery_wh: {capacity_wh:g} Wh; is it in kWh?")
    ghi = scenario.weather.ghi_w_per_m2
    if ghi is not None:
        largest = ghi.values(scenario.clock).max()
        if 0 < largest < SMALL_GHI_W_PER_M2:
            found.append(f"{ghi.where}: at most {largest:g} W/m2; is it in kW/m2?")
        if largest > LARGE_GHI_W_PER_M2:
            found.append(f"{ghi.where}: up to {largest:g} W/m2, more than the sun gives")
    if retail.max() > LARGE_PRICE_EUR_PER_KWH:
        found.append(
            f"{scenario.path}, [tariffs]: up to {retail.max():g} EUR/kWh; is it in ct/kWh or "
            "EUR/MWh?"
        )
    return found


def _generation_warnings(scenario: Scenario, peer: Peer) -> list[str]:
    found = []
    for name, series in (("pv_w", peer.pv_w), ("hydro, power_w", peer.hydro_w)):
        largest = 0.0 if series is None else series.values(scenario.clock).max()
        if 0 < largest < SMALL_LOAD_W:
            where = f"{scenario.path}, [[peer]] {peer.name}, {name}"
            found.append(f"{where}: at most {largest:g} W; is it in kW or kWh, not in W?")
    return found
