"""Indices between 0 and 1 to compare markets by: an `Outcome` enters, the indices leave.

The idea of an overall performance index over economic and technical ones is that of Zhou, Wu and
Long (2018), Applied Energy 222, doi:10.1016/j.apenergy.2018.02.089; the definitions are ours:

- value: the share of the possible saving (pooled optimum against no trading, no batteries);
- participation: the share of peers that do not pay more than with the grid alone;
- equality: 1 - Gini coefficient of the peers' savings per kWh exchanged, 0 if nobody saves;
- balance: 1 - (import + export) / (load + generation) of the community;
- flatness: mean / peak of the power exchanged with the grid;
- sufficiency: self-sufficiency, clamped.

The overall index is their plain mean.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.sim.outcome import Outcome

NAMES = ("value", "participation", "equality", "balance", "flatness", "sufficiency")
SMALLEST_EUR = 1e-9


def of(outcome: Outcome) -> dict[str, float]:
    """Return all indices but `value`, which needs other runs to compare with."""
    totals, slots = outcome.totals, outcome.slots
    savings = totals["grid_only_cost"] - totals["cost"]
    exchanged = totals["import"] + totals["export"] + totals["bought"] + totals["sold"]
    each = np.divide(savings, exchanged, out=np.zeros_like(savings), where=exchanged > 0)
    grid_w = slots["import"] + slots["export"]
    peak_w = grid_w.max()
    load, generation = totals["load"].sum(), totals["generation"].sum()
    grid_kwh = totals["import"].sum() + totals["export"].sum()
    found = {
        "participation": np.mean(savings >= -SMALLEST_EUR),
        "equality": 1 - gini(np.maximum(each, 0.0)) if savings.max() > SMALLEST_EUR else 0.0,
        "balance": 1 - grid_kwh / (load + generation) if load + generation > 0 else 1.0,
        "flatness": grid_w.mean() / peak_w if peak_w > 0 else 1.0,
        "sufficiency": 1 - totals["import"].sum() / load if load > 0 else 1.0,
    }
    return {name: round(float(np.clip(value, 0.0, 1.0)), 4) for name, value in found.items()}


def gini(values: npt.NDArray[np.float64]) -> float:
    """Return the Gini coefficient of non-negative values: 0 all equal, towards 1 one has all."""
    total = values.sum()
    if total <= SMALLEST_EUR:
        return 0.0
    ranked = np.sort(values)
    count = len(ranked)
    return float((2 * np.arange(1, count + 1) - count - 1) @ ranked / (count * total))
