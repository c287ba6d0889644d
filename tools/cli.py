"""The `trueque` command: groups are imported when they are called, so that help is quick."""

from __future__ import annotations

import importlib
import sys

import click

from hub.errors import TruequeError

_COMMANDS = {
    "bench": ("tools.bench.cli:bench", "Measure speed, memory and gas as ratios to a baseline."),
    "bills": ("hub.bills_cli:bills", "Verify bills against what boards signed."),
    "board": ("tools.board.cli:board", "Flash, provision, calibrate and verify boards."),
    "export": ("hub.export:export", "Export readings, trades, bills and snapshots."),
    "hub": ("hub.cli:hub", "Set up, run and inspect a site's hub."),
    "market": ("tools.market_cli:market", "Clear an order book or price a community."),
    "meter": ("tools.meter_cli:meter", "Replay recorded samples through the board's meter."),
    "sim": ("tools.sim_cli:sim", "Simulate a community: energy, money and markets."),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in sorted(_COMMANDS)])


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
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
