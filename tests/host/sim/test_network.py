"""The feeder: power flow, limits before clearing, trades curtailed after it (needs pandapower)."""

from __future__ import annotations

import builtins
import csv
import dataclasses

import numpy as np
import pytest

from hub.errors import BadInput
from hub.sim import responding, run
from hub.sim.network.feeder import Feeder, NoPowerFlow
from hub.sim.network.giving_way import Room
from hub.sim.network.guard import Guard
from hub.sim.network.limits import BEFORE, KERBER, Network
from hub.sim.outputs import write_tables
from hub.sim.summary import summarise
from tests.host.sim.conftest import FLAT

pytest.importorskip("pandapower", reason="needs the extra `network`")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

ONE_SLOT = f"""
[scenario]
slot_minutes = 60
slots = 1
{FLAT}[market]
mechanism = "mid-market-rate"
[network]
spacing_m = 200
mode = "MODE"
"""
# The buyer lives at the transformer, the sellers at the far end of 800 m of cable.
HOUSES = """
[[peer]]
name = "buyer"
load_w = 40000
[[peer]]
name = "empty"
[[peer]]
name = "near"
pv_w = 20000
[[peer]]
name = "far"
pv_w = 20000
"""


@pytest.fixture(scope="module")
def feeders():
    return {}


@pytest.fixture(autouse=True)
def one_feeder_each(feeders, monkeypatch):
    """Lay each street once: cables do not depend on what a run does with them."""

    def known(community):
        if community.network is None:
            return None
        street = dataclasses.replace(community.network, where="", mode=BEFORE)
        if (street, community.names) not in feeders:
            feeders[street, community.names] = Feeder(community.network, community.names)
        return feeders[street, community.names]

    for module in (run, responding):
        monkeypatch.setattr(module, "feeder_of", known)


def in_mode(simulated, mode: str, houses: str = HOUSES):
    return simulated(ONE_SLOT.replace("MODE", mode) + houses)


def test_voltages_follow_ohms_law_on_the_street():
    feeder = Feeder(Network("test", spacing_m=100, power_factor=1.0), ("a", "b"))
    state = feeder.flow(np.array([0.0, 10_000.0]))
    # NAYY 4x50 SE: 0.642 ohm/km; 200 m of it at 10 kW: 0.1284 ohm x 10 kW / (400 V)^2 = 0.80 %.
    drop = 10_000 * 0.2 * 0.642 / 400**2
    low_side, _, far = state.voltage_pu[:3] if len(state.voltage_pu) > 2 else (1, 0, 1)
    assert low_side - far == pytest.approx(drop, rel=0.05)
    assert feeder.buses[1:] == ["a", "b"]


def test_response_is_symmetric_and_grows_with_distance():
    response = Feeder(Network("test"), ("a", "b", "c")).response
    for per_watt, sign in ((response.fed, 1), (response.taken, -1)):
        houses = sign * per_watt.voltage_pu_per_w[1:]
        assert np.allclose(houses, houses.T, rtol=1e-2)
        assert np.all(np.diff(np.diag(houses)) > 0)


def test_violations_are_reported_when_nothing_is_done(simulated):
    outcome = in_mode(simulated, "report")
    network = summarise(outcome)["network"]
    assert network["highest_voltage_pu"] > 1.05
    assert network["violations"]["overvoltage"] >= 1
    assert {one.place for one in outcome.guard.watched.violations} >= {"far"}
    assert outcome.totals["curtailed"].sum() == 0


def test_optimal_power_flow_limits_exports_before_the_slot_clears(simulated):
    outcome = in_mode(simulated, "before")
    network = summarise(outcome)["network"]
    assert network["slots_with_violations"] == 0
    # As much as the limit allows, not less: the voltage is at it.
    assert network["highest_voltage_pu"] == pytest.approx(1.05, abs=2e-4)
    # The clearing honours it: what is sold is what was not held back.
    sold_kwh = outcome.totals["sold"]
    assert np.allclose(sold_kwh + outcome.totals["curtailed"], [0, 0, 20, 20])
    assert outcome.totals["curtailed"][3] > 1
    assert outcome.totals["bought"][0] == pytest.approx(sold_kwh.sum())


