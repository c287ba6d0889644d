"""Whatever peers prefer, energy and money add up and what they asked for holds."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.sim.community import build
from hub.sim.reading import scenario_of
from hub.sim.run import run
from tests.host.sim.wished import (
    HERE,
    LIMITS,
    scenario_with,
)
from tests.host.thorough import examples

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
        "producers_only": bool(chosen) and draw(st.booleans()),
        "buyers": draw(st.lists(st.sampled_from(others), max_size=2, unique=True)),
        "origins": draw(st.lists(st.sampled_from(["pv", "hydro"]), max_size=2, unique=True)),
        "priority": draw(st.integers(0, 2)),
        "is_automatic": draw(st.sampled_from([True, True, True, False])),
    }
    if wishes["priority"]:
        wishes["critical_w"] = draw(power_w)
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
