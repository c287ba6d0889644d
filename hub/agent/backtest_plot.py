"""Draws a backtest: its rows enter, a figure of errors by horizon leaves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from hub.agent.backtest import AGENT, METHODS, QUANTITIES

DPI = 120
COLOURS = ("#999999", "#009e73", "#e69f00", "#0072b2")  # as hub.sim.plots, colour-blind safe


def draw_backtest(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Draw one panel a quantity, the mean absolute error over the horizon; return the path."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    panels = figure.subplots(1, len(QUANTITIES))
    for axes, quantity in zip(panels, QUANTITIES, strict=True):
        for method, colour in zip(METHODS, COLOURS, strict=True):
            line = [r for r in rows if r["quantity"] == quantity and r["method"] == method]
            axes.plot(
                [row["horizon_h"] for row in line],
                [row["mae_w"] for row in line],
                color=colour,
                marker="o",
                markersize=3,
                linewidth=2.4 if method == AGENT else 1.2,
                label=method,
            )
        title = {"pv": "PV", "load": "Load", "net": "Load - PV"}[quantity]
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
        axes.set_xlabel("hours ahead")
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e5e5e5", linewidth=0.8)
    panels[0].set_ylabel("mean absolute error, W")
    panels[-1].legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=DPI)
    return path
