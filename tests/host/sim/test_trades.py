"""Who trades with whom, and what comparisons make of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hub.errors import BadInput
from hub.sim.compare import Case, cases, compare, varied
from hub.sim.indices import gini
from hub.sim.trades import Trades
from tests.host.sim.conftest import FLAT

STREET = f"""
[scenario]
slot_minutes = 60
slots = 1
{FLAT}[market]
mechanism = "mid-market-rate"
[[peer]]
name = "amina"
pv_w = 600
[[peer]]
name = "bruno"
pv_w = 400
[[peer]]
name = "clara"
load_w = 500
[[peer]]
name = "dario"
load_w = 500
"""


def pairs(outcome):
    trades = Trades.of(outcome)
    names = outcome.community.names
    return {
        (names[seller], names[buyer]): pytest.approx(energy)
        for seller, buyer, energy in zip(
            trades.seller, trades.buyer, trades.energy_kwh, strict=True
        )
    }


def test_pairs_use_up_what_is_sold_and_bought(simulated):
    assert pairs(simulated(STREET)) == {
        ("amina", "clara"): 0.5,
        ("amina", "dario"): 0.1,
        ("bruno", "dario"): 0.4,
    }


def test_chosen_producers_come_first_when_a_buyer_names_them(simulated):
    wishes = '[peer.preferences]\nproducers = ["bruno"]\n'
    text = STREET.replace(
        'load_w = 500\n[[peer]]\nname = "dario"', f'load_w = 500\n{wishes}[[peer]]\nname = "dario"'
    )
    assert pairs(simulated(text)) == {
        ("bruno", "clara"): 0.4,
        ("amina", "clara"): 0.1,
        ("amina", "dario"): 0.5,
    }


def test_neighbours_are_paired_first_when_the_market_is_hybrid(simulated):
    text = STREET.replace('mechanism = "mid', 'design = "hybrid"\nmechanism = "mid')
    for name, home in (("amina", "a"), ("bruno", "b"), ("clara", "b"), ("dario", "a")):
        text = text.replace(f'name = "{name}"', f'name = "{name}"\ncommunity = "{home}"')
    assert pairs(simulated(text)) == {
        ("amina", "dario"): 0.5,
        ("bruno", "clara"): 0.4,
        ("amina", "clara"): 0.1,
    }


def test_trades_carry_price_and_source(simulated):
    trades = Trades.of(simulated(STREET))
    assert trades.price_eur_per_kwh == pytest.approx([0.2] * 3)
    assert trades.source == ["pv"] * 3
    assert trades.matrix_kwh(4).sum() == pytest.approx(1.0)


RAW = {
    "scenario": {"slots": 24, "slot_minutes": 60},
    "tariffs": {"retail_eur_per_kwh": 0.3, "feed_in_eur_per_kwh": 0.1},
    "group": [{"count": 4, "prosumer_share": 0.5, "battery_wh": 3000}],
}


def test_comparison_ranks_the_pooled_scale_between_its_ends():
    chosen = cases([("none", ""), ("community", "mid-market-rate")], ["none", "optimal"], [4, 8])
    with ThreadPoolExecutor(2) as executor:
        *_, rows = compare(RAW, Path("compare.toml"), chosen, executor)
    assert [row["peers"] for row in rows] == [4] * 4 + [8] * 4
    first, second = rows[0], rows[1]
    assert first["value"] == 0  # no trading, no batteries: the scale's lower end
    assert 0 < second["value"] <= 1
    assert second["cost_eur"] < first["cost_eur"]
    assert all(0 <= row["overall"] <= 1 for row in rows)


def test_variation_leaves_the_scenario_alone():
    varied(RAW, Case("community", "bill-sharing", "greedy", 9))
    assert RAW["group"][0]["count"] == 4
    assert "market" not in RAW


def test_pooling_stays_when_markets_are_compared_but_not_without_trading():
    raw = {**RAW, "market": {"pooling": True}}
    assert varied(raw, Case("community", "bill-sharing"))["market"]["pooling"]
    assert not varied(raw, Case("none", ""))["market"]["pooling"]


def test_size_is_refused_when_there_is_no_group():
    with pytest.raises(BadInput, match="sizes"):
        varied({"peer": []}, Case("none", "", None, 5))


def test_gini_is_zero_for_equals_and_high_when_one_has_all():
    assert gini(np.array([2.0, 2.0, 2.0])) == pytest.approx(0)
    # One of n has all: (n - 1) / n
    assert gini(np.array([0.0, 0.0, 0.0, 8.0])) == pytest.approx(3 / 4)


ADAPTIVE = f"""
[scenario]
slots = 192
{FLAT}[market]
mechanism = "pay-as-bid"
bidding = "BIDDING"
[[peer]]
name = "sun"
pv_w = 1000
[[peer]]
name = "need"
load_w = LOAD
"""


def adaptive_prices(simulated, bidding: str, load_w: int) -> list[float]:
    outcome = simulated(ADAPTIVE.replace("BIDDING", bidding).replace("LOAD", str(load_w)))
    return [pair.price_eur_per_kwh for pair in outcome.pairs]


def test_adaptive_prices_rise_to_retail_when_energy_is_scarce(simulated):
    found = adaptive_prices(simulated, "adaptive", 3000)
    assert found[-1] == pytest.approx(0.30, abs=0.005)


def test_adaptive_prices_fall_to_feed_in_when_energy_is_plenty(simulated):
    found = adaptive_prices(simulated, "adaptive", 300)
    assert found[-1] == pytest.approx(0.10, abs=0.005)


def test_adaptive_peers_trade_more_than_random_ones_and_less_than_truthful_ones(simulated):
    counts = {
        bidding: len(adaptive_prices(simulated, bidding, 1000))
        for bidding in ("truthful", "adaptive", "zero-intelligence")
    }
    assert counts["truthful"] == 192
    # Two alone, as much needed as offered: any greed of both together misses trades.
    assert 192 > counts["adaptive"] > 0.6 * 192 > counts["zero-intelligence"]


def test_one_peers_own_bidding_counts_before_the_markets(simulated):
    text = ADAPTIVE.replace("BIDDING", "truthful").replace("LOAD", "3000")
    outcome = simulated(text + '[peer.preferences]\nbidding = "zero-intelligence"\n')
    prices = {pair.price_eur_per_kwh for pair in outcome.pairs}
    assert len(prices) > 150  # the buyer's, by chance; the seller asks 0.10
    assert all(0.10 <= price <= 0.30 for price in prices)
