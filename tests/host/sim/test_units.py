"""McAfee's auction of single units in the simulator: orders are divided, the rest is the grid's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import BadInput
from hub.sim.community import build
from hub.sim.reading import scenario_of
from hub.sim.run import run
from hub.sim.summary import summarise
from tests.host.thorough import examples

HERE = Path("units.toml")


def outcome_of(bids, offers, unit_wh=1000, **market):
    """Run one hour in which each bid (EUR/kWh, W) buys and each offer sells."""
    peers = []
    for number, (price, power_w) in enumerate(bids):
        wish = {"highest_buying_eur_per_kwh": price}
        peers.append({"name": f"buyer-{number}", "load_w": power_w, "preferences": wish})
    for number, (price, power_w) in enumerate(offers):
        wish = {"lowest_selling_eur_per_kwh": price}
        peers.append({"name": f"seller-{number}", "pv_w": power_w, "preferences": wish})
    raw = {
        "scenario": {"slots": 1, "slot_minutes": 60},
        "tariffs": {"retail_eur_per_kwh": 0.3, "feed_in_eur_per_kwh": 0.1},
        "market": {"mechanism": "mcafee", "unit_wh": unit_wh, **market},
        "peer": peers,
    }
    return run(build(scenario_of(raw, HERE)), has_details=True)


def singles(prices):
    return [(price, 1000) for price in prices]


def test_last_pair_is_left_out_when_no_price_is_between_the_next():
    # The vectors of facts: (0.12 + 0.24)/2 = 0.18 is not between 0.20 and 0.22.
    outcome = outcome_of(singles([0.30, 0.25, 0.22, 0.12]), singles([0.10, 0.14, 0.20, 0.24]))
    community = summarise(outcome)["community"]
    assert community["traded_kwh"] == pytest.approx(2)
    assert community["trade_income_eur"] == pytest.approx(2 * 0.20)
    assert community["network_fee_eur"] == pytest.approx(2 * 0.02)
    # The third bid and offer would fit and are the grid's: 2 kWh bought and sold there.
    assert (community["import_kwh"], community["export_kwh"]) == (2, 2)
    assert community["cost_eur"] == pytest.approx(2 * 0.30 - 2 * 0.10 + 2 * 0.02)


def test_all_trade_at_the_middle_of_the_next_pair_when_it_fits():
    # k = 2; (0.18 + 0.20)/2 = 0.19 is between 0.14 and 0.25.
    outcome = outcome_of(singles([0.30, 0.25, 0.18]), singles([0.10, 0.14, 0.20]))
    community = summarise(outcome)["community"]
    assert community["traded_kwh"] == pytest.approx(2)
    assert community["trade_income_eur"] == pytest.approx(2 * 0.19)
    assert community["network_fee_eur"] == 0


def test_less_than_a_unit_is_the_grids_when_orders_are_divided():
    # 1250 Wh are two units of 500 Wh; without a third, one of two is given up for the price.
    outcome = outcome_of([(0.25, 1250)], [(0.15, 1250)], unit_wh=500)
    [pair] = outcome.pairs
    assert pair.energy_kwh == pytest.approx(0.5)
    assert (pair.price_eur_per_kwh, pair.fee_eur_per_kwh) == pytest.approx((0.15, 0.10))
    assert outcome.totals["import"][0] == pytest.approx(0.75)


def test_units_of_two_peers_are_one_trade_when_they_cost_the_same():
    outcome = outcome_of([(0.25, 3000)], [(0.15, 2000)], unit_wh=10)
    [pair] = outcome.pairs
    assert pair.energy_kwh == pytest.approx(1.99)  # all but the last of 200 units


def test_run_is_refused_when_units_are_too_small():
    with pytest.raises(BadInput, match=r"unit_wh: 0.01 Wh divide the orders of slot 0 .*20,000"):
        outcome_of([(0.25, 3000)], [(0.15, 2000)], unit_wh=0.01)


def test_unit_is_refused_when_it_is_nothing():
    with pytest.raises(BadInput, match="unit_wh"):
        outcome_of([(0.25, 3000)], [(0.15, 2000)], unit_wh=0)


def test_unit_is_said_to_be_idle_when_the_mechanism_has_none():
    outcome = outcome_of(singles([0.2]), singles([0.1]), mechanism="uniform")
    assert [one for one in outcome.warnings if "unit_wh: has no effect" in one]


sides = st.lists(
    st.tuples(st.sampled_from([0.1, 0.15, 0.2, 0.25, 0.3]), st.integers(0, 4000)), max_size=4
)


@settings(deadline=None, max_examples=examples(30))
@given(bids=sides, offers=sides, loss=st.sampled_from([0, 30]), network=st.sampled_from([0, 0.02]))
def test_money_adds_up_and_nobody_loses_when_units_trade(bids, offers, loss, network):
    if not bids and not offers:
        return
    market = {"loss_permille": loss, "network_eur_per_kwh": network, "bidding": "adaptive"}
    outcome = outcome_of(bids, offers, 100, **market)  # raises where money does not balance
    totals = outcome.totals
    assert totals["cost"].sum() == pytest.approx(
        0.3 * totals["import"].sum() - 0.1 * totals["export"].sum() + totals["fee"].sum()
    )
    for pair in outcome.pairs:
        limit = bids[pair.buyer][0]
        assert pair.price_eur_per_kwh + pair.fee_eur_per_kwh <= limit + 1e-9
        assert pair.price_eur_per_kwh >= offers[pair.seller - len(bids)][0] - 1e-9
        assert pair.energy_kwh * 10 == pytest.approx(round(pair.energy_kwh * 10))
