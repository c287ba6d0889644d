"""Home profiles: energy is kept, dates find their week, the default day is sunny."""

import csv
import datetime

import pytest

from tools.bench.profile import (
    DEFAULT_START,
    MAINS_FUSE_W,
    PROFILES_DIR,
    load_home,
    nearest_week,
    power_within_hour,
    profile_of_house,
)

STEPS = 720


@pytest.mark.parametrize(
    "hours", [(100.0, 200.0, 300.0), (0.0, 50.0, 2000.0), (2000.0, 10.0, 2000.0), (5.0, 0.0, 5.0)]
)
def test_power_keeps_the_hours_energy_when_neighbours_differ(hours):
    powers = [power_within_hour(*hours, (step + 0.5) / STEPS) for step in range(STEPS)]
    assert sum(powers) / STEPS == pytest.approx(hours[1], rel=1e-9, abs=1e-9)
    assert min(powers) >= 0


def test_power_is_continuous_when_an_hour_ends():
    hours = [0.0, 300.0, 2000.0, 20.0, 0.0]
    for at in range(1, 3):
        end = power_within_hour(hours[at - 1], hours[at], hours[at + 1], 1.0)
        start = power_within_hour(hours[at], hours[at + 1], hours[at + 2], 0.0)
        assert end == pytest.approx(start)


def test_profile_gives_the_bundled_energy_when_integrated_over_a_day():
    home = load_home(9, has_pv=True)
    with (PROFILES_DIR / "home-09.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["start_local"].startswith("2017-03-28")]
    midnight = datetime.datetime(2017, 3, 28)
    powers = [
        home.pv_w(midnight + datetime.timedelta(seconds=60 * step + 30)) for step in range(1440)
    ]
    assert sum(powers) / 60 == pytest.approx(sum(int(row["pv_wh"]) for row in rows), rel=1e-3)


def test_nearest_week_ignores_the_year_when_the_date_is_of_another():
    mondays = [datetime.date(2016, 12, 5), datetime.date(2017, 2, 6), datetime.date(2017, 3, 27)]
    assert nearest_week(datetime.date(2026, 3, 25), mondays) == mondays[2]
    assert nearest_week(datetime.date(2026, 1, 2), mondays) == mondays[0]
    assert nearest_week(datetime.date(2017, 3, 28), mondays) == mondays[2]


@pytest.mark.parametrize("number", range(1, 20, 2))
def test_prosumers_have_surplus_when_the_default_day_is_replayed(number):
    profile = profile_of_house(number)
    day = DEFAULT_START.replace(hour=10, minute=0)
    for quarter in range(26):  # 10:00 to 16:15
        at = day + datetime.timedelta(minutes=15 * quarter)
        assert profile.pv_w(at) > profile.load_w(at)


@pytest.mark.parametrize("number", (2, 4, 6, 8, 10, 20))
def test_consumers_have_load_and_no_pv_when_the_default_day_is_replayed(number):
    profile = profile_of_house(number)
    for hour in range(24):
        at = DEFAULT_START.replace(hour=hour)
        assert profile.pv_w(at) == 0
        assert 0 < profile.load_w(at) <= MAINS_FUSE_W


def test_houses_differ_when_homes_repeat():
    at = DEFAULT_START
    loads = {round(profile_of_house(number).load_w(at), 3) for number in range(1, 21)}
    assert len(loads) == 20
