"""Vehicles that leave before they have what they need, and stays that begin and end as they do."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from hub.sim.assets import Vehicle
from hub.sim.clock import Clock
from hub.sim.shortfall import lacking_wh
from hub.sim.summary import summarise
from tests.host.sim.conftest import FLAT

HEAD = f"""
[scenario]
start = 2017-06-05T12:00:00
slot_minutes = 60
slots = 72
{FLAT}
[[peer]]
name = "driver"
load_w = 500
STRATEGY
vehicle = {{ need_wh = 18000, charge_w = 2000, arrival = "18:00", departure = "22:00" }}
[[peer]]
name = "walker"
load_w = 500
"""


@pytest.mark.parametrize("strategy", ["none", "greedy", "optimal"])
def test_what_a_vehicle_lacks_is_reported_and_warned_about(simulated, strategy):
    outcome = simulated(HEAD.replace("STRATEGY", f'strategy = "{strategy}"'))
    # 18 kWh are 20 at the meter; four hours at 2 kW give 8. Three evenings lie in the run.
    peers = summarise(outcome)["peers"]
    assert peers["driver"]["unserved_kwh"] == pytest.approx(3 * 12)
    assert peers["driver"]["load_kwh"] == pytest.approx(0.5 * 72 + 3 * 8)
    assert peers["walker"]["unserved_kwh"] == 0
    assert summarise(outcome)["community"]["unserved_kwh"] == pytest.approx(36)
    (warning,) = outcome.warnings
    assert "scenario.toml, [[peer]] driver, vehicle: 3 of 3 stays are too short" in warning
    assert "36.00 kWh are not served" in warning


@pytest.mark.parametrize("strategy", ["none", "optimal"])
def test_vehicle_takes_what_the_houses_limit_leaves_for_it(simulated, strategy):
    fields = f'strategy = "{strategy}"\nload_max_w = 1500'
    outcome = simulated(HEAD.replace("STRATEGY", fields))
    # 1 kW is left of 1.5 kW: 4 of 20 kWh an evening.
    assert outcome.details["load"].max() <= 1500 + 1e-6
    assert summarise(outcome)["peers"]["driver"]["unserved_kwh"] == pytest.approx(3 * 16)
    assert "within load_max_w 1500" in outcome.warnings[0]


def test_nothing_is_said_where_every_need_is_met(simulated):
    text = HEAD.replace("STRATEGY", "").replace("22:00", "07:00").replace("18000", "9000")
    outcome = simulated(text)
    assert outcome.warnings == []
    assert summarise(outcome)["peers"]["driver"]["unserved_kwh"] == 0


def test_no_unserved_energy_is_shown_where_nobody_has_a_vehicle(simulated):
    text = HEAD.replace("vehicle =", "# ").replace("STRATEGY", "")
    assert "unserved_kwh" not in summarise(simulated(text))["peers"]["driver"]


def clock(hours: int, *, start: int = 12, minutes: int = 60) -> Clock:
    return Clock(datetime.datetime(2017, 6, 5, start), minutes, hours * 60 // minutes)


def test_stays_that_the_run_cuts_lack_nothing_for_sure():
    vehicle = Vehicle(need_wh=90_000, arrival=18 * 60, departure=7 * 60, charge_w=1000)
    # From 20:00 to 20:00 two days later: a stay without its beginning, a whole one, one cut short
    lacks = lacking_wh(vehicle, clock(48, start=20))
    assert lacks == pytest.approx([100_000 - 13_000])


def test_a_vehicle_that_comes_and_goes_within_a_slot_lacks_all():
    vehicle = Vehicle(need_wh=900, arrival=18 * 60 + 10, departure=18 * 60 + 50)
    assert lacking_wh(vehicle, clock(48)) == pytest.approx([1000, 1000])
    assert lacking_wh(vehicle, clock(48, minutes=5)) == pytest.approx([0, 0])


@pytest.mark.parametrize(("arrival", "departure"), [(0, 1440), (18 * 60, 18 * 60)])
def test_a_vehicle_that_never_leaves_needs_the_same_each_day(arrival, departure):
    vehicle = Vehicle(900, arrival, departure, charge_w=500)
    day = clock(72, start=arrival // 60)
    load_w = vehicle.load_w(day.minutes_of_day, 60)
    assert load_w.reshape(3, 24)[:, :3] == pytest.approx(np.array([[500, 500, 0]] * 3))


def test_a_stay_goes_on_when_the_clock_is_set_back():
    vehicle = Vehicle(9000, 22 * 60, 7 * 60, charge_w=1000)
    autumn = Clock(datetime.datetime(2026, 10, 24, 12), 60, 24, "Europe/Paris")
    load_w = vehicle.load_w(autumn.minutes_of_day, 60)
    # Nine hours on the clock are ten: all of 10 kWh at 1 kW.
    assert load_w.sum() == pytest.approx(10_000)
    assert lacking_wh(vehicle, autumn).sum() == 0
