"""`trueque hub init`: what a site shall be enters; its configuration and keys are written."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from hub import certificates
from hub import config as configuration
from hub import keys as secrets
from hub.cli_options import data_option
from hub.config_tables import MARKET_KINDS

# The bench's profiles: a sunny spring day just before its first window.
BENCH_START = datetime.datetime(2017, 3, 28, 10, 15)
BENCH_SPEED = 60


@click.command()
@data_option
@click.option("--houses", type=click.IntRange(1, 200), default=5, show_default=True)
@click.option("--name", default="bench", show_default=True, help="The site's name.")
@click.option("--speed", type=click.IntRange(1, 3600), default=BENCH_SPEED, show_default=True)
@click.option("--start", type=click.DateTime(), default=BENCH_START.isoformat(), show_default=True,
              help="Site time at which the bench's replayed day begins.")  # fmt: skip
@click.option("--once", is_flag=True, help="For one window now instead of the daily schedule.")
@click.option("--market", type=click.Choice(MARKET_KINDS),
              default=MARKET_KINDS[0], show_default=True,
              help="How houses trade; see docs/markets.md.")  # fmt: skip
def init(data: Path, houses: int, name: str, speed: int, start: datetime.datetime,
         once: bool, market: str) -> None:  # fmt: skip
    """Make a new bench site: one configuration, fresh keys.

    Example: trueque hub init --data var/site --houses 5
    """
    found = configuration.bench_houses(houses)
    keys_path = data / "keys.json"
    # The site's file comes last: with it the site is whole.
    if not (data / configuration.FILE_NAME).exists() and not keys_path.exists():
        secrets.create(keys_path, [house.name for house in found])
        certificates.ensure(data / "tls", [])  # the broker's names come with the first start
    path = configuration.write(
        data,
        found,
        site={"name": name},
        clock={"start_local": start, "speed": speed},
        schedule={"mode": "once" if once else "daily"},
        market={"kind": market},
    )
    click.echo(
        f"{path}: {houses} houses; change it as you like, then: trueque hub up --data {data}"
    )
