"""`trueque agent backtest`: measured hours enter; the forecast's errors beside naive ones leave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from hub.errors import BadInput

RETAIL, FEED_IN = 0.30, 0.10


@click.command()
@click.option("--csv", "path", type=click.Path(dir_okay=False, path_type=Path),
              help="Hourly rows of one house; the bundled homes by default.")  # fmt: skip
@click.option("--load", "load_column", default="load_w", show_default=True,
              help="Its column of load, mean W of the hour.")  # fmt: skip
@click.option("--pv", "pv_column", default="pv_w", show_default=True,
              help="Its column of PV, mean W of the hour.")  # fmt: skip
@click.option("--retail", type=click.FloatRange(0), default=RETAIL, show_default=True,
              help="What the grid asks for a kWh.")  # fmt: skip
@click.option("--feed-in", type=click.FloatRange(0), default=FEED_IN, show_default=True,
              help="What it pays.")  # fmt: skip
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="A PNG to draw.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON instead of a table.")
def backtest(
    path: Path | None, load_column: str, pv_column: str, retail: float, feed_in: float,
    plot: Path | None, is_json: bool,
) -> None:  # fmt: skip
    """Try the agents' forecast on measured hours, beside naive ones.

    Each hour, every method forecasts an hour 1, 2, 3 and 6 hours later from what was measured
    until then. `skill` is 1 - error / the best naive error; `order_loss_per_day` is what orders by
    the forecast lose against knowing the future (docs/agents.md).

    Example: trueque agent backtest --plot backtest.png
    """
    if feed_in > retail:
        raise BadInput(f"--feed-in {feed_in:g} is above --retail {retail:g}")
    from hub.agent.backtest import backtest as tried_on
    from hub.agent.backtest import rows

    houses = _bundled() if path is None else [_of_csv(path, load_column, pv_column)]
    try:
        found = rows(tried_on(houses), retail - feed_in)
    except ValueError as problem:
        raise BadInput(f"{path}: {problem}") from None
    if plot is not None:
        from hub.agent.backtest_plot import draw_backtest

        _draw(plot, draw_backtest, found)
    if is_json:
        click.echo(json.dumps({"command": "agent backtest", "rows": found}, indent=1))
    else:
        _show(found)


def _bundled() -> list[Any]:
    """Return the bundled homes, each of their weeks by itself: the weeks are months apart."""
    from hub.agent.backtest import Measured
    from hub.sim import homes

    powers = homes.hourly_w()
    return [
        Measured(
            f"home-{home:02d}",
            powers["pv_w"][week * homes.WEEK_HOURS : (week + 1) * homes.WEEK_HOURS, place],
            powers["load_w"][week * homes.WEEK_HOURS : (week + 1) * homes.WEEK_HOURS, place],
        )
        for week in range(len(homes.mondays()))
        for place, home in enumerate(homes.HOMES)
    ]


def _of_csv(path: Path, load_column: str, pv_column: str) -> Any:
    from hub.agent.backtest import Measured
    from hub.sim import columns

    moments = columns.read_moments(path)
    if moments is not None:
        columns.check_steps(path, *moments, 60)
    return Measured(
        path.stem, columns.read_column(path, pv_column), columns.read_column(path, load_column)
    )


def _draw(plot: Path, draw: Any, found: list[dict[str, Any]]) -> None:
    try:
        draw(plot, found)
    except OSError as problem:
        raise BadInput(f"--plot {plot}: {problem.strerror or problem}") from None


def _show(found: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="mean absolute error in W, skill against the best naive forecast")
    for name in ("quantity", "hours ahead", "method"):
        table.add_column(name)
    for name in ("error", "rmse", "bias", "skill", "order loss a day"):
        table.add_column(name, justify="right")
    for row in found:
        loss = row["order_loss_per_day"]
        table.add_row(
            row["quantity"],
            str(row["horizon_h"]),
            row["method"],
            f"{row['mae_w']:.0f}",
            f"{row['rmse_w']:.0f}",
            f"{row['bias_w']:.0f}",
            "-" if row["skill"] is None else f"{row['skill']:+.1%}",
            "" if loss is None else f"{loss:.2f}",
        )
    Console().print(table)
