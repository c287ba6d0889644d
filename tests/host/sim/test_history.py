"""Every kWh of a peer stands in its history, with whom, from what and at what price."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import BadInput
from hub.sim.assets import SOURCES
from hub.sim.community import build
from hub.sim.dashboard import dashboards
from hub.sim.history import histories
from hub.sim.reading import scenario_of
from hub.sim.run import run
from hub.sim.trades import Trades
from tests.host.sim.conftest import FLAT
from tests.host.thorough import examples

MIXED = f"""
[scenario]
slot_minutes = 60
slots = 2
{FLAT}[market]
mechanism = "mid-market-rate"
network_eur_per_kwh = 0.04
[weather]
wind_m_per_s = 12
[[peer]]
name = "mill"
wallet_eur = 10
load_w = 100
pv_w = [600, 0]
wind = {{ rated_w = 300 }}
hydro = {{ power_w = 100 }}
[[peer]]
name = "town"
load_w = [450, 950]
"""


def lines(history) -> list[tuple]:
    return [
        (one.slot, one.counterparty, one.source, round(one.energy_kwh, 9),
         round(one.price_eur_per_kwh, 9), round(one.fee_eur, 9))
        for one in history
    ]  # fmt: skip


def test_trade_of_mixed_energy_is_split_by_source_in_proportion(simulated):
    outcome = simulated(MIXED)
    mill, town = histories(outcome)
    # Slot 0: 0.9 of 1.0 kWh are left, 0.45 sold and 0.45 fed in, of 6 parts PV, 3 wind, 1 water.
    # The price is the middle of 0.30 - 0.04 and 0.10. Slot 1: 0.3 of 0.4 kWh, 3 wind, 1 water.
    assert lines(mill) == [
        (0, "town", "pv", -0.27, 0.18, 0),
        (0, "town", "wind", -0.135, 0.18, 0),
        (0, "town", "hydro", -0.045, 0.18, 0),
        (0, "grid", "pv", -0.27, 0.1, 0),
        (0, "grid", "wind", -0.135, 0.1, 0),
        (0, "grid", "hydro", -0.045, 0.1, 0),
        (1, "town", "wind", -0.225, 0.18, 0),
        (1, "town", "hydro", -0.075, 0.18, 0),
    ]
    assert lines(town) == [
        (0, "mill", "pv", 0.27, 0.18, 0.0108),
        (0, "mill", "wind", 0.135, 0.18, 0.0054),
        (0, "mill", "hydro", 0.045, 0.18, 0.0018),
        (1, "mill", "wind", 0.225, 0.18, 0.009),
        (1, "mill", "hydro", 0.075, 0.18, 0.003),
        (1, "grid", "grid", 0.65, 0.3, 0),
    ]
    assert Trades.of(outcome).source == ["pv", "wind", "hydro", "wind", "hydro"]


def test_wallet_is_what_the_history_leaves(simulated):
    wallet = dashboards(simulated(MIXED))["mill"]["wallet"]
    assert wallet["after_trades_eur"] == pytest.approx(10 + 0.75 * 0.18)
    assert wallet["end_eur"] == pytest.approx(10 + 0.75 * 0.18 + 0.45 * 0.1)
    assert wallet["grid_and_fees_eur"] == pytest.approx(-0.45 * 0.1)


POOL = f"""
[scenario]
slot_minutes = 60
slots = 2
{FLAT}[market]
design = "community"
[pool]
capacity_wh = 5000
price_eur_per_kwh = 0.2
fee_eur_per_kwh = 0.02
[[peer]]
name = "sun"
pv_w = [1000, 0]
[[peer]]
name = "dusk"
load_w = [0, 600]
"""


def test_energy_of_the_pool_is_named_with_what_it_costs_and_brings(simulated):
    sun, dusk = histories(simulated(POOL))
    assert lines(sun) == [
        (0, "pool", "pv", -1.0, 0, 0),
        # What others pay for what it stored, less the operator's part.
        (1, "pool", "pool", 0, 0, pytest.approx(-0.6 * 0.18)),
    ]
    assert lines(dusk) == [(1, "pool", "pool", 0.6, 0.2, 0)]


@pytest.mark.parametrize("name", ["grid", "pool"])
def test_a_peers_name_is_refused_where_it_would_be_mistaken_for_the_grids(read, name):
    with pytest.raises(BadInput, match="stands for"):
        read(MIXED.replace("town", name))


SLOTS = 5
power_w = st.lists(st.integers(0, 4000), min_size=SLOTS, max_size=SLOTS)


@st.composite
def members(draw):
    entry = {
        "load_w": draw(power_w),
        "pv_w": draw(power_w),
        "battery_wh": draw(st.sampled_from([0, 3000])),
        "strategy": draw(st.sampled_from(["none", "greedy", "optimal"])),
        "community": draw(st.sampled_from(["a", "b"])),
        "export_limit_w": draw(st.sampled_from([800, 10_000])),
        "preferences": {"is_automatic": draw(st.booleans())},
    }
    for name, fields in (("wind", {"rated_w": 900}), ("hydro", {"power_w": 300})):
        if draw(st.booleans()):
            entry[name] = {**fields, "is_on": draw(st.booleans())}
    return entry


MARKETS = [
    {"design": "none"},
    {"mechanism": "mid-market-rate", "loss_permille": 40, "network_eur_per_kwh": 0.03},
    {"design": "hybrid", "mechanism": "supply-demand-ratio"},
    {"mechanism": "uniform", "network_eur_per_kwh": 0.02},
    {"mechanism": "bill-sharing", "forecast": "habit"},
    "pool",
]


def outcome_of(market, peers):
    raw = {
        "scenario": {"slots": SLOTS, "slot_minutes": 30},
        "tariffs": {"retail_eur_per_kwh": [0.2, 0.3, 0.4, 0.2, 0.3], "feed_in_eur_per_kwh": 0.1},
        "weather": {"wind_m_per_s": 9},
        "market": {"mechanism": "mid-market-rate"} if market == "pool" else dict(market),
        "peer": [{"name": f"p{place}", **one} for place, one in enumerate(peers)],
    }
    if market == "pool":
        raw["pool"] = {"capacity_wh": 900, "price_eur_per_kwh": 0.15, "charge_efficiency": 0.9}
    if "forecast" in market:
        raw["peer"] = [
            {**one, "strategy": "greedy"} if one["strategy"] == "optimal" else one
            for one in raw["peer"]
        ]
    return run(build(scenario_of(raw, Path("history.toml"))), has_details=True)


@pytest.mark.parametrize("market", MARKETS, ids=str)
@settings(deadline=None, max_examples=examples(20))
@given(peers=st.lists(members(), min_size=1, max_size=4))
def test_history_adds_up_to_what_a_peer_took_gave_and_paid(market, peers):
    outcome = outcome_of(market, peers)
    totals = {name: values.tolist() for name, values in outcome.totals.items()}
    kept = 1 - outcome.community.market.loss_permille / 1000
    for place, history in enumerate(histories(outcome)):
        taken: dict[str, float] = defaultdict(float)
        given_kwh, paid = 0.0, 0.0
        for one in history:
            assert one.source in SOURCES
            kind = one.counterparty if one.counterparty in ("grid", "pool") else "peers"
            taken[kind] += max(one.energy_kwh, 0.0)
            given_kwh -= min(one.energy_kwh, 0.0)
            paid += one.energy_kwh * one.price_eur_per_kwh + one.fee_eur
        assert taken["peers"] == pytest.approx(totals["bought"][place], abs=1e-8)
        assert taken["grid"] == pytest.approx(totals["import"][place], abs=1e-8)
        assert taken["pool"] == pytest.approx(totals["pool_drawn"][place], abs=1e-8)
        given = kept * totals["sold"][place] + totals["export"][place]
        assert given_kwh == pytest.approx(given + totals["pool_given"][place], abs=1e-8)
        assert paid == pytest.approx(totals["cost"][place], abs=1e-8)