def test_trades_that_cause_a_violation_are_curtailed_after_the_clearing(simulated):
    before, after = in_mode(simulated, "before"), in_mode(simulated, "after")
    network = summarise(after)["network"]
    assert network["slots_with_violations"] == 0
    assert network["curtailed_trades"] == 2
    assert network["curtailed_trades_kwh"] == pytest.approx(after.totals["curtailed"].sum())
    # Both ways the same energy flows; after the clearing the prices of the full trade hold.
    assert after.totals["sold"] == pytest.approx(before.totals["sold"])
    paid = after.totals["trade_cost"][0]
    assert paid == pytest.approx(after.totals["sold"].sum() * 0.20)
    assert after.totals["trade_income"].sum() == pytest.approx(paid)
    assert after.totals["import"][0] == pytest.approx(40 - after.totals["bought"][0])


def test_trades_of_a_book_are_curtailed_too(simulated):
    text = ONE_SLOT.replace("MODE", "after").replace("mid-market-rate", "uniform")
    outcome = simulated(text + HOUSES)
    assert summarise(outcome)["network"]["slots_with_violations"] == 0
    assert sum(one.energy_kwh for one in outcome.pairs) == pytest.approx(
        outcome.totals["bought"].sum()
    )
    assert len(outcome.curtailed_trades) == 2


def test_what_is_fed_into_the_grid_goes_before_trades(simulated):
    small = HOUSES.replace("load_w = 40000", "load_w = 5000")
    network = summarise(in_mode(simulated, "after", small))["network"]
    assert network["curtailed_trades"] == 0 and network["slots_held_back"] == 1


def test_houses_hold_back_the_same_share_where_one_limit_binds_all(simulated):
    houses = "".join(
        f'[[peer]]\nname = "h{number}"\npv_w = {watts}\n'
        for number, watts in enumerate((8_000, 16_000, 24_000))
    )
    totals = in_mode(simulated, "before", houses).totals
    shares = totals["curtailed"] / (totals["curtailed"] + totals["generation"])
    assert shares == pytest.approx([shares[0]] * 3, abs=1e-3)
    assert shares[0] > 0.05


def test_load_beyond_the_limits_is_reported_since_nobody_can_curtail_it(simulated):
    houses = '[[peer]]\nname = "a"\n[[peer]]\nname = "b"\nload_w = 60000\n'
    outcome = in_mode(simulated, "before", houses)
    assert summarise(outcome)["network"]["violations"]["undervoltage"] >= 1
    assert outcome.totals["curtailed"].sum() == 0
    assert outcome.totals["deferred"].sum() == 0


# 400 m of cable: 40 kW there are 5 % of the voltage too much, 20 kW are not.
FLEXIBLE = """
[[peer]]
name = "seller"
pv_w = 10000
[[peer]]
name = "buyer"
load_w = 40000
elastic_share = 0.5
"""
LATER = FLEXIBLE.replace("load_w = 40000", "load_w = [40000, 1000, 1000]")


def test_flexible_load_waits_before_the_slot_clears_when_the_voltage_would_fall_too_low(simulated):
    outcome = in_mode(simulated, "before", FLEXIBLE)
    record = summarise(outcome)
    assert record["network"]["slots_with_violations"] == 0
    assert record["network"]["slots_waited"] == 1
    # As much as the limit allows, not less: the voltage is at it.
    assert record["network"]["lowest_voltage_pu"] == pytest.approx(0.95, abs=2e-4)
    buyer = record["peers"]["buyer"]
    assert 1 < buyer["deferred_kwh"] < 20
    assert buyer["load_kwh"] == pytest.approx(40 - buyer["deferred_kwh"])
    # The clearing honours it: what is bought and imported is what was left.
    assert buyer["bought_kwh"] + buyer["import_kwh"] == pytest.approx(buyer["load_kwh"])
    assert buyer["unserved_kwh"] == buyer["deferred_kwh"]


