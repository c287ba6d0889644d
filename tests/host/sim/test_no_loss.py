"""Nobody loses by trading, whatever fees and losses are; who does by a mechanism is told of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.sim.community import build
from hub.sim.reading import scenario_of
from hub.sim.run import run
from tests.host.sim.conftest import FLAT
from tests.host.thorough import examples

SLOTS = 4
power_w = st.lists(st.integers(0, 5000), min_size=SLOTS, max_size=SLOTS)
price = st.floats(0, 0.5, allow_nan=False)
place = st.tuples(st.integers(-3000, 3000), st.integers(-3000, 3000)).map(list)


@st.composite
def members(draw):
    return {
        "load_w": draw(power_w),
        "pv_w": draw(power_w),
        "position": draw(place),
        "community": draw(st.sampled_from(["east", "west"])),
        "strategy": draw(st.sampled_from(["none", "greedy"])),
        "battery_wh": draw(st.sampled_from([0, 2000])),
        "preferences": {"order": draw(st.sampled_from(["use-store-trade", "use-trade-store"]))},
    }


@st.composite
def markets(draw, mechanisms, designs):
    return {
        "design": draw(st.sampled_from(designs)),
        "mechanism": draw(st.sampled_from(mechanisms)),
        "network_eur_per_kwh": draw(st.one_of(st.just(0.0), price)),
        "network_eur_per_kwh_km": draw(st.one_of(st.just(0.0), price)),
        "loss_permille": draw(st.sampled_from([0, 5, 300, 900])),
        "compensation_eur_per_kwh": draw(st.sampled_from([0.0, 0.05, 1.0])),
    }


def ran(market, peers, tariffs=(0.3, 0.1)):
    raw = {
        "scenario": {"slots": SLOTS, "slot_minutes": 30},
        "tariffs": dict(zip(("retail_eur_per_kwh", "feed_in_eur_per_kwh"), tariffs, strict=True)),
        "market": market,
        "peer": [{"name": f"p{number}", **one} for number, one in enumerate(peers)],
    }
    return run(build(scenario_of(raw, Path("fees.toml"))), has_details=True)


def least_saving(outcome) -> float:
    return float((outcome.totals["grid_only_cost"] - outcome.totals["cost"]).min())


@settings(deadline=None, max_examples=examples(120))
@given(
    market=markets(["mid-market-rate", "supply-demand-ratio"], ["community", "hybrid"]),
    peers=st.lists(members(), min_size=2, max_size=5),
    retail=st.floats(0.05, 0.5),
    feed_in_share=st.floats(0, 1),
)
def test_nobody_is_worse_off_than_with_the_grid_whatever_the_fee(
    market, peers, retail, feed_in_share
):
    assert least_saving(ran(market, peers, (retail, retail * feed_in_share))) >= -1e-9


@settings(deadline=None, max_examples=examples(60))
@given(
    market=markets(["uniform", "pay-as-bid", "midpoint", "preferred"], ["centralised"]),
    peers=st.lists(members(), min_size=2, max_size=4),
)
def test_nobody_is_worse_off_by_a_book_whatever_the_fee(market, peers):
    # Prices in a book are whole nano-euros, and there are at most 10 kWh a peer.
    assert least_saving(ran(market, peers)) >= -5e-8


TWO = f"""
[scenario]
slots = 1
slot_minutes = 60
{FLAT}[market]
mechanism = "MECHANISM"
FEES
[[peer]]
name = "sun"
position = [0, 0]
pv_w = 1000
[[peer]]
name = "far"
position = [3000, 0]
load_w = 600
[[peer]]
name = "near"
position = [0, 1000]
load_w = 600
"""


def two(mechanism: str, fees: str = "") -> str:
    return TWO.replace("MECHANISM", mechanism).replace("FEES", fees)


def test_price_is_the_middle_of_what_the_trade_is_worth_when_there_is_a_fee(simulated):
    outcome = simulated(two("mid-market-rate", "network_eur_per_kwh = 0.12"))
    # A kWh is worth 0.30 - 0.12 to its buyer and 0.10 to its seller: 0.14 is in the middle.
    assert outcome.totals["trade_income"][0] == pytest.approx(0.14)
    savings = outcome.totals["grid_only_cost"] - outcome.totals["cost"]
    # Each side of a traded kWh gains 0.04.
    assert savings == pytest.approx([0.04, 0.02, 0.02])


@pytest.mark.parametrize("mechanism", ["mid-market-rate", "supply-demand-ratio", "bill-sharing"])
def test_nobody_trades_where_the_fee_eats_the_gain(simulated, mechanism):
    outcome = simulated(two(mechanism, "network_eur_per_kwh = 0.21"))
    assert outcome.totals["bought"].sum() == 0
    assert outcome.warnings == []
    assert simulated(two(mechanism, "network_eur_per_kwh = 0.19")).totals["bought"].sum() > 0.9


def test_neighbours_trade_and_far_peers_do_not_when_the_way_costs_more_than_it_gains(simulated):
    outcome = simulated(two("mid-market-rate", "network_eur_per_kwh_km = 0.05"))
    # Both buyers gain 0.10 a kWh before the way: 0.05 to the near one, 0.15 to the far one. Half of
    # the sun's kWh was the far one's: what the near one needs beyond its own half it has of that.
    assert outcome.totals["bought"] == pytest.approx([0, 0, 0.6])
    assert outcome.totals["export"] == pytest.approx([0.4, 0, 0])
    assert outcome.totals["fee"] == pytest.approx([0, 0, 0.6 * 0.05])
    [pair] = outcome.pairs
    assert (pair.seller, pair.buyer) == (0, 2)


def test_those_who_bill_sharing_costs_are_told_with_the_amount(simulated):
    (warning,) = simulated(two("bill-sharing")).warnings
    # The sun would have had 0.10 for its kWh and gets nothing.
    assert warning == (
        "1 of 3 peers pay more than with the grid alone, 0.10 EUR together, most of all sun "
        "(0.10 EUR): bill sharing pays sellers nothing for what other peers take"
    )


def test_battery_waits_for_no_trade_that_a_fee_forbids(simulated):
    text = (
        two("mid-market-rate", "network_eur_per_kwh = FEE")
        + """
