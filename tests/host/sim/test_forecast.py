"""Orders by forecast: peers meet by what they expect, the grid takes what comes otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.agent.habits import Habit
from hub.errors import BadInput
from hub.sim.community import build
from hub.sim.compare import Case, varied
from hub.sim.habits import Habits
from hub.sim.outputs import slot_columns
from hub.sim.reading import scenario_of
from hub.sim.run import run
from hub.sim.summary import summarise
from hub.sim.trades import Trades
from tests.host.thorough import examples

RETAIL, FEED_IN = 0.3, 0.1
DAYS, HOURS = 3, 72
MARKETS = [
    {"mechanism": "mid-market-rate"},
    {"mechanism": "bill-sharing", "loss_permille": 30, "network_eur_per_kwh": 0.01},
    {"design": "hybrid"},
    {"mechanism": "uniform", "bidding": "adaptive", "loss_permille": 20},
    {"design": "decentralised", "bidding": "zero-intelligence"},
]
power_w = st.integers(0, 4000)


def community_of(market, members, slots, minutes=60, **more):
    raw = {
        "scenario": {"slots": slots, "slot_minutes": minutes},
        "tariffs": {"retail_eur_per_kwh": RETAIL, "feed_in_eur_per_kwh": FEED_IN},
        "market": {"forecast": "habit", **market},
        "peer": [{"name": f"peer-{place}", **one} for place, one in enumerate(members)],
        **more,
    }
    return build(scenario_of(raw, Path("forecast.toml")))


@pytest.mark.parametrize("is_proportional", [True, False])
@settings(deadline=None, max_examples=examples(25))
@given(
    powers=st.lists(st.integers(0, 5_000), min_size=1, max_size=120),
    ahead=st.integers(1, 30),
)
def test_habits_expect_what_the_benchs_agents_do(is_proportional, powers, ahead):
    one = Habit(24.0, is_proportional=is_proportional)  # half an hour takes half a second
    many = Habits(2, 24, is_proportional=is_proportional)
    for half, watts in enumerate(powers):
        one.note(half / 2, watts * 1_000_000)
        many.note(half // 2, half // 2 % 24, np.array([watts, 0.0]))
    hour = (len(powers) - 1) // 2 + ahead
    expected = many.expect(hour, hour % 24)
    # The agent rounds down to uW, a day's fold at a time.
    assert expected[0] == pytest.approx(one.expect(hour, hour + 1) / 1e6, abs=2e-5)
    assert expected[1] == 0


@st.composite
def peers(draw):
    series = st.lists(power_w, min_size=24, max_size=24)
    entry = {
        "load_w": draw(series) * DAYS,
        "pv_w": draw(series) + draw(series) + draw(series),
        "community": draw(st.sampled_from(["east", "west"])),
        "strategy": draw(st.sampled_from(["none", "greedy"])),
        "battery_wh": draw(st.sampled_from([0, 3000])),
        "self_discharge": draw(st.sampled_from([0.0, 0.01])),
        "preferences": {
            "order": draw(st.sampled_from(["use-store-trade", "use-trade-store"])),
            "is_automatic": draw(st.booleans()),
        },
    }
    if draw(st.booleans()):
        entry["export_limit_w"] = 1500
    return entry


@pytest.mark.parametrize("market", MARKETS, ids=lambda one: "-".join(map(str, one.values())))
@settings(deadline=None, max_examples=examples(6))
@given(members=st.lists(peers(), min_size=2, max_size=3), ahead=st.integers(1, 30))
def test_energy_and_money_add_up_when_orders_come_from_forecasts(market, members, ahead):
    community = community_of({**market, "forecast_ahead_slots": ahead}, members, HOURS)
    outcome = run(community, has_details=True)  # raises where a slot does not balance
    details, errors = outcome.details, outcome.forecast
    # Each peer, each slot: what went through its meter is its position, whatever it had ordered.
    meter_w = details["import"] + details["bought"] - details["export"] - details["sold"]
    position_w = details["load"] + details["battery"] - details["generation"]
    assert meter_w == pytest.approx(position_w, abs=1e-6)
    for place, peer in enumerate(community.peers):
        assert np.all(meter_w[:, place] >= -peer.export_limit_w - 1e-6)
        if not peer.preferences.is_automatic:
            assert details["bought"][:, place].max() == details["sold"][:, place].max() == 0
    totals = {name: values.sum() for name, values in outcome.totals.items()}
    grid = RETAIL * totals["import"] - FEED_IN * totals["export"]
    assert totals["cost"] == pytest.approx(grid + totals["fee"], abs=1e-6)
    assert errors.count == HOURS - ahead


@settings(deadline=None, max_examples=examples(12))
@given(members=st.lists(peers(), min_size=2, max_size=3))
def test_wrong_forecasts_cost_the_community_when_trades_are_free(members):
    outcome = run(community_of({"mechanism": "mid-market-rate"}, members, HOURS))
    summary = summarise(outcome)
    assert summary["forecast"]["cost_eur"] >= -1e-6
    # What it costs is what the same scenario with perfect orders saves.
    perfect = run(
        community_of({"mechanism": "mid-market-rate", "forecast": "perfect"}, members, HOURS)
    )
    cost = summary["community"]["cost_eur"] - summarise(perfect)["community"]["cost_eur"]
    assert summary["forecast"]["cost_eur"] == pytest.approx(cost, abs=1e-6)
    assert sum(one["forecast_cost_eur"] for one in summary["peers"].values()) == pytest.approx(
        cost, abs=1e-6
    )


SUN, FLAT = {"load_w": 0, "pv_w": [1000, 1000, 400]}, {"load_w": 600}


def test_difference_is_the_grids_when_a_cloud_comes_after_the_order():
    outcome = run(community_of({"mechanism": "mid-market-rate"}, [SUN, FLAT], 3), has_details=True)
    # Slot 0: nothing is known, nobody orders. Then what was goes on: 1000 W to sell, 600 needed.
    assert outcome.details["bought"][:, 1] == pytest.approx([0, 600, 600])
    assert outcome.details["export"][:, 0] == pytest.approx([1000, 400, 0])
    assert outcome.details["import"][:, 0] == pytest.approx([0, 0, 200])  # sold 600, had 400
    assert outcome.details["import"][:, 1] == pytest.approx([600, 0, 0])
    trades = Trades.of(outcome)
    assert trades.source == ["pv", "pv", "grid"]
    assert trades.energy_kwh == pytest.approx([0.6, 0.4, 0.2])
    summary = summarise(outcome)
    # Perfect: 600 W twice, then 400 W change hands and 200 W come from the grid.
    without = 0.6 * RETAIL - 1.0 * FEED_IN
    perfect = -0.4 * FEED_IN + -0.4 * FEED_IN + 0.2 * RETAIL
    come = without - 0.4 * FEED_IN + 0.2 * RETAIL
    assert summary["community"]["cost_eur"] == pytest.approx(come)
    assert summary["forecast"]["cost_eur"] == pytest.approx(come - perfect)
    assert summary["forecast"]["slots"] == 2
    assert summary["forecast"]["mae_w"] == pytest.approx(600 / 4)  # of two peers in two slots
    assert summary["forecast"]["bias_w"] == pytest.approx(-600 / 4)  # it sold more than it had
    assert summary["forecast"]["imbalance_kwh"] == pytest.approx(0.6)
    assert summary["peers"]["peer-0"]["forecast_mae_w"] == pytest.approx(300)
    assert slot_columns(outcome)["ordered_w"] == pytest.approx([0, -400, -400])


def test_trade_came_from_the_grid_when_the_seller_had_nothing():
    dark = SUN | {"pv_w": [1000, 1000, 0]}
    outcome = run(community_of({"mechanism": "mid-market-rate"}, [dark, FLAT], 3), has_details=True)
    assert Trades.of(outcome).source == ["pv", "grid"]
    assert outcome.details["import"][2] == pytest.approx([600, 0])


def test_buyer_exports_what_it_bought_when_it_needs_less():
    members = [{"load_w": 0, "pv_w": 1000}, {"load_w": [600, 600, 100]}]
    outcome = run(community_of({"mechanism": "mid-market-rate"}, members, 3), has_details=True)
    assert outcome.details["bought"][2, 1] == pytest.approx(600)
    assert outcome.details["export"][2, 1] == pytest.approx(500)
    assert outcome.details["cost"][2, 1] == pytest.approx(0.6 * 0.2 - 0.5 * FEED_IN)


def test_forecasts_are_right_when_every_day_is_the_same():
    day = [0.0] * 7 + [1500.0] * 10 + [0.0] * 7
    members = [{"load_w": 300, "pv_w": day * 4}, {"load_w": [200.0, 800.0] * 48}]
    outcome = run(community_of({"mechanism": "mid-market-rate"}, members, 96), has_details=True)
    position_w = (outcome.details["load"] - outcome.details["generation"]).sum(axis=1)
    assert outcome.forecast.slots[25:] == pytest.approx(position_w[25:])


def test_battery_is_counted_in_when_it_takes_the_surplus():
    # 1 kWh fits: of 600 W the first hour's 600 Wh, then 400, then nothing.
    house = {"load_w": 0, "pv_w": 600, "strategy": "greedy", "battery_wh": 1000, "soc_initial": 0}
    outcome = run(community_of({"mechanism": "mid-market-rate"}, [house, FLAT], 4))
    assert outcome.forecast.slots == pytest.approx([0, 600 - 200, 0, 0])


REFUSED = [
    ({"market": {"design": "none"}}, "nobody orders without trading"),
    ({"market": {"mechanism": "mid-market-rate", "pooling": True}}, "share as one"),
    ({"pool": {"capacity_wh": 1000, "price_eur_per_kwh": 0.2}}, "[pool] is filled"),
    ({"network": {}}, 'use [network] mode = "report"'),
    ({"strategy": "optimal"}, 'strategy "optimal" of peer-0 knows the future'),
    ({"elastic_share": 0.1}, "elastic or shiftable load of peer-0"),
    ({"appliances": [{"kind": "heater", "shiftable_share": 0.5}]}, "shiftable load of peer-0"),
    ({"minutes": 50}, "slot_minutes must divide 1440"),
    ({"market": {"mechanism": "uniform", "forecast": "perfect", "forecast_ahead_slots": 2}},
     'forecast_ahead_slots: is of forecast = "habit"'),
    ({"market": {"mechanism": "uniform", "forecast": "habits"}}, "forecast"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "sentence"), REFUSED, ids=lambda one: str(one)[:40])
def test_forecast_is_refused_when_it_has_no_meaning(more, sentence):
    tables = {name: more[name] for name in ("pool", "network") if name in more}
    own = {k: v for k, v in more.items() if k not in ("pool", "network", "market", "minutes")}
    market = more.get("market", {"mechanism": "mid-market-rate"})
    with pytest.raises(BadInput) as refused:
        community_of(market, [{"load_w": 100, **own}], 3, more.get("minutes", 60), **tables)
    assert "forecast.toml, [market]" in str(refused.value) and sentence in str(refused.value)


def test_comparison_leaves_forecasts_out_when_nobody_orders():
    raw = {"market": {"forecast": "habit", "forecast_ahead_slots": 4}, "peer": [{"name": "a"}]}
    kept = varied(raw, Case("community", "bill-sharing", "greedy"))["market"]
    assert (kept["forecast"], kept["forecast_ahead_slots"]) == ("habit", 4)
    for case in (Case("none", ""), Case("community", "bill-sharing", "optimal")):
        assert "forecast" not in varied(raw, case)["market"]