def test_load_that_waited_is_served_as_soon_as_the_feeder_bears_it(simulated):
    text = ONE_SLOT.replace("MODE", "before").replace("slots = 1", "slots = 3")
    text = text.replace("[network]", "elasticity = 0\n[network]")
    outcome = simulated(text + LATER)
    peer = summarise(outcome)["peers"]["buyer"]
    assert peer["deferred_kwh"] > 1 and peer["unserved_kwh"] == 0
    assert peer["load_kwh"] == pytest.approx(42)
    assert outcome.details["load"][1, 1] == pytest.approx(1000 + 1000 * peer["deferred_kwh"])


def test_what_cannot_wait_is_served_and_reported_when_flexible_load_is_too_little(simulated):
    record = summarise(
        in_mode(simulated, "before", FLEXIBLE.replace("share = 0.5", "share = 0.01"))
    )
    assert record["peers"]["buyer"]["deferred_kwh"] == pytest.approx(0.4)
    assert record["network"]["violations"]["undervoltage"] >= 1


def test_a_battery_charges_less_and_knows_it_when_the_cable_is_full(simulated):
    houses = """
[[peer]]
name = "a"
[[peer]]
name = "b"
load_w = [0, 50000, 0]
battery_wh = 100000
soc_initial = 0
strategy = "optimal"
"""
    text = ONE_SLOT.replace("MODE", "before").replace("slots = 1", "slots = 3")
    text = text.replace("_kwh = 0.30", "_kwh = [0.1, 0.9, 0.9]").replace("kwh = 0.10", "kwh = 0")
    planned = simulated(text.replace('"before"', '"report"') + houses)
    assert planned.details["battery"][:, 1] == pytest.approx([50000, -50000, 0])
    outcome = simulated(text + houses)
    charged, discharged, _ = outcome.details["battery"][:, 1]
    assert 10000 < charged < 45000
    assert discharged == pytest.approx(-charged)  # no more than is in it
    assert outcome.stored_wh[1] == pytest.approx(0, abs=1e-6)
    assert outcome.guard.watched.lowest_pu[0] == pytest.approx(0.95, abs=2e-4)


def test_a_discharge_into_a_full_cable_stays_in_the_battery(simulated):
    houses = """
[[peer]]
name = "a"
[[peer]]
name = "b"
battery_wh = 60000
soc_initial = 1
strategy = "optimal"
"""
    outcome = in_mode(simulated, "before", houses)
    assert summarise(outcome)["network"]["slots_with_violations"] == 0
    fed_kwh = outcome.totals["discharged"][1]
    assert 10 < fed_kwh < 59
    assert outcome.stored_wh[1] == pytest.approx(60000 - 1000 * fed_kwh)
    assert outcome.totals["curtailed"].sum() == 0


def test_vehicles_wait_for_room_on_the_cable_until_they_leave(simulated):
    houses = """
[[peer]]
name = "a"
[[peer]]
name = "b"
[peer.vehicle]
need_wh = 44000
charge_w = 44000
charge_efficiency = 1
arrival = "00:00"
departure = "UNTIL"
"""
    text = ONE_SLOT.replace("MODE", "before").replace("slots = 1", "slots = 3")
    stays = summarise(simulated(text + houses.replace("UNTIL", "03:00")))
    assert stays["network"]["slots_with_violations"] == 0
    assert stays["peers"]["b"]["load_kwh"] == pytest.approx(44)
    assert stays["peers"]["b"]["unserved_kwh"] == 0
    leaves = summarise(simulated(text + houses.replace("UNTIL", "01:00")))
    b = leaves["peers"]["b"]
    assert b["unserved_kwh"] == pytest.approx(44 - b["load_kwh"]) == b["deferred_kwh"]


