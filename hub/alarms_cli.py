"""`trueque hub alarms`: what a person has to look at, and who has looked."""

from __future__ import annotations

import dataclasses
import datetime
import getpass
import json
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from hub import config as configuration
from hub.cli_options import data_option
from hub.config import SiteConfig
from hub.errors import BadInput
from hub.site_clock import wall_ms


@click.command()
@data_option
@click.option("--all", "is_all", is_flag=True, help="Those that are over and seen as well.")
@click.option("--ack", "seen", type=int, multiple=True, metavar="NUMBER",
              help="Write down that you have seen this alarm; may be repeated.")  # fmt: skip
@click.option("--by", "who", default=None, help="Your name; by default your account's.")
@click.option("--json", "as_json", is_flag=True, help="Plain JSON on standard output.")
def alarms(data: Path, is_all: bool, seen: tuple[int, ...], who: str | None, as_json: bool) -> None:
    """Show alarms that hold or that nobody has seen yet; acknowledge them.

    An alarm ends when its cause does; acknowledging writes down who has looked.

    Example: trueque hub alarms --ack 12 --by Maria
    """
    from hub.store import Store

    config = configuration.load(data)
    if not config.store_path.exists():
        raise BadInput(f"{data}: the hub has never run here")
    store = Store.join(config.store_path)
    try:
        for number in seen:
            if not store.acknowledge_alarm(number, who or getpass.getuser(), wall_ms()):
                raise BadInput(f"--ack {number}: no such alarm, or it was seen before")
        found = store.alarms(only_standing=not is_all)
    finally:
        store.close()
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in found], indent=1))
        return
    what = Column("what", overflow="fold")  # a name cut off names nothing
    table = Table("number", "severity", what, "raised", "over", "seen by")
    for one in found:
        table.add_row(str(one.alarm_id), one.severity, escape(one.sentence),
                      _at(config, one.raised_at_ms), _at(config, one.cleared_at_ms),
                      escape(one.acknowledged_by or "-"))  # fmt: skip
    Console(highlight=False).print(table if found else "no alarm")


def _at(config: SiteConfig, at_ms: int | None) -> str:
    if at_ms is None:
        return "-"
    return f"{datetime.datetime.fromtimestamp(at_ms / 1000, config.zone):%Y-%m-%d %H:%M:%S}"