[[peer]]
name = "store"
position = [0, 0]
pv_w = 1000
battery_wh = 4000
soc_initial = 0
strategy = "greedy"
preferences = { order = "use-trade-store" }
"""
    )
    # Two suns of 1 kWh, 1.2 kWh wanted: 0.6 of the second's are sold first, where that gains.
    assert simulated(text.replace("FEE", "0.1")).stored_wh[3] == pytest.approx(400)
    assert simulated(text.replace("FEE", "0.3")).stored_wh[3] == pytest.approx(1000)


def test_hybrid_pairs_carry_the_price_of_their_own_round(simulated):
    text = two("mid-market-rate").replace('mechanism = "mid', 'design = "hybrid"\nmechanism = "mid')
    for name, home in (("sun", "a"), ("far", "b"), ("near", "a")):
        text = text.replace(f'name = "{name}"', f'name = "{name}"\ncommunity = "{home}"')
    outcome = simulated(text)
    earned = sum(one.energy_kwh * one.price_eur_per_kwh for one in outcome.pairs)
    assert earned == pytest.approx(outcome.totals["trade_income"][0])
    prices = {outcome.community.names[one.buyer]: one.price_eur_per_kwh for one in outcome.pairs}
    # Inside a, whose 0.4 kWh too much all go to b at the middle 0.20: between 0.30 and 0.20.
    assert prices == pytest.approx({"near": 0.25, "far": 0.20})
    paid = np.zeros(3)
    for one in outcome.pairs:
        paid[one.buyer] += one.energy_kwh * one.price_eur_per_kwh
    assert paid == pytest.approx(outcome.totals["trade_cost"])


def test_houses_are_scheduled_alone_when_a_fee_forbids_them_to_share(simulated):
    text = (
        two("mid-market-rate", "pooling = true\nnetwork_eur_per_kwh = FEE")
        + """
[[peer]]
name = "store"
position = [0, 0]
battery_wh = 4000
soc_initial = 0
strategy = "optimal"
"""
    )
    text = text.replace("slots = 1", "slots = 2").replace("load_w = 600", "load_w = [0, 600]")
    text = text.replace("pv_w = 1000", "pv_w = [1000, 0]")
    # It would store the sun's kWh for the others; of its own it has neither sun nor need.
    assert simulated(text.replace("FEE", "0")).totals["charged"][3] > 0.9
    assert simulated(text.replace("FEE", "0.3")).totals["charged"][3] == pytest.approx(0)
