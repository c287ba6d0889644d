"""Runs a scenario with price-responsive demand: a scenario enters, the settled outcome leaves.

Elastic shares and shiftable appliances move to cheaper slots of the same day (`shifting`). The
price is what the peers' next kWh costs, which depends on what all of them do: demand and price are
iterated, half a step at a time, and the residual that is left is reported. After Liu et al. 2017,
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
from hub.sim.shifting import Movable
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
    movable = Movable.of(community)
    if movable.is_nothing:
        return _run_held(community, scenario, has_details=has_details, on_progress=on_progress)
    base_w, feeder = movable.base_w, feeder_of(community)
    elasticity, days = community.market.elasticity, community.clock.days
    load_w, rounds, residual_w = base_w, 0, np.inf
    while rounds < MAX_ROUNDS and residual_w > TOLERANCE * base_w.max():
        outcome = run(community, feeder=feeder)
        price = _next_price(outcome)
        wanted_w = movable.answer_w(price, elasticity, days, outcome.vehicle_w)
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


def _next_price(outcome: Outcome) -> Values:
    """Return what another kWh costs in each slot: the buyers' mean price, else the sellers'."""
    buy, sell = mean_prices(outcome)
    tariff = outcome.community.tariff
    price = np.where(outcome.slots["import"] > 0, buy, sell)
    return np.where(np.isfinite(price), price, tariff.retail)
