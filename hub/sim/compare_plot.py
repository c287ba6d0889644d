"""Draws a comparison: its rows enter, a figure of costs and indices leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hub.sim.indices import NAMES
from hub.sim.plots import DPI, IMPORT, LOAD, MUTED

COLUMNS = (*NAMES, "overall")


def draw_comparison(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Draw cost bars beside a table of indices, one line a case; return the path."""
    figure = Figure(figsize=(11, 1.6 + 0.34 * len(rows)), layout="constrained")
    bars, table = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1.5))
    places = np.arange(len(rows))
    is_one_size = len({row["peers"] for row in rows}) == 1
    costs = [row["cost_eur"] if is_one_size else row["cost_eur"] / row["peers"] for row in rows]
    best = min(costs)
    # Costs that differ by less than a cent are the same.
    colours = [IMPORT if cost < best + 0.01 else MUTED for cost in costs]
    of_whom = "the community" if is_one_size else "a peer"
    bars.barh(places, costs, color=colours, height=0.7)
    bars.set_title(
        f"Cost of {of_whom}, EUR (least in blue)", loc="left", fontsize=10, fontweight="bold"
    )
    for place, cost in zip(places, costs, strict=True):
        bars.annotate(f" {cost:,.2f} ", (max(cost, 0.0), place), va="center", fontsize=8)
    bars.margins(x=0.18)
    bars.axvline(0, color=LOAD, linewidth=0.8)
    bars.spines[["top", "right"]].set_visible(False)
    bars.set_yticks(places, [row["case"] for row in rows], fontsize=8)
    bars.invert_yaxis()
    _draw_indices(table, rows)
    figure.savefig(path, dpi=DPI)
    return path


def _draw_indices(table: Axes, rows: list[dict[str, Any]]) -> None:
    values = np.array([[row[name] for name in COLUMNS] for row in rows])
    table.imshow(values, cmap="Blues", vmin=0, vmax=1.2, aspect="auto")
    table.set_title(
        "Indices, 0 to 1 (higher is better)", loc="left", fontsize=10, fontweight="bold"
    )
    table.set_xticks(range(len(COLUMNS)), COLUMNS, fontsize=8)
    table.tick_params(axis="y", left=False, labelleft=False)
    table.axvline(len(NAMES) - 0.5, color="white", linewidth=3)
    for (row, column), value in np.ndenumerate(values):
        table.text(
            column,
            row,
            f"{value:.2f}",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if value > 0.75 else LOAD,
        )
    table.spines[:].set_visible(False)
