"""Runs a scenario with price-responsive demand: a scenario enters, the settled outcome leaves."""

from __future__ import annotations

from collections.abc import Callable

from hub.sim.community import build
from hub.sim.run import Outcome, run
from hub.sim.scenario import Scenario


def simulate(
    scenario: Scenario,
    *,
    has_details: bool = False,
    on_progress: Callable[[int], None] = lambda slots: None,
) -> Outcome:
    """Build the community and run it."""
    return run(build(scenario), has_details=has_details, on_progress=on_progress)
