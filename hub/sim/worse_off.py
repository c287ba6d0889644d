"""Who would have been better off with the grid alone: an outcome enters, a sentence with the amount
leaves.

Mid-market rate, supply-demand ratio and books never make a peer lose by a trade (`hub.sim.worth`).
Bill sharing does by what it is, and orders by forecast by what they get wrong.
"""

from __future__ import annotations

import numpy as np

from hub.sim.outcome import Outcome
from hub.sim.scenario import PERFECT

SMALLEST_EUR = 1e-6


def worse_off(outcome: Outcome) -> list[str]:
    """Return a sentence where trading made peers pay more; none where it did not."""
    lost = outcome.totals["cost"] - outcome.totals["grid_only_cost"]
    losers = np.flatnonzero(lost > SMALLEST_EUR)
    if not losers.size:
        return []
    community = outcome.community
    most = int(losers[np.argmax(lost[losers])])
    return [
        f"{losers.size} of {community.size} peers pay more than with the grid alone, "
        f"{lost[losers].sum():.2f} EUR together, most of all {community.names[most]} "
        f"({lost[most]:.2f} EUR){_reason(outcome)}"
    ]


def _reason(outcome: Outcome) -> str:
    market = outcome.community.market
    if market.forecast != PERFECT:
        return ": they ordered by a forecast, and the grid bills what came otherwise"
    if market.mechanism == "bill-sharing":
        return ": bill sharing pays sellers nothing for what other peers take"
    return ""
