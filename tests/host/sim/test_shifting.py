"""Load that moves within its day: where shiftable appliances run, and the house's limits."""

from __future__ import annotations

import numpy as np
import pytest

from hub.sim.dashboard import dashboards

DAY = """
[scenario]
slot_minutes = 60
slots = 24
[tariffs]
retail_eur_per_kwh = { "00:00" = 0.1, "06:00" = 0.5 }
feed_in_eur_per_kwh = 0.05
"""
WASHER = """
[[peer]]
name = "home"
appliances = [
  { power_w = 1000, shiftable_share = 0.5, runs = [{ from = "18:00", to = "20:00" }] },
]
"""


def test_an_appliance_runs_when_it_is_cheap_and_did_not_run_before(simulated):
    outcome = simulated(DAY + WASHER)
    load_w = outcome.details["load"][:, 0]
    # The day's mean is 0.4: of the shiftable 1 kWh a quarter leaves the evening, 0.125 kWh an hour.
    assert load_w[18:20] == pytest.approx([875, 875], abs=2)
    assert load_w[:6] == pytest.approx([250 / 6] * 6, abs=1)
    assert not load_w[6:18].any()
    assert load_w.sum() == pytest.approx(2000)
    assert outcome.totals["cost"] == pytest.approx([0.25 * 0.1 + 1.75 * 0.5], abs=1e-3)
    assert dashboards(outcome)["home"]["appliances"][0]["energy_kwh"] == pytest.approx(2.0)


def test_no_more_moves_than_the_appliance_can_draw_when_few_slots_are_cheap(simulated):
    short = DAY.replace('"06:00" = 0.5', '"01:00" = 0.5') + "[market]\nelasticity = 30\n"
    busy = WASHER.replace("runs = [{", 'runs = [{ from = "00:00", to = "00:30" }, {')
    load_w = simulated(short + busy).details["load"][:, 0]
    # Half of the one cheap hour is taken: 0.5 kWh can join, though 1 kWh would leave.
    assert load_w[0] == pytest.approx(1000, abs=2)
    assert load_w.sum() == pytest.approx(2500)


def test_an_appliance_that_always_runs_has_nowhere_to_move(simulated):
    always = '[[peer]]\nname = "home"\nappliances = [{ power_w = 100, shiftable_share = 1 }]\n'
    outcome = simulated(DAY + always)
    assert outcome.details["load"][:, 0] == pytest.approx([100.0] * 24)


@pytest.mark.parametrize("elastic", ["", "elastic_share = 0.4\n"])
def test_load_stays_within_its_limits_when_it_moves(simulated, elastic):
    limits = "load_max_w = 1100\nload_min_w = 190\n"
    limited = WASHER + "load_w = 200\n" + elastic + limits
    outcome = simulated(DAY + "[market]\nelasticity = 5\n" + limited)
    still = simulated(DAY + limited.replace("shiftable_share = 0.5", "shiftable_share = 0").replace(
        "elastic_share = 0.4", "elastic_share = 0"))  # fmt: skip
    load_w = outcome.details["load"][:, 0]
    assert load_w.max() <= 1100 + 1e-6
    assert load_w.min() >= 190 - 1e-6
    assert load_w.sum() == pytest.approx(still.details["load"].sum())
    assert outcome.totals["cost"][0] < still.totals["cost"][0] - 0.05


def test_a_scheduled_vehicle_gets_what_it_needs_when_load_moves_beside_it(simulated):
    car = 'need_wh = 5000, charge_w = 2000, arrival = "18:00", departure = "05:00"'
    home = WASHER + "load_w = 200\nload_max_w = 1500\n"
    home += 'strategy = "optimal"\nvehicle = { ' + car + " }\n"
    outcome = simulated(DAY + "[market]\nelasticity = 5\n" + home + "elastic_share = 0.4\n")
    still = simulated(DAY + home.replace("shiftable_share = 0.5", "shiftable_share = 0"))
    load_w = outcome.details["load"][:, 0]
    assert load_w.max() <= 1500 + 1e-6
    assert load_w.sum() == pytest.approx(still.details["load"].sum())
    assert outcome.totals["cost"][0] < still.totals["cost"][0] - 0.02


def test_days_keep_their_energy_whatever_the_price(simulated):
    random = np.random.default_rng(5)
    for _ in range(5):
        prices = [round(float(one), 3) for one in random.uniform(0.1, 0.6, 48)]
        text = DAY.replace("slots = 24", "slots = 48").replace(
            '{ "00:00" = 0.1, "06:00" = 0.5 }', str(prices)
        )
        load_w = simulated(text + WASHER + "load_w = 50\nelastic_share = 0.3\n").details["load"]
        days = load_w[:, 0].reshape(2, 24).sum(axis=1)
        assert days == pytest.approx([3200.0, 3200.0])
        assert load_w.min() >= 0
