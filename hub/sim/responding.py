"""Runs a scenario with price-responsive demand: a scenario enters, the settled outcome leaves.

A peer with an elastic share e moves that part of its load towards cheaper slots of the same day:
    load' = load (1 + e clip(elasticity (mean price - price) / mean price, -1, 1)),
scaled so that the day keeps its energy; shiftable appliances count into e. The price is what the
peers' next kWh costs, which depends on what all of them do: demand and price are iterated, half a
step at a time, and the residual that is left is reported. After Liu et al. (2017),
doi:10.1109/TPWRS.2017.2649558, whose demand also answers the supply-demand ratio's price.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.sim.community import Community, build
from hub.sim.events import hold
from hub.sim.outcome import Outcome, Response
from hub.sim.outputs import mean_prices
from hub.sim.run import feeder_of, run
from hub.sim.scenario import Scenario
from hub.sim.worse_off import worse_off

Values = npt.NDArray[np.float64]

MAX_ROUNDS = 60
STEP = 0.5
TOLERANCE = 1e-3  # of the largest load


def simulate(
    scenario: Scenario,
    *,
    has_details: bool = False,
    on_progress: Callable[[int], None] = lambda slots: None,
) -> Outcome:
    """Build the community, let demand respond where it can, and run it."""
    community = build(scenario)
    share = np.array([_elastic_share(community, place) for place in range(len(community.peers))])
    if not share.any():
        return _run_held(community, scenario, has_details=has_details, on_progress=on_progress)
    base_w, feeder = community.explicit.load_w, feeder_of(community)
    load_w, rounds, residual_w = base_w, 0, np.inf
    while rounds < MAX_ROUNDS and residual_w > TOLERANCE * base_w.max():
        outcome = run(community, feeder=feeder)
        wanted_w = _respond(community, base_w, share, _next_price(outcome))
        residual_w = float(np.abs(wanted_w - load_w).max())
        load_w = load_w + STEP * (wanted_w - load_w)
        community = community.with_load(load_w)
        rounds += 1
    outcome = _run_held(
        community, scenario, has_details=has_details, on_progress=on_progress, feeder=feeder
    )
    moved = np.abs(load_w - base_w).sum() / 2 * community.clock.slot_hours / 1000
    outcome.response = Response(rounds, residual_w, float(moved))
    if residual_w > TOLERANCE * base_w.max():
        outcome.warnings.append(
            f"demand and price still differ by up to {residual_w:.0f} W after {rounds} rounds"
        )
    return outcome


def _run_held(community: Community, scenario: Scenario, **options: Any) -> Outcome:
    """Run with the scenario's demand-response events, which come on top of the price's answer."""
    community, held = hold(community, scenario.events)
    outcome = run(community, **options)
    outcome.events = held
    outcome.warnings += worse_off(outcome)
    return outcome


def _elastic_share(community: Community, place: int) -> float:
    peer = community.peers[place]
    shiftable_w = sum(one.power_w * one.shiftable_share for one in peer.appliances if one.is_on)
    largest_w = float(community.explicit.load_w[:, place].max(initial=0.0))
    return min(1.0, peer.elastic_share + (shiftable_w / largest_w if largest_w > 0 else 0.0))


def _next_price(outcome: Outcome) -> Values:
    """Return what another kWh costs in each slot: the buyers' mean price, else the sellers'."""
    buy, sell = mean_prices(outcome)
    tariff = outcome.community.tariff
    price = np.where(outcome.slots["import"] > 0, buy, sell)
    return np.where(np.isfinite(price), price, tariff.retail)


def _respond(community: Community, base_w: Values, share: Values, price: Values) -> Values:
    _, day = np.unique(community.clock.days, return_inverse=True)
    count = np.bincount(day)
    mean = (np.bincount(day, price) / count)[day]
    relative = np.divide(mean - price, mean, out=np.zeros_like(price), where=mean > 0)
    answer = np.clip(community.market.elasticity * relative, -1.0, 1.0)
    moved_w = base_w * (1 + answer[:, None] * share[None, :])
    kept = np.empty_like(moved_w)
    for number in range(len(count)):
        rows = day == number
        before, after = base_w[rows].sum(axis=0), moved_w[rows].sum(axis=0)
        scale = np.divide(before, after, out=np.ones_like(after), where=after > 0)
        kept[rows] = moved_w[rows] * scale
    return kept
