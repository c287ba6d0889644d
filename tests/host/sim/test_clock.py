"""The scenario's clock, tables of the day, and the clear sky."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

from hub.sim.clock import Clock
from hub.sim.series import series
from hub.sim.sky import clear_sky_w_per_m2

SPRING = datetime.datetime(2026, 3, 29)  # clocks go forward at 02:00 in Paris
AUTUMN = datetime.datetime(2026, 10, 25)  # and back at 03:00


def resolve(value, clock):
    return series(Path())("test", value).values(clock)


def test_local_hour_is_skipped_when_clocks_go_forward():
    clock = Clock(SPRING, 60, 4, "Europe/Paris")
    assert (clock.minutes_of_day // 60).tolist() == [0, 1, 3, 4]


def test_local_hour_is_repeated_when_clocks_go_back():
    clock = Clock(AUTUMN, 60, 5, "Europe/Paris")
    assert (clock.minutes_of_day // 60).tolist() == [0, 1, 2, 2, 3]


def test_clock_never_changes_without_a_zone():
    assert (Clock(SPRING, 60, 4).minutes_of_day // 60).tolist() == [0, 1, 2, 3]


def test_daily_table_follows_local_time_when_clocks_change():
    clock = Clock(SPRING, 60, 4, "Europe/Paris")
    assert resolve({"00:00": 0.2, "03:00": 0.3}, clock).tolist() == [0.2, 0.2, 0.3, 0.3]


def test_last_price_of_the_day_holds_after_midnight_when_none_starts_there():
    clock = Clock(datetime.datetime(2026, 1, 1), 360, 4)
    assert resolve({"06:00": 0.2, "18:00": 0.3}, clock).tolist() == [0.3, 0.2, 0.2, 0.3]


@pytest.mark.parametrize(
    "value",
    [[0.1] * 12 + [0.2] * 12, [{"from": "00:00", "value": 0.1}, {"from": "12:00", "value": 0.2}]],
)
def test_table_may_be_a_list_when_it_covers_the_day(value):
    clock = Clock(datetime.datetime(2026, 1, 1), 360, 8)
    assert resolve(value, clock).tolist() == [0.1, 0.1, 0.2, 0.2] * 2


def test_sun_is_highest_at_noon_and_absent_at_night():
    sun = clear_sky_w_per_m2(Clock(datetime.datetime(2026, 6, 21), 60, 24), 47.75)
    assert sun[:3].max() < 1e-6
    assert sun.argmax() in (11, 12)
    # Noon altitude is 90 - 47.75 + 23.45 = 65.7 degrees; half an hour off it a little less.
    cosine = np.sin(np.radians(65.7))
    assert sun.max() == pytest.approx(1098 * cosine * np.exp(-0.057 / cosine), rel=0.01)
