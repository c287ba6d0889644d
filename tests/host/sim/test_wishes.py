"""Preferences of peers in scenarios: each decides something, and price limits change daily."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hub.services.simulator import SCENARIOS, SimulatorDesk
from hub.sim.community import build
from hub.sim.dashboard import dashboards
from hub.sim.network.curtail import curtail
from hub.sim.pairing import pair_up
from hub.sim.reading import scenario_of
from hub.sim.run import run
from hub.sim.settle import Settled
from tests.host.sim.wished import (
    HERE,
    MILL,
    ROOF,
    WINDY,
    meet,
    met,
    scenario_with,
    simulated_raw,
)


def test_chosen_producer_is_met_first_when_all_ask_the_same():
    assert meet({"producers": ["mill"]}) == {
        ("mill", "home", "wind"): 1.0,
        ("roof", "home", "pv"): 0.2,
    }
    assert meet({"producers": ["roof"]})["roof", "home", "pv"] == 1.0


def test_dear_producer_is_met_first_when_its_energy_trades_anyway():
    dear = {"pv_w": 1000, "preferences": {"lowest_selling_eur_per_kwh": 0.2}}
    loyal = {"load_w": 800, "preferences": {"producers": ["dear"]}}
    peers = {"cheap": ROOF, "dear": dear, "loyal": loyal, "other": {"load_w": 1200}}
    found = met(simulated_raw(scenario_with(peers)))
    assert found["dear", "loyal", "pv"] == 0.8
    # With half of all needed, only the cheap one trades, and loyalty does not change that.
    peers["other"] = {"load_w": 200}
    assert met(simulated_raw(scenario_with(peers))) == {
        ("cheap", "loyal", "pv"): 0.8,
        ("cheap", "other", "pv"): 0.2,
    }


@pytest.mark.parametrize(
    "chosen", [{"type": "wind"}, {"community": "hill"}, {"peer": "mill"}, "wind", "hill", "mill"]
)
def test_producers_are_chosen_by_type_place_and_name_when_nothing_else_is_wanted(chosen):
    found = meet(
        {"producers": [chosen], "producers_only": True},
        others={"mill": {**MILL, "community": "hill"}, "hermit": {"community": "hill"}},
    )
    assert found == {("mill", "home", "wind"): 1.0}


def test_producers_must_fit_in_all_that_is_given_when_type_and_place_are():
    both = {"type": "pv", "community": "hill"}
    others = {"mill": {**MILL, "community": "hill"}}
    assert meet({"producers": [both], "producers_only": True}, others=others) == {}


def test_share_limits_what_a_producer_fills_and_leaves_the_rest_to_anyone():
    found = meet({"producers": [{"peer": "mill", "share": 0.75}]})
    # 0.9 of 1.2 kWh from the mill alone; the rest is anyone's, and the mill is liked best.
    assert found == {("mill", "home", "wind"): 1.0, ("roof", "home", "pv"): 0.2}
    found = meet({"producers": [{"type": "wind", "share": 0.25}, {"peer": "roof", "share": 0.75}]})
    assert found == {("mill", "home", "wind"): 0.3, ("roof", "home", "pv"): 0.9}


def test_shares_of_the_same_peer_add_up_when_it_is_its_whole_community():
    named = [{"peer": "mill", "share": 0.25}, {"community": "hill", "share": 0.25}]
    grid = [{"type": "battery", "share": 0.5}]  # nobody's, so the rest of the bid is the grid's
    found = meet({"producers": named + grid}, others={"mill": {**MILL, "community": "hill"}})
    assert found == {("mill", "home", "wind"): 0.6}


def test_share_goes_to_the_grid_when_its_producer_has_too_little():
    found = meet({"producers": [{"peer": "mill", "share": 1}]})
    assert found == {("mill", "home", "wind"): 1.0}


def test_origin_of_a_bid_is_kept_when_a_seller_has_several_sources():
    # The farm's 1 kW are 600 W of wind and 400 W of PV; the home takes only the wind's part.
    farm = {"wind": {"rated_w": 600}, "pv_w": 400}
    peers = {"farm": farm, "home": {"load_w": 900, "preferences": {"origins": ["wind"]}}}
    outcome = simulated_raw(scenario_with(peers, **WINDY))
    assert met(outcome) == {("farm", "home", "wind"): 0.6}
    assert outcome.totals["export"][0] == pytest.approx(0.4)
    peers["home"]["preferences"] = {"origins": ["wind", "pv"]}
    # Of two orders alike, the first source has the lower number.
    found = met(simulated_raw(scenario_with(peers, **WINDY)))
    assert found == {("farm", "home", "pv"): 0.4, ("farm", "home", "wind"): 0.5}


def test_origin_battery_is_told_from_pv_when_stored_energy_is_sold():
    # Dear hours follow cheap ones: the optimal battery sells at night what the roof gave by day.
    peers = {
        "store": {
            "pv_w": [2000, 0],
            "battery_wh": 1000,
            "soc_initial": 0,
            "strategy": "optimal",
        },
        "home": {"load_w": [0, 600], "preferences": {"origins": ["battery"]}},
    }
    raw = scenario_with(peers, slots=2)
    raw["tariffs"] = {"retail_eur_per_kwh": 0.3, "feed_in_eur_per_kwh": [0.05, 0.1]}
    assert met(simulated_raw(raw)) == {("store", "home", "battery"): 0.6}


def test_declared_origin_is_asked_for_and_told_when_a_peer_names_its_own():
    biogas = {"pv_w": 1000, "preferences": {"origin": "biogas"}}
    peers = {"roof": ROOF, "farm": biogas}
    peers["home"] = {"load_w": 800, "preferences": {"origins": ["biogas"]}}
    assert met(simulated_raw(scenario_with(peers))) == {("farm", "home", "biogas"): 0.8}


def test_higher_class_is_served_first_when_energy_is_short():
    peers = {"roof": ROOF, "home": {"load_w": 900}, "clinic": {"load_w": 700}}
    peers["clinic"]["preferences"] = {"priority": 1}
    found = met(simulated_raw(scenario_with(peers)))
    assert found == {("roof", "clinic", "pv"): 0.7, ("roof", "home", "pv"): 0.3}


def test_critical_part_alone_is_served_first_when_a_house_has_one():
    wishes = {"priority": 2, "critical_w": [200, 5000]}
    peers = {
        "roof": ROOF,
        "home": {"load_w": 900},
        "clinic": {"load_w": 700, "preferences": wishes},
    }
    outcome = simulated_raw(scenario_with(peers, slots=2))
    bought = outcome.details["bought"]
    # 200 W before everybody else, then by time of order; in the second hour all that it needs.
    assert bought.sum(axis=1).tolist() == pytest.approx([1000, 1000])
    assert 200 <= bought[0, 2] < 700
    assert bought[1].tolist() == pytest.approx([0, 300, 700])
    peers["clinic"]["load_w"] = 150
    assert simulated_raw(scenario_with(peers, slots=2)).details["bought"][0, 2] == 150


def test_critical_and_other_energy_is_one_trade_when_they_cost_the_same():
    clinic = {"load_w": 700, "preferences": {"priority": 1, "critical_w": 200}}
    [pair] = simulated_raw(scenario_with({"roof": ROOF, "clinic": clinic})).pairs
    assert pair.energy_kwh == pytest.approx(0.7)


def test_offer_sells_to_a_community_only_when_its_buyers_are_one():
    roof = {**ROOF, "preferences": {"buyers": [{"community": "hill"}]}}
    peers = {"roof": roof, "near": {"load_w": 800}, "far": {"load_w": 800, "community": "hill"}}
    assert met(simulated_raw(scenario_with(peers))) == {("roof", "far", "pv"): 0.8}


def test_homes_of_a_group_have_its_preferences_when_they_trade():
    group = {"name": "home", "count": 3, "source": "homes", "prosumer_share": 0}
    peers = {"roof": {"pv_w": 9000}, "mill": {"wind": {"rated_w": 9000}}}
    wishes = {"producers": ["mill"], "producers_only": True}
    raw = scenario_with(peers, group=[{**group, "preferences": wishes}], **WINDY)
    outcome = simulated_raw(raw)
    assert {seller for seller, _, _ in met(outcome)} == {"mill"}
    raw["group"][0]["preferences"] = {"is_automatic": False}
    assert met(simulated_raw(raw)) == {}


def test_home_of_a_group_can_be_chosen_by_its_name():
    group = [{"name": "home", "count": 2, "source": "homes", "prosumer_share": 0}]
    roof = {**ROOF, "preferences": {"buyers": ["home-2"]}}
    outcome = simulated_raw(scenario_with({"roof": roof}, group=group))
    assert {buyer for _, buyer, _ in met(outcome)} == {"home-2"}


@pytest.mark.parametrize("mechanism", ["uniform", "preferred", "continuous"])
def test_price_limits_change_with_the_time_of_day_when_they_are_a_daily_table(mechanism):
    wishes = {"lowest_selling_eur_per_kwh": {"00:00": 0.12, "12:00": 0.35}}
    peers = {"roof": {**ROOF, "preferences": wishes}, "home": {"load_w": 1000}}
    raw = scenario_with(peers, {"mechanism": mechanism}, slots=48)
    outcome = simulated_raw(raw)
    hours = outcome.community.clock.minutes_of_day // 60
    assert np.array_equal(outcome.slots["bought"] > 0, hours < 12)


def test_price_limits_change_from_day_to_day_when_they_are_a_column(tmp_path):
    limits = [0.2] * 24 + [0.05] * 24
    text = "limit\n" + "\n".join(map(str, limits)) + "\n"
    (tmp_path / "limits.csv").write_text(text, encoding="utf-8")
    wishes = {"highest_buying_eur_per_kwh": {"csv": "limits.csv", "column": "limit"}}
    peers = {"roof": ROOF, "home": {"load_w": 1000, "preferences": wishes}}
    raw = scenario_with(peers)
    del raw["scenario"]["slots"]  # as long as the file
    outcome = run(build(scenario_of(raw, tmp_path / "days.toml")), has_details=True)
    assert (outcome.slots["bought"] > 0).tolist() == [True] * 24 + [False] * 24
    # (0.20 + 0.10)/2
    assert outcome.pairs[0].price_eur_per_kwh == pytest.approx(0.15)


def test_price_limits_change_daily_when_each_day_has_its_own():
    days = [{"00:00": 0.2, "12:00": 0.05}, 0.05, 0.2]
    wishes = {"highest_buying_eur_per_kwh": {"days": days}}
    peers = {"roof": ROOF, "home": {"load_w": 1000, "preferences": wishes}}
    outcome = simulated_raw(scenario_with(peers, slots=8, slot_minutes=720))
    # Half-days; the fourth day is the first again.
    assert (outcome.slots["bought"] > 0).tolist() == [1, 0, 0, 0, 1, 1, 1, 0]


def test_dashboard_shows_limits_by_slot_when_they_change():
    wishes = {
        "highest_buying_eur_per_kwh": 0.25,
        "lowest_selling_eur_per_kwh": {"00:00": 0.12, "01:00": 0.2},
        "producers": ["roof", {"type": "pv", "share": 0.5}],
    }
    peers = {"roof": ROOF, "home": {"load_w": 1000, "preferences": wishes}}
    shown = dashboards(simulated_raw(scenario_with(peers, slots=2)))["home"]["preferences"]
    assert shown["highest_buying_eur_per_kwh"] == 0.25
    assert shown["lowest_selling_eur_per_kwh"] == [0.12, 0.2]
    assert [one["peer"] for one in shown["producers"]] == ["roof", ""]
    json.dumps(shown)


def test_community_price_pairs_chosen_kinds_first_when_buyers_name_them():
    peers = {
        "roof": ROOF,
        "mill": {**MILL, "community": "hill"},
        "one": {"load_w": 600},
        "two": {"load_w": 600, "preferences": {"producers": [{"type": "pv"}]}},
    }
    market = {"mechanism": "mid-market-rate"}
    found = met(simulated_raw(scenario_with(peers, market, **WINDY)))
    assert ("roof", "two", "pv") in found and ("mill", "two", "wind") not in found


def test_pairing_conserves_energy_when_producers_overlap():
    peers = {"roof": ROOF, "mill": MILL}
    wish = {"producers": [{"type": "pv"}, "roof", {"community": "hill"}, {"type": "wind"}]}
    peers["home"] = {"load_w": 900, "community": "hill", "preferences": wish}
    raw = scenario_with(peers, {"mechanism": "mid-market-rate"}, **WINDY)
    community = build(scenario_of(raw, HERE))
    sold, bought = np.array([0.5, 0.4, 0.0]), np.array([0.0, 0.0, 0.9])
    pairs = pair_up(community, sold, bought, sources=["pv", "wind", "grid"])
    assert [(seller, buyer) for seller, buyer, _ in pairs] == [(0, 2), (1, 2)]
    assert sum(energy for _, _, energy in pairs) == pytest.approx(0.9)


def test_curtailed_trades_keep_their_sources_when_a_seller_has_two():
    farm = {"wind": {"rated_w": 600}, "pv_w": 400}
    wishes = {"origins": ["wind", "pv"]}
    raw = scenario_with({"farm": farm, "home": {"load_w": 1000, "preferences": wishes}}, **WINDY)
    community = build(scenario_of(raw, HERE))
    outcome = run(community, has_details=True)
    flows = Settled(
        **{name: np.array([[0.0, 0.0]]) for name in ("import_w", "export_w", "fee")},
        bought_w=np.array([[0.0, 1000.0]]),
        sold_w=np.array([[1000.0, 0.0]]),
        paid=np.array([[0.0, 0.2]]),
        earned=np.array([[0.2, 0.0]]),
        pairs=tuple(outcome.pairs),
    )
    # The farm must give 250 W less: a quarter of each trade, which the home takes from the grid.
    left, lost = curtail(community, 0, flows, np.array([[250.0, 0.0]]))
    assert {(one.source, round(one.energy_kwh, 9)) for one in lost} == {("pv", 0.1), ("wind", 0.15)}
    assert {(one.source, round(one.energy_kwh, 9)) for one in left.pairs} == {
        ("pv", 0.3),
        ("wind", 0.45),
    }
    assert left.import_w[0, 1] == pytest.approx(250)
    assert (left.paid[0, 1], left.earned[0, 0]) == pytest.approx((0.15, 0.15))


def test_page_shows_wishes_and_warnings_when_it_runs_a_scenario():
    text = (SCENARIOS / "wishes.toml").read_text(encoding="utf-8")
    answer = SimulatorDesk().run(text)
    shown = json.loads(json.dumps(answer["dashboards"]))
    assert shown["loyal"]["preferences"]["producers"][0] == {
        "peer": "mill",
        "community": "",
        "type": "",
        "share": 0.4,
    }
    assert len(shown["thrifty"]["preferences"]["highest_buying_eur_per_kwh"]) == 168
    of_green = [one for one in shown["green"]["history"] if one["counterparty"] != "grid"]
    assert {one["source"] for one in of_green} <= {"pv", "wind", "hydro"}
    accepted = {"local", "thrifty", "clinic", "farm", "mill", "grid"}
    assert {one["counterparty"] for one in shown["roof-south"]["history"]} <= accepted
    # The clinic is served first: nobody else got more of its load.
    peers = answer["summary"]["peers"]
    share = {
        name: one["bought_kwh"] / one["load_kwh"] for name, one in peers.items() if one["load_kwh"]
    }
    assert max(share, key=share.get) == "clinic"
    community_price = text.replace(
        'design = "centralised"\nmechanism = "preferred"', 'mechanism = "mid-market-rate"'
    )
    warnings = SimulatorDesk().run(community_price)["summary"]["warnings"]
    assert [
        one for one in warnings if "[[peer]] clinic, preferences, priority: has no effect" in one
    ]