def test_purchases_that_cause_a_violation_are_curtailed_after_the_clearing(simulated):
    houses = FLEXIBLE.replace("pv_w = 10000", 'pv_w = 38000\n[[peer]]\nname = "between"')
    before, after = in_mode(simulated, "before", houses), in_mode(simulated, "after", houses)
    for outcome in (before, after):
        assert summarise(outcome)["network"]["slots_with_violations"] == 0
    assert after.totals["deferred"] == pytest.approx(before.totals["deferred"], rel=1e-3)
    assert after.totals["import"][2] == 0  # what comes from the grid went first
    [lost] = after.curtailed_trades
    assert lost.energy_kwh == pytest.approx(38 - after.totals["bought"][2])
    # The seller keeps what it was not paid for, and the grid takes it.
    assert after.totals["export"][0] == pytest.approx(lost.energy_kwh)
    assert after.totals["trade_income"][0] == pytest.approx(0.20 * after.totals["sold"][0])


def test_tables_say_where_and_when(simulated, tmp_path):
    outcome = in_mode(simulated, "report")
    write_tables(tmp_path, outcome, summarise(outcome), "csv")
    with (tmp_path / "violations.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {"slot", "start_local", "kind", "place", "value", "limit"} == set(rows[0])
    assert ("overvoltage", "far") in {(row["kind"], row["place"]) for row in rows}
    with (tmp_path / "network.csv").open() as file:
        assert float(next(csv.DictReader(file))["highest_voltage_pu"]) > 1.05


def test_a_network_of_the_literature_has_room_for_more_peers_than_houses():
    names = tuple(f"h{number}" for number in range(10))
    feeder = Feeder(Network("test", feeder=KERBER[0]), names)
    assert 0.9 < feeder.flow(np.full(10, 2_000.0)).voltage_pu.min() < 1.0


def test_impossible_load_and_unknown_parts_are_said_plainly(simulated):
    feeder = Feeder(Network("file, [network]", spacing_m=500), ("a", "b"))
    with pytest.raises(NoPowerFlow, match="cannot carry the load"):
        feeder.flow(np.array([0.0, 5e6]))
    assert feeder.flow(np.zeros(2)).voltage_pu.min() > 0.99  # and goes on afterwards
    with pytest.raises(BadInput, match="cable: pandapower knows no 'string'"):
        Feeder(Network("file, [network]", cable="string"), ("a",))


def test_scenario_without_pandapower_says_what_to_install(simulated, monkeypatch, feeders):
    feeders.clear()
    real = builtins.__import__

    def without(name, *rest, **named):
        if name == "pandapower":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadInput, match=r"trueque\[network\]"):
        in_mode(simulated, "report")


def test_nothing_is_held_back_when_nothing_is_near_a_limit():
    guard = Guard(Network("test"), Feeder(Network("test"), ("a", "b")))
    position_w = np.array([[500.0, -500.0]])
    room = Room(np.array([0.0, 500.0]), np.array([500.0, 0.0]))
    assert not guard.change_w(position_w, room).any()


def test_curtailing_after_the_clearing_is_refused_with_a_shared_battery(simulated):
    pool = "[pool]\ncapacity_wh = 1000\nprice_eur_per_kwh = 0.2\n"
    with pytest.raises(BadInput, match=r'"after" cannot take back .* \[pool\] .* use "before"'):
        simulated(ONE_SLOT.replace("MODE", "after") + pool + HOUSES)


def test_a_shared_battery_and_limits_before_the_clearing_keep_every_balance(simulated):
    pool = "[pool]\ncapacity_wh = 1000\nprice_eur_per_kwh = 0.2\n"
    houses = HOUSES.replace("load_w = 40000", "load_w = 3000")
    outcome = simulated(ONE_SLOT.replace("MODE", "before") + pool + houses)
    assert outcome.totals["pool_given"].sum() == pytest.approx(1.0)
    assert summarise(outcome)["network"]["slots_with_violations"] == 0
