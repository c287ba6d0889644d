"""Optimal schedules against brute force and against each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.sim.community import Storage, Tariff
from hub.sim.optimal import NoSchedule, Pool, schedule
from hub.sim.summary import summarise
from tests.host.thorough import examples

STEP_WH = 100.0


def storage(count=1, **changes):
    values = {
        "lowest_wh": 0.0,
        "highest_wh": 200.0,
        "initial_wh": 100.0,
        "charge_efficiency": 1.0,
        "discharge_efficiency": 1.0,
        "self_discharge": 0.0,
        "charge_limit_w": np.inf,
        "discharge_limit_w": np.inf,
        "is_greedy": False,
        "is_optimal": True,
        "is_final_bounded": False,
        "trades_first": False,
        **changes,
    }
    return Storage(**{name: np.full(count, value) for name, value in values.items()})


def cost_eur(net_w, battery_w, tariff):
    position_kw = (net_w + battery_w) / 1000
    return float(
        np.where(position_kw > 0, position_kw * tariff.retail, position_kw * tariff.feed_in).sum()
    )


def best_by_trial(net_w, tariff, highest_wh=200.0, initial_wh=100.0):
    """Return the least cost over all schedules whose charge moves in whole steps, hourly slots."""
    levels = np.arange(0, highest_wh + 1, STEP_WH)
    best = np.inf
    for path in itertools.product(levels, repeat=len(net_w)):
        battery_w = np.diff(np.array([initial_wh, *path]))
        best = min(best, cost_eur(net_w, battery_w, tariff))
    return best


@settings(deadline=None, max_examples=examples(40))
@given(
    net=st.lists(st.integers(-3, 3), min_size=4, max_size=4),
    retail=st.lists(st.integers(20, 40), min_size=4, max_size=4),
    feed_in=st.integers(0, 20),
)
def test_schedule_costs_as_little_as_trial_finds_when_steps_are_whole(net, retail, feed_in):
    # Loads, limits and charge are multiples of the step, so a best schedule in whole steps exists:
    # the programme is that of a network flow, whose vertices are whole.
    net_w = np.array(net) * STEP_WH
    tariff = Tariff(np.array(retail) / 100, np.full(4, feed_in / 100), None)
    pool = Pool(
        net_w, net_w[:, None], np.maximum(-net_w, 0)[:, None], np.array([np.inf]), storage()
    )
    battery_w = schedule(pool, tariff, 1.0)[:, 0]
    assert cost_eur(net_w, battery_w, tariff) == pytest.approx(best_by_trial(net_w, tariff))


def test_schedule_buys_cheap_and_keeps_losses_when_the_night_is_cheap():
    tariff = Tariff(np.array([0.1, 0.4]), np.array([0.05, 0.05]), None)
    net_w = np.array([0.0, 90.0])
    limits = storage(initial_wh=0.0, charge_efficiency=0.9, discharge_efficiency=0.9)
    pool = Pool(net_w, net_w[:, None], np.zeros((2, 1)), np.array([np.inf]), limits)
    # 90 Wh out need 100 Wh stored need 111.1 Wh bought; selling more at 0.05 does not pay
    assert schedule(pool, tariff, 1.0)[:, 0] == pytest.approx([100 / 0.9, -90.0])


def test_final_charge_is_at_least_the_initial_when_so_wanted():
    tariff = Tariff(np.array([0.3, 0.3]), np.array([0.1, 0.1]), None)
    net_w = np.array([50.0, 50.0])
    bounded = Pool(
        net_w, net_w[:, None], np.zeros((2, 1)), np.array([np.inf]), storage(is_final_bounded=True)
    )
    free = Pool(net_w, net_w[:, None], np.zeros((2, 1)), np.array([np.inf]), storage())
    assert schedule(bounded, tariff, 1.0).sum() == pytest.approx(0)
    assert schedule(free, tariff, 1.0).sum() == pytest.approx(-100)


def test_schedule_is_refused_when_limits_contradict():
    tariff = Tariff(np.array([0.3]), np.array([0.1]), None)
    limits = storage(lowest_wh=150.0, charge_limit_w=10.0)
    pool = Pool(np.zeros(1), np.zeros((1, 1)), np.zeros((1, 1)), np.array([np.inf]), limits)
    with pytest.raises(NoSchedule, match="Infeasible"):
        schedule(pool, tariff, 1.0)


def test_schedule_stores_what_the_connection_cannot_take_when_export_is_limited():
    tariff = Tariff(np.array([0.3, 0.3]), np.array([0.1, 0.1]), None)
    net_w = np.array([-300.0, 0.0])
    pool = Pool(
        net_w,
        net_w[:, None],
        np.array([[300.0], [0.0]]),
        np.array([120.0]),
        storage(initial_wh=0.0),
    )
    # 120 W may leave in each slot: store at least 120 for the second, the rest is curtailed
    battery_w = schedule(pool, tariff, 1.0)[:, 0]
    assert battery_w[1] == pytest.approx(-120)
    assert 120 <= battery_w[0] <= 200


HOMES = """
[scenario]
slots = 24
slot_minutes = 60
[tariffs]
retail_eur_per_kwh = {"00:00" = 0.2, "08:00" = 0.35, "20:00" = 0.2}
feed_in_eur_per_kwh = 0.05
[market]
mechanism = "mid-market-rate"
pooling = POOLING
[[group]]
count = 24
prosumer_share = 0.5
strategy = "STRATEGY"
battery_wh = 4000
battery_charge_w = 2000
soc_min = 0.1
"""


def community_cost(simulated, strategy, pooling):
    text = HOMES.replace("STRATEGY", strategy).replace("POOLING", pooling)
    return summarise(simulated(text))["community"]["cost_eur"]


def test_pooled_schedule_is_never_dearer_when_compared_with_any_other(simulated):
    pooled = community_cost(simulated, "optimal", "true")
    for strategy in ("none", "greedy", "optimal"):
        assert pooled <= community_cost(simulated, strategy, "false") + 1e-9


def test_many_batteries_cost_the_same_when_another_method_solves_them(simulated, monkeypatch):
    # More than SIMPLEX_BATTERIES of them are solved by interior point, without merging.
    text = HOMES.replace("STRATEGY", "optimal").replace("POOLING", "true")
    apart = text + "export_limit_w = 1e9\n"
    interior = summarise(simulated(apart))["community"]["cost_eur"]
    monkeypatch.setattr("hub.sim.optimal.SIMPLEX_BATTERIES", 100)
    assert summarise(simulated(apart))["community"]["cost_eur"] == pytest.approx(interior, rel=1e-7)


def test_merged_batteries_cost_the_same_when_they_are_told_apart(simulated):
    text = HOMES.replace("STRATEGY", "optimal").replace("POOLING", "true")
    merged = summarise(simulated(text))["community"]["cost_eur"]
    # An export limit that never binds keeps every battery by itself.
    apart = summarise(simulated(text + "export_limit_w = 1e9\n"))["community"]["cost_eur"]
    assert merged == pytest.approx(apart, rel=1e-7)


VEHICLE = """
[scenario]
slots = 48
slot_minutes = 60
[tariffs]
retail_eur_per_kwh = { "00:00" = 0.3, "02:00" = 0.1, "04:00" = 0.3 }
[[peer]]
name = "home"
load_w = 100
strategy = "STRATEGY"
[peer.vehicle]
need_wh = 3600
arrival = "18:00"
departure = "07:00"
charge_w = 3000
charge_efficiency = 0.9
"""


def test_vehicle_charges_in_the_cheap_hours_of_its_stay_when_it_is_optimal(simulated):
    outcome = simulated(VEHICLE.replace("STRATEGY", "optimal"))
    vehicle_w = outcome.details["load"][:, 0] - 100
    # 4000 Wh a stay at the house; stays: 0-7 h, 18 h - 7 h, and 18 h until the run ends
    assert vehicle_w[2:4].sum() == pytest.approx(4000)
    assert vehicle_w[26:28].sum() == pytest.approx(4000)
    assert vehicle_w[42:48].sum() == pytest.approx(4000)
    assert vehicle_w.sum() == pytest.approx(12_000)
    assert vehicle_w.max() <= 3000 + 1e-6


def test_vehicle_uses_the_same_energy_for_less_when_it_is_optimal(simulated):
    clever = simulated(VEHICLE.replace("STRATEGY", "optimal"))
    plain = simulated(VEHICLE.replace("STRATEGY", "none"))
    assert clever.totals["load"] == pytest.approx(plain.totals["load"])
    # Two stays reach the cheap hours: 2 x 4 kWh at 0.1 instead of 0.3; 4 kWh of the first stay
    # were drawn from 0:00, before them
    assert plain.totals["cost"][0] - clever.totals["cost"][0] == pytest.approx(2 * 4 * 0.2)


def test_vehicle_and_battery_are_scheduled_together_when_the_community_pools(simulated):
    battery = "battery_wh = 2000\nbattery_charge_w = 1000\n"
    text = VEHICLE.replace("STRATEGY", "optimal").replace("[peer.veh", battery + "[peer.veh")
    other = '[[peer]]\nname = "other"\nload_w = 300\nstrategy = "optimal"\n' + battery
    pooled = simulated(text + other + "[market]\npooling = true\n")
    alone = simulated(text + other)
    assert pooled.totals["cost"].sum() <= alone.totals["cost"].sum() + 1e-9
