"""The `trueque` command: where each of its groups is."""

from __future__ import annotations

import sys

import click

from hub.errors import TruequeError
from hub.lazy_group import LazyGroup

_COMMANDS = {
    "agent": ("hub.agent.cli:agent", "Run a house's agent away from the hub; try its forecast."),
    "bench": ("tools.bench.cli:bench", "Measure speed, memory and gas as ratios to a baseline."),
    "bills": ("hub.bills_cli:bills", "Print bills, and verify them against what boards signed."),
    "board": ("tools.board.cli:board", "Flash, provision, calibrate and verify boards."),
    "export": ("hub.export:export", "Export readings, trades, bills and snapshots."),
    "hub": ("hub.cli:hub", "Set up, run and inspect a site's hub."),
    "market": ("tools.market_cli:market", "Clear an order book or price a community."),
    "meter": ("tools.meter_cli:meter", "Replay recorded samples through the board's meter."),
    "sim": ("tools.sim_cli:sim", "Simulate a community: energy, money and markets."),
}


@click.command(
    cls=LazyGroup, places=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="trueque")
def cli() -> None:
    """Trueque: an open testbed for solar peer-to-peer energy trading.

    Example: trueque meter replay samples.csv --json
    """


def main() -> None:
    """Run the command line: exit 0 done, 1 failed, 2 bad input."""
    try:
        cli()
    except TruequeError as problem:
        click.echo(f"trueque: {problem}", err=True)
        sys.exit(problem.exit_code)
