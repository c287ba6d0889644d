"""Compares markets: one scenario enters; a row of indicators for every variation of it leaves.

A variation changes design, mechanism, strategy and size; each is a run of its own in a process of
its own. Any `concurrent.futures` executor serves, so a cluster's executor does too.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hub.errors import BadInput
from hub.sim import indices
from hub.sim.reading import scenario_of
from hub.sim.responding import simulate
from hub.sim.summary import summarise

MARKETS = (
    ("none", ""),
    ("community", "mid-market-rate"),
    ("community", "supply-demand-ratio"),
    ("community", "bill-sharing"),
    ("centralised", "uniform"),
    ("centralised", "pay-as-bid"),
    ("decentralised", "continuous"),
)
"""What is compared unless the caller chooses."""


@dataclass(frozen=True)
class Case:
    """One variation; `size` replaces the count of the first [[group]], None keeps it."""

    design: str
    mechanism: str
    strategy: str | None = None
    size: int | None = None
    is_bound: bool = False  # the pooled optimal run that the others are measured against

    @property
    def label(self) -> str:
        """Return how tables and figures name it."""
        words = [self.mechanism or "no trading"]
        if self.design not in ("none", "community"):
            words.append(f"({self.design})")
        if self.strategy is not None:
            words.append(f"+ {self.strategy}")
        if self.size is not None:
            words.append(f"x {self.size}")
        return " ".join(words)


def cases(
    markets: Sequence[tuple[str, str]],
    strategies: Sequence[str | None],
    sizes: Sequence[int | None],
) -> list[Case]:
    """Return every combination, sizes outermost."""
    return [
        Case(design, mechanism, strategy, size)
        for size in sizes
        for strategy in strategies
        for design, mechanism in markets
    ]


def varied(raw: dict[str, Any], case: Case) -> dict[str, Any]:
    """Return the scenario's tables with the case's changes. Raises BadInput for a size without
    a group."""
    table = copy.deepcopy(raw)
    market = table.setdefault("market", {})
    market["design"] = case.design
    market.pop("mechanism", None)
    # Without trading there is no pool, or "none" would still share.
    is_pooled = bool(market.get("pooling", False)) and case.design != "none"
    market["pooling"] = case.is_bound or is_pooled
    if case.is_bound:  # what could be saved: all share, nothing is lost or charged in between
        table.pop("pool", None)
        for name in ("network_eur_per_kwh", "network_eur_per_kwh_km", "loss_permille"):
            market.pop(name, None)
    if case.mechanism:
        market["mechanism"] = case.mechanism
    members = [*table.get("peer", []), *table.get("group", [])]
    for member in members:
        if case.strategy is not None:
            member["strategy"] = case.strategy
    if case.design == "none" or any(one.get("strategy") == "optimal" for one in members):
        for name in ("forecast", "forecast_ahead_slots"):  # nobody orders, or all is known
            market.pop(name, None)
    if case.size is not None:
        if not table.get("group"):
            raise BadInput("sizes: the scenario has no [[group]] whose count could change")
        table["group"][0]["count"] = case.size
    return table


def evaluate(raw: dict[str, Any], path: Path, case: Case) -> dict[str, Any]:
    """Run one case; return its label and indicators."""
    outcome = simulate(scenario_of(varied(raw, case), path))
    community = summarise(outcome)["community"]
    chosen = (
        "cost_eur",
        "import_kwh",
        "export_kwh",
        "traded_kwh",
        "self_sufficiency",
        "self_consumption",
        "peak_import_kw",
        "savings_eur",
        "peers_worse_off",
    )
    return {
        "case": case.label,
        "design": case.design,
        "mechanism": case.mechanism or None,
        "strategy": case.strategy,
        "peers": outcome.community.size,
        **{name: community[name] for name in chosen},
        **indices.of(outcome),
    }


def compare(
    raw: dict[str, Any], path: Path, chosen: Sequence[Case], executor: Executor
) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows so far after each case; the last yield has the overall index in each row.

    For every size two more runs give the scale of the value index: no trading without batteries,
    and the pooled optimum.
    """
    sizes = list(dict.fromkeys(case.size for case in chosen))
    scale = [
        case
        for size in sizes
        for case in (
            Case("none", "", "none", size),
            Case("community", "mid-market-rate", "optimal", size, is_bound=True),
        )
    ]
    everything = [*chosen, *scale]
    futures = [executor.submit(evaluate, raw, path, case) for case in everything]
    rows: list[dict[str, Any]] = []
    for future in futures:
        rows.append(future.result())
        yield rows[: len(chosen)]
    bounds = {
        size: (
            rows[len(chosen) + 2 * place]["cost_eur"],
            rows[len(chosen) + 2 * place + 1]["cost_eur"],
        )
        for place, size in enumerate(sizes)
    }
    for case, row in zip(chosen, rows, strict=False):
        row["value"] = _value(row["cost_eur"], *bounds[case.size])
        row["overall"] = round(float(np.mean([row[name] for name in indices.NAMES])), 4)
    yield rows[: len(chosen)]


def _value(cost: float, without: float, best: float) -> float:
    """Return the share of the possible saving that a case reaches."""
    possible = without - best
    if possible <= 1e-9:
        return 1.0
    return round(min(1.0, max(0.0, (without - cost) / possible)), 4)
