"""`trueque sim`: a scenario file enters; indicators, tables and plots of a community leave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from hub.sim.community import Community
from hub.sim.outputs import MAX_DETAIL_CELLS, write_tables
from hub.sim.reading import read_scenario
from hub.sim.responding import simulate
from hub.sim.summary import summarise

STDERR = Console(stderr=True)


@click.group()
def sim() -> None:
    """Simulate a community: who needs, makes, stores and trades what, at which price.

    Example: trueque sim run hub/sim/scenarios/street.toml --out out/street
    """


@sim.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Directory of results.")
@click.option(
    "--format",
    "table_format",
    type=click.Choice(["csv", "parquet"]),
    default="csv",
    show_default=True,
    help="Format of the tables.",
)
@click.option("--plots/--no-plots", "has_plots", default=True, help="Draw plots (PNG).")
@click.option("--json", "is_json", is_flag=True, help="Print summary.json on standard output.")
def run(scenario: Path, out: Path, table_format: str, has_plots: bool, is_json: bool) -> None:
    """Simulate SCENARIO, a TOML file (docs/simulator.md), and write the results to a directory.

    summary.json holds the indicators of the community and of every peer; peers, slots and, for
    small runs, peer_slots and trades are tables; plots are PNG files.

    Example: trueque sim run hub/sim/scenarios/street.toml --out out/street
    """
    read = read_scenario(scenario)
    size = len(read.peers) + sum(group.count for group in read.groups)
    has_details = read.clock.slots * size <= MAX_DETAIL_CELLS
    with Progress(console=STDERR, transient=True) as progress:
        bar = progress.add_task("slots", total=read.clock.slots)
        outcome = simulate(
            read,
            has_details=has_details,
            on_progress=lambda done: progress.update(bar, completed=done),
        )
    summary = {"scenario": read.name, **summarise(outcome)}
    for warning in outcome.warnings:
        click.echo(f"warning: {warning}", err=True)
    written = write_tables(out, outcome, summary, table_format)
    if has_plots:
        from hub.sim.plots import draw_all  # matplotlib takes most of a second to import

        written += draw_all(out, outcome, summary)
    if is_json:
        click.echo(json.dumps(summary, indent=1))
    else:
        _show(outcome.community, summary)
    click.echo(f"wrote {len(written)} files to {out}", err=True)


def _show(community: Community, summary: dict[str, Any]) -> None:
    table = Table(
        title=f"{summary['scenario']}: {community.size} peers, {summary['slots']} slots "
        f"of {summary['slot_minutes']} min"
    )
    table.add_column("community")
    table.add_column("value", justify="right")
    for name, value in summary["community"].items():
        table.add_row(
            name, "-" if value is None else f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"
        )
    Console().print(table)
