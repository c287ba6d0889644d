"""`trueque hub init`: answers, options or a file enter; a configuration and keys are written."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from hub import certificates, site_questions
from hub import config as configuration
from hub import keys as secrets
from hub.cli_options import data_option
from hub.config_tables import MARKET_KINDS, House

# The bench's profiles: a sunny spring day just before its first window.
BENCH_START = datetime.datetime(2017, 3, 28, 10, 15)
BENCH_SPEED = 60


@click.command()
@data_option
@click.option("--from", "source", type=click.Path(dir_okay=False, exists=True, path_type=Path),
              help="A site.toml, whole or in part; the rest gets its defaults.")  # fmt: skip
@click.option("--ask", is_flag=True,
              help="Ask for what a site needs, as on a terminal without options.")  # fmt: skip
@click.option("--houses", type=click.IntRange(1, 200), default=5, show_default=True)
@click.option("--segments", type=click.IntRange(1, 50), default=1, show_default=True,
              help="Bus segments; pairs of houses are spread over them.")  # fmt: skip
@click.option("--name", default="bench", show_default=True, help="The site's name.")
@click.option("--speed", type=click.IntRange(1, 3600), default=BENCH_SPEED, show_default=True)
@click.option("--start", type=click.DateTime(), default=BENCH_START.isoformat(), show_default=True,
              help="Site time at which the bench's replayed day begins.")  # fmt: skip
@click.option("--once", is_flag=True, help="For one window now instead of the daily schedule.")
@click.option("--market", type=click.Choice(MARKET_KINDS),
              default=MARKET_KINDS[0], show_default=True,
              help="How houses trade; see docs/markets.md.")  # fmt: skip
@click.pass_context
def init(context: click.Context, data: Path, source: Path | None, ask: bool, houses: int,
         segments: int, name: str, speed: int, start: datetime.datetime, once: bool,
         market: str) -> None:  # fmt: skip
    """Make a new site: one configuration, fresh keys.

    Without options on a terminal it asks; with some it makes a bench of them.

    Example: trueque hub init --data var/site --houses 5
    """
    if source is not None:
        tables = configuration.read_table_file(source)
        found = [House(**row) for row in _house_rows(tables, source, data)]
    elif ask or (sys.stdin.isatty() and not _is_told(context)):
        tables, found = site_questions.ask()
    else:
        if segments > max(1, houses // 2):
            raise click.UsageError(f"--segments {segments}: each needs two of the {houses} houses")
        found = list(configuration.bench_houses(houses, segments))
        tables = {
            "site": {"name": name},
            "clock": {"start_local": start, "speed": speed},
            "schedule": {"mode": "once" if once else "daily"},
            "market": {"kind": market},
        }
    path = make(data, found, tables)
    houses_text = "1 house" if len(found) == 1 else f"{len(found)} houses"
    click.echo(f"{path}: {houses_text}; change it as you like, then: trueque hub up --data {data}")


def make(data: Path, houses: Sequence[House], tables: dict[str, dict[str, Any]]) -> Path:
    """Write a new site: keys first, for with its configuration the site is whole.

    Raises ConfigError when a field is wrong or the site exists.
    """
    configuration.check_new(data, houses, tables)
    keys_path = data / "keys.json"
    if not keys_path.exists():
        secrets.create(keys_path, [house.name for house in houses])
        certificates.ensure(data / "tls", [])  # the broker's names come with the first start
    return configuration.write(data, houses, **tables)


def _house_rows(tables: dict[str, Any], source: Path, data: Path) -> list[dict[str, Any]]:
    configuration.check(tables, data.resolve(), str(source))  # names what is wrong, rows too
    rows: list[dict[str, Any]] = tables.pop("houses")
    return rows


def _is_told(context: click.Context) -> bool:
    """Tell whether the command line chose anything but where the site lies."""
    given = click.core.ParameterSource.COMMANDLINE
    return any(
        context.get_parameter_source(name) is given for name in context.params if name != "data"
    )
