"""Preferences of peers in scenarios: each decides, changes daily, or is said to be idle."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import BadInput
from hub.services.simulator import SCENARIOS, SimulatorDesk
from hub.sim.community import build
from hub.sim.dashboard import dashboards
from hub.sim.network.curtail import curtail
from hub.sim.pairing import pair_up
from hub.sim.reading import scenario_of
from hub.sim.run import run
from hub.sim.settle import Settled
from hub.sim.trades import Trades
from tests.host.thorough import examples

HERE = Path("wishes.toml")
TARIFFS = {"retail_eur_per_kwh": 0.30, "feed_in_eur_per_kwh": 0.10}


def scenario_with(peers, market=None, slots=1, slot_minutes=60, **tables):
    return {
        "scenario": {"slots": slots, "slot_minutes": slot_minutes},
        "tariffs": TARIFFS,
        "market": {"mechanism": "preferred", **(market or {})},
        "peer": [{"name": name, **fields} for name, fields in peers.items()],
        **tables,
    }


def simulated_raw(raw):
    return run(build(scenario_of(raw, HERE)), has_details=True)


def met(outcome):
    """Return kWh by seller, buyer and source."""
    trades, names = Trades.of(outcome), outcome.community.names
    found = {}
    for row in range(len(trades.slot)):
        key = names[trades.seller[row]], names[trades.buyer[row]], trades.source[row]
        found[key] = round(found.get(key, 0.0) + float(trades.energy_kwh[row]), 9)
    return found


ROOF, MILL = {"pv_w": 1000}, {"wind": {"rated_w": 1000}}
WINDY = {"weather": {"wind_m_per_s": 12}}


def meet(wishes, market=None, others=None, **fields):
    """One buyer of 1.2 kW between a roof and a mill of 1 kW each."""
    home = {"load_w": 1200, "preferences": wishes, **fields}
    peers = {"roof": ROOF, "mill": MILL, "home": home, **(others or {})}
    return met(simulated_raw(scenario_with(peers, market, **WINDY)))


def test_chosen_producer_is_met_first_when_all_ask_the_same():
    assert meet({"producers": ["mill"]}) == {
        ("mill", "home", "wind"): 1.0,
        ("roof", "home", "pv"): 0.2,
    }
    assert meet({"producers": ["roof"]})["roof", "home", "pv"] == 1.0


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


ALL = {
    "order": "use-trade-store",
    "highest_buying_eur_per_kwh": 0.2,
    "lowest_selling_eur_per_kwh": 0.2,
    "producers": [{"peer": "roof", "share": 0.5}],
    "producers_only": True,
    "buyers": ["roof"],
    "origins": ["pv"],
    "origin": "biogas",
    "priority": 1,
    "bidding": "adaptive",
}
LIMITS = ("highest_buying_eur_per_kwh", "lowest_selling_eur_per_kwh")
STRICT = ("producers, share", "producers_only", "buyers", "origins", "priority")


@pytest.mark.parametrize(
    ("market", "idle"),
    [
        ({"design": "none"}, ("order", *LIMITS, "producers", *STRICT, "origin", "bidding")),
        ({"mechanism": "mid-market-rate"}, (*LIMITS, *STRICT, "bidding")),
        ({"mechanism": "mid-market-rate", "pooling": True}, (*LIMITS, *STRICT, "bidding")),
        ({"design": "hybrid", "mechanism": "bill-sharing"}, (*LIMITS, *STRICT, "bidding")),
        ({"mechanism": "uniform"}, ("producers", *STRICT)),
        ({"mechanism": "continuous", "design": "decentralised"}, ("producers", *STRICT)),
        ({"mechanism": "preferred"}, ()),
    ],
    ids=str,
)
def test_run_warns_of_peer_and_field_when_a_wish_has_no_effect(market, idle):
    home = {"load_w": 500, "battery_wh": 1000, "strategy": "greedy", "preferences": ALL}
    raw = scenario_with({"roof": ROOF, "home": home})
    raw["market"] = market
    warnings = [one for one in simulated_raw(raw).warnings if "preferences" in one]
    fields = [one.split("preferences, ")[1].split(": has no effect")[0] for one in warnings]
    assert sorted(fields) == sorted(idle)
    for one in warnings:
        assert "[[peer]] home" in one and "would honour it" in one and str(HERE) in one


def test_run_names_a_group_and_counts_peers_when_many_have_an_idle_wish():
    peers = {f"p{n}": {"load_w": 5, "preferences": {"priority": 2}} for n in range(5)}
    group = [{"count": 2, "preferences": {"buyers": ["p1"]}}]
    raw = scenario_with(peers, {"mechanism": "uniform"}, group=group)
    [buyers, priority] = [one for one in build(scenario_of(raw, HERE)).warnings if "effect" in one]
    assert "[[peer]] p0, [[peer]] p1, [[peer]] p2 and 2 more, preferences, priority" in priority
    assert "[[group]] home, preferences, buyers" in buyers


def test_run_warns_when_a_wish_needs_a_battery():
    wishes = {"reserve_soc": 0.2, "order": "use-trade-store"}
    peers = {"roof": ROOF, "home": {"load_w": 500, "preferences": wishes}}
    warnings = build(scenario_of(scenario_with(peers), HERE)).warnings
    assert [one for one in warnings if "reserve_soc: has no effect without a battery" in one]
    assert [one for one in warnings if "order: has no effect without a battery and strat" in one]


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"producers": ["roof", "roof"]}, ("producers 2", "roof is number 1 already")),
        ({"producers": [{"type": "pv"}, {"type": "pv"}]}, ("type pv is number 1 already",)),
        ({"producers": ["roof", {"peer": "roof"}]}, ("roof is number 1 already",)),
        ({"buyers": ["roof", "roof"]}, ("buyers 2", "name it once")),
        ({"origins": ["pv", "pv"]}, ("origins 2", "name it once")),
        ({"producers": [{"typ": "pv"}]}, ("producers 1", "did you mean 'type'")),
        ({"producers": [{"share": 0.5}]}, ("chooses nobody", "peer, community, type")),
        ({"producers": [{"type": "solar"}]}, ("nobody's energy is 'solar'", "pv")),
        ({"producers": [{"community": "hil"}]}, ("nobody is of 'hil'", "did you mean 'hill'")),
        ({"producers": ["rof"]}, ("no peer, community or type 'rof'", "did you mean 'roof'")),
        ({"producers": [{"peer": "rof", "type": "pv"}]}, ("no peer 'rof'", "'roof'")),
        ({"producers": ["pv", {"type": "pv"}]}, ("type pv is number 1 already",)),
        ({"buyers": ["wind"]}, ("no peer or community 'wind'",)),
        ({"producers": ["home"]}, ("does not trade with itself",)),
        ({"producers": [f"p{n}" for n in range(11)]}, ("names 11; at most 10",)),
        ({"producers": [{"peer": "roof", "share": 0.8}, {"type": "pv", "share": 0.3}]}, ("1.1",)),
        ({"producers": [{"peer": "roof", "share": 80}]}, ("looks like per cent",)),
        ({"producers": [{"peer": "roof", "share": 0.0001}]}, ("less than 0.001",)),
        ({"buyers": [{"type": "pv"}]}, ("unknown field 'type'",)),
        ({"origins": ["wnd"]}, ("did you mean 'wind'",)),
        ({"priority": -1}, ("priority",)),
        ({"priority": 1.5}, ("whole number",)),
        ({"highest_buying_eur_per_kwh": [0.1, 0.2, 0.3]}, ("has 3 values",)),
        ({"lowest_selling_eur_per_kwh": {"25:00": 0.1}}, ("25:00",)),
    ],
)
def test_scenario_is_refused_with_peer_and_field_when_a_wish_is_wrong(wishes, words):
    peers = {"roof": {**ROOF, "community": "hill"}, "home": {"load_w": 5, "preferences": wishes}}
    with pytest.raises(BadInput) as refused:
        build(scenario_of(scenario_with(peers, slots=2), HERE))
    assert str(HERE) in str(refused.value) and "home, preferences" in str(refused.value)
    for word in words:
        assert word in str(refused.value)


SLOTS = 3
NAMES = tuple(f"peer-{place}" for place in range(5))
power_w = st.lists(st.integers(0, 3000), min_size=SLOTS, max_size=SLOTS)
price = st.sampled_from([0.05, 0.1, 0.15, 0.22, 0.3]) | st.lists(
    st.sampled_from([0.1, 0.2, 0.3]), min_size=SLOTS, max_size=SLOTS
)
shares = st.sampled_from([0, 0, 0.2, 0.333])


@st.composite
def wishes_of(draw, others):
    """Draw what a peer wants of these others."""
    kinds = [{"peer": name} for name in others]
    kinds += [{"type": "pv"}, {"type": "hydro"}, {"type": "battery"}, {"community": "east"}]
    chosen = draw(st.lists(st.integers(0, len(kinds) - 1), max_size=3, unique=True))
    wishes = {
        "producers": [{**kinds[one], "share": draw(shares)} for one in chosen],
        "producers_only": draw(st.booleans()),
        "buyers": draw(st.lists(st.sampled_from(others), max_size=2, unique=True)),
        "origins": draw(st.lists(st.sampled_from(["pv", "hydro"]), max_size=2, unique=True)),
        "priority": draw(st.integers(0, 2)),
        "is_automatic": draw(st.sampled_from([True, True, True, False])),
    }
    limits = {name: draw(st.none() | price) for name in LIMITS}
    return {**wishes, **{name: limit for name, limit in limits.items() if limit is not None}}


@st.composite
def communities(draw):
    """Draw a small community whose members want anything."""
    names = NAMES[: draw(st.integers(2, 5))]
    peers = {}
    for name in names:
        peers[name] = {
            "load_w": draw(power_w),
            "pv_w": draw(power_w),
            "hydro": {"power_w": draw(st.sampled_from([0, 700]))},
            "community": "east" if name == names[0] else draw(st.sampled_from(["east", "west"])),
            "position": [draw(st.integers(0, 900)), 0],
            "battery_wh": draw(st.sampled_from([0, 2000])),
            "strategy": draw(st.sampled_from(["greedy", "optimal"])),
            "preferences": draw(wishes_of([one for one in names if one != name])),
        }
    market = {
        "loss_permille": draw(st.sampled_from([0, 40])),
        "network_eur_per_kwh": draw(st.sampled_from([0, 0.02])),
        "network_eur_per_kwh_km": draw(st.sampled_from([0, 0.03])),
        "bidding": draw(st.sampled_from(["truthful", "zero-intelligence", "adaptive"])),
    }
    return scenario_with(peers, market, slots=SLOTS)


@settings(deadline=None, max_examples=examples(40))
@given(raw=communities())
def test_energy_and_money_add_up_and_wishes_hold_when_peers_want_anything(raw):
    before = copy.deepcopy(raw)
    community = build(scenario_of(raw, HERE))
    given_load, given_pv = community.explicit.load_w.copy(), community.explicit.pv_w.copy()
    outcome = run(community, has_details=True)  # raises where a slot does not balance
    assert raw == before
    assert np.array_equal(community.explicit.load_w, given_load)
    assert np.array_equal(community.explicit.pv_w, given_pv)
    totals = {name: values.sum() for name, values in outcome.totals.items()}
    grid = 0.3 * totals["import"] - 0.1 * totals["export"]
    assert totals["cost"] == pytest.approx(grid + totals["fee"], abs=1e-6)
    assert totals["trade_cost"] == pytest.approx(totals["trade_income"], abs=1e-9)
    wishes = {one["name"]: one["preferences"] for one in raw["peer"]}
    own_tariff = outcome.community.tariff
    for pair in outcome.pairs:
        seller, buyer = community.names[pair.seller], community.names[pair.buyer]
        assert seller != buyer
        buying, selling = community.wishes.of[pair.buyer], community.wishes.of[pair.seller]
        assert buying.is_automatic and selling.is_automatic
        assert not selling.buyers or buyer in wishes[seller]["buyers"]
        assert not buying.origins or pair.source in buying.origins
        if buying.producers_only:
            assert any(
                (not one.peer or one.peer == seller)
                and (not one.community or community.communities[pair.seller] == one.community)
                and (not one.type or one.type == pair.source)
                for one in buying.producers
            )
        lowest, highest = selling.lowest_selling_eur_per_kwh, buying.highest_buying_eur_per_kwh
        if lowest is not None:
            assert pair.price_eur_per_kwh >= lowest.values(community.clock)[pair.slot] - 1e-9
        if highest is not None:
            assert pair.price_eur_per_kwh <= highest.values(community.clock)[pair.slot] + 1e-9
        assert pair.price_eur_per_kwh <= own_tariff.retail[pair.slot] + 1e-9
    # By source: a pair's energy is of the pair's source; all of them are what was sold.
    kept = 1 - community.market.loss_permille / 1000
    paired = sum(pair.energy_kwh for pair in outcome.pairs)
    assert paired == pytest.approx(totals["sold"] * kept, abs=1e-9)


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
    assert {one["source"] for one in shown["green"]["history"]} <= {"pv", "wind", "hydro"}
    assert {one["counterparty"] for one in shown["roof-south"]["history"]} <= {
        *("local", "thrifty", "clinic", "farm", "mill"),
    }
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
