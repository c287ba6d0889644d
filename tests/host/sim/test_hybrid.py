"""Nested communities against the market engine's exact settlement."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.market.community import Tariff
from hub.market.nesting import HybridTerms, settle_hybrid
from hub.sim.community import build
from hub.sim.reading import scenario_of
from hub.sim.run import run
from tests.host.thorough import examples

NANO = 10**9
positions = st.lists(
    st.tuples(st.sampled_from(["east", "west", "north"]), st.integers(-5000, 5000)),
    min_size=2,
    max_size=6,
)


def simulated_costs(mechanism, members):
    """Return each peer's cost in EUR in one hourly slot; a position in W is a deficit if > 0."""
    raw = {
        "scenario": {"slots": 1, "slot_minutes": 60},
        "tariffs": {"retail_eur_per_kwh": 0.3, "feed_in_eur_per_kwh": 0.1},
        "market": {"design": "hybrid", "mechanism": mechanism},
        "peer": [
            {
                "name": f"peer-{place}",
                "community": home,
                "load_w": max(watts, 0),
                "pv_w": max(-watts, 0),
            }
            for place, (home, watts) in enumerate(members)
        ],
    }
    return run(build(scenario_of(raw, Path("hybrid.toml")))).totals["cost"].tolist()


def exact_costs(mechanism, members):
    """Return the same from integers: 1 W for an hour is 10^6 uWh, 1 EUR/kWh is 10^9 units."""
    by_community: dict[str, dict[str, int]] = {}
    for place, (home, watts) in enumerate(members):
        by_community.setdefault(home, {})[f"peer-{place}"] = -watts * 10**6
    terms = HybridTerms(Tariff(3 * NANO // 10, NANO // 10), mechanism)
    settled = settle_hybrid(by_community, terms).communities
    costs = {peer: wei for one in settled.values() for peer, wei in one.cost_wei.items()}
    return [costs[f"peer-{place}"] / 1e18 for place in range(len(members))]


@pytest.mark.parametrize("mechanism", ["mid-market-rate", "supply-demand-ratio", "bill-sharing"])
@settings(deadline=None, max_examples=examples(40))
@given(members=positions)
def test_costs_equal_the_exact_ones_when_communities_are_nested(mechanism, members):
    # Exact prices are whole nano-euros per kWh, three times rounded: 5 kWh x 3 nano-euro.
    expected = exact_costs(mechanism, members)
    assert simulated_costs(mechanism, members) == pytest.approx(expected, abs=2e-8)
