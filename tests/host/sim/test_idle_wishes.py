"""Preferences that nobody heeds are warned about, those that cannot be are refused."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from hub.errors import BadInput
from hub.services.simulator import SCENARIOS
from hub.sim.community import build
from hub.sim.reading import scenario_of
from tests.host.sim.wished import (
    HERE,
    LIMITS,
    ROOF,
    scenario_with,
    simulated_raw,
)
from tools.sim_cli import sim

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
        ({"critical_w": 200}, ("critical_w: needs a priority",)),
        ({"producers_only": True}, ("producers_only: needs producers",)),
        ({"highest_buying_eur_per_kwh": [0.1, 0.2, 0.3]}, ("has 3 values",)),
        ({"lowest_selling_eur_per_kwh": {"25:00": 0.1}}, ("25:00",)),
        ({"lowest_selling_eur_per_kwh": {"days": []}}, ("days: is an empty list",)),
        ({"lowest_selling_eur_per_kwh": {"days": [0.1, "x"]}}, ("days 2", "'x'")),
        ({"lowest_selling_eur_per_kwh": {"days": [[0.1] * 5]}}, ("days 1: has 5 values",)),
        ({"lowest_selling_eur_per_kwh": {"day": [0.1]}}, ("{days = [...]}",)),
    ],
)
def test_scenario_is_refused_with_peer_and_field_when_a_wish_is_wrong(wishes, words):
    peers = {"roof": {**ROOF, "community": "hill"}, "home": {"load_w": 5, "preferences": wishes}}
    with pytest.raises(BadInput) as refused:
        build(scenario_of(scenario_with(peers, slots=2), HERE))
    assert str(HERE) in str(refused.value) and "home, preferences" in str(refused.value)
    for word in words:
        assert word in str(refused.value)


def test_comparison_names_the_markets_that_do_not_heed_a_wish(tmp_path):
    path = SCENARIOS / "wishes.toml"
    words = ["compare", str(path), "--markets", "uniform,preferred,none,bill-sharing"]
    result = CliRunner().invoke(sim, [*words, "--jobs", "1", "--out", str(tmp_path)])
    assert result.exit_code == 0
    warned = [one for one in result.stderr.splitlines() if "has no effect" in one]
    [priority] = [one for one in warned if "priority" in one]
    assert priority.endswith(
        "[[peer]] clinic, preferences, priority: has no effect in uniform (centralised), "
        "bill-sharing"
    )
    [limits] = [one for one in warned if "highest_buying" in one]
    assert limits.endswith("has no effect in bill-sharing")
