"""The grid's side of the bus: no home behind it, never full and never empty."""

from __future__ import annotations

import datetime

import pytest

from tools.bench.grid import grid_house
from tools.bench.house import Wiring


@pytest.mark.parametrize("sink_w", [6.0, 0.0])
def test_grid_takes_and_gives_at_any_hour_and_stays_as_it_is(sink_w):
    house = grid_house(Wiring())
    before = house.battery.soc
    for hour in range(0, 24 * 8, 5):
        house.follow_profile(datetime.datetime(2026, 11, 23) + datetime.timedelta(hours=hour))
        assert (house.home_load_w, house.home_pv_w) == (0.0, 0.0)
        house.port.sink_w, house.port.source_w = sink_w, 6.0 - sink_w
        house.balance(float(hour))
        assert house.port.source_v > 12.0
        assert (house.battery_w > 0) == (sink_w > 0)
        house.integrate(3600.0)
    assert house.battery.soc == before
