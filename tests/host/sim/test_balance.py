"""Energy and money are conserved in every slot, whatever the community."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.sim.balance import OutOfBalance, check_energy, check_money, check_trades
from hub.sim.community import build
from hub.sim.reading import scenario_of
from hub.sim.run import run, tariff_of
from hub.sim.settle import Memory, settle
from tests.host.thorough import examples

SLOTS = 6
MARKETS = [
    {"design": "none"},
    {"mechanism": "mid-market-rate", "loss_permille": 30, "network_eur_per_kwh": 0.01},
    {"mechanism": "supply-demand-ratio", "compensation_eur_per_kwh": 0.02},
    {"mechanism": "bill-sharing", "pooling": True},
    {"design": "hybrid", "mechanism": "mid-market-rate", "loss_permille": 5},
    {"mechanism": "uniform", "bidding": "zero-intelligence"},
    {"design": "decentralised", "bidding": "zero-intelligence", "loss_permille": 20},
    {"mechanism": "midpoint"},
]
power_w = st.integers(0, 5000)


@st.composite
def peers(draw):
    entry = {
        "load_w": draw(st.lists(power_w, min_size=SLOTS, max_size=SLOTS)),
        "pv_w": draw(st.lists(power_w, min_size=SLOTS, max_size=SLOTS)),
        "community": draw(st.sampled_from(["east", "west"])),
        "strategy": draw(st.sampled_from(["none", "greedy", "optimal"])),
        "battery_wh": draw(st.sampled_from([0, 1000, 4000])),
        "self_discharge": draw(st.sampled_from([0.0, 0.01])),
        "charge_efficiency": draw(st.sampled_from([1.0, 0.9])),
        "battery_charge_w": draw(st.sampled_from([500, 10_000])),
        "preferences": {"order": draw(st.sampled_from(["use-store-trade", "use-trade-store"]))},
    }
    if draw(st.booleans()):
        entry["export_limit_w"] = 1500
    return entry


def community_of(market, members):
    raw = {
        "scenario": {"slots": SLOTS, "slot_minutes": 30},
        "tariffs": {"retail_eur_per_kwh": 0.3, "feed_in_eur_per_kwh": 0.1},
        "market": market,
        "peer": [{"name": f"peer-{place}", **one} for place, one in enumerate(members)],
    }
    return build(scenario_of(raw, Path("property.toml")))


@pytest.mark.parametrize("market", MARKETS, ids=lambda one: "-".join(map(str, one.values())))
@settings(deadline=None, max_examples=examples(15))
@given(members=st.lists(peers(), min_size=1, max_size=4))
def test_energy_and_money_add_up_when_anything_is_simulated(market, members):
    community = community_of(market, members)
    outcome = run(community, has_details=True)  # raises where a slot does not balance
    totals = {name: values.sum() for name, values in outcome.totals.items()}
    # The whole run, from the totals: what came in left, was lost or is still stored.
    stored_kwh = (outcome.stored_wh - community.storage.initial_wh).sum() / 1000
    lost = totals["import"] + totals["generation"] - totals["load"] - totals["export"] - stored_kwh
    assert lost >= -1e-6
    # What the peers pay is what grid and operator get.
    grid = 0.3 * totals["import"] - 0.1 * totals["export"]
    assert totals["cost"] == pytest.approx(grid + totals["fee"], abs=1e-6)
    assert np.all(outcome.details["stored"] <= community.storage.highest_wh + 1e-6)


@settings(deadline=None, max_examples=examples(25))
@given(members=st.lists(peers(), min_size=2, max_size=4))
def test_nobody_pays_more_than_the_grid_asks_when_the_price_is_the_middle(members):
    outcome = run(community_of({"mechanism": "mid-market-rate"}, members))
    savings = outcome.totals["grid_only_cost"] - outcome.totals["cost"]
    assert savings.min() >= -1e-9


TWO = [{"load_w": 0, "pv_w": 1000}, {"load_w": 700}]


@pytest.fixture
def block():
    community = community_of({"mechanism": "mid-market-rate"}, TWO)
    inputs = community.block(0, SLOTS)
    tariff = tariff_of(community.tariff, 0, SLOTS)
    flows = settle(community, 0, inputs.load_w - inputs.generation_w, tariff, Memory.of(community))
    return community, inputs, flows, tariff


def with_extra(flows, name, slot):
    changed = getattr(flows, name).copy()
    changed[slot, 1] += 5
    return dataclasses.replace(flows, **{name: changed})


def test_energy_check_names_the_slot_when_a_flow_appears(block):
    community, inputs, flows, _ = block
    none = np.zeros_like(inputs.load_w)
    check_energy(community.clock, 10, inputs, none, none, flows)
    wrong = with_extra(flows, "import_w", 3)
    with pytest.raises(OutOfBalance, match=r"slot 3 .*energy of a peer.* by 5"):
        check_energy(community.clock, 0, inputs, none, none, wrong)


def test_trade_check_names_the_slot_when_more_arrives_than_left(block):
    community, _, flows, _ = block
    with pytest.raises(OutOfBalance, match="slot 2 .*energy traded"):
        check_trades(community.clock, 0, with_extra(flows, "bought_w", 2), 0)
    with pytest.raises(OutOfBalance, match="slot 4 .*money traded"):
        check_trades(community.clock, 0, with_extra(flows, "paid", 4), 0)


def test_money_check_names_the_slot_when_money_vanishes(block):
    community, _, flows, tariff = block
    check_money(community.clock, 0, flows, tariff)
    with pytest.raises(OutOfBalance, match=r"slot 1 .*money"):
        check_money(community.clock, 0, with_extra(flows, "paid", 1), tariff)


def test_check_fails_when_a_flow_is_not_a_number(block):
    community, _, flows, _ = block
    flows.bought_w[1, 1] = np.nan
    with pytest.raises(OutOfBalance, match="slot 1"):
        check_trades(community.clock, 0, flows, 0)
