"""`trueque hub bridges`: what is on, which keys of other services are missing, who may read."""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hub import config as configuration
from hub import credentials, running
from hub import keys as secrets
from hub.bridges.accounts import guests
from hub.bridges.config import secrets_known, secrets_needed
from hub.cli_options import data_option
from hub.config import SiteConfig
from hub.errors import BadInput

ASK_TIMEOUT_S = 5.0


@click.group()
def bridges() -> None:
    """Show a site's bridges, keep keys of other services, print the accounts of readers.

    Example: trueque hub bridges list --data var/site-5
    """


@bridges.command("list")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Plain JSON on standard output.")
def list_bridges(data: Path, as_json: bool) -> None:
    """Show how each bridge fares on a running hub, and which keys are missing.

    Example: trueque hub bridges list --data var/site-5
    """
    config, keys = _load(data)
    missing = [name for name in secrets_needed(config.bridges) if not keys.bridges.get(name)]
    states = _states(config)
    if as_json:
        click.echo(json.dumps({"states": states, "missing_keys": missing}, indent=1))
        return
    if states is None:
        click.echo(f"no hub runs in {data}: start it with trueque hub up --data {data}")
    else:
        table = Table("bridge", "state", "why")
        for one in states:
            word = "running" if one["is_running"] else "waits to try again"
            problem = "" if one["is_running"] else one["problem"] or ""
            table.add_row(one["name"], word, problem)
        Console(highlight=False).print(table)
    for name in missing:
        click.echo(f"missing key: trueque hub bridges key {name} --data {data}")


@bridges.command()
@data_option
def accounts(data: Path) -> None:
    """Print the broker accounts that are no board's, with their passwords and topics.

    Example: trueque hub bridges accounts --data var/site-5
    """
    config, keys = _load(data)
    for guest in guests(config.bridges, keys.guest_password):
        if not guest.name.startswith("bridge."):  # those are the hub's own
            click.echo(f"{guest.name}  {guest.password}")
            click.echo(f"    reads {', '.join(guest.read) or 'nothing'}")
            click.echo(f"    writes {', '.join(guest.write) or 'nothing'}")


@bridges.command()
@click.argument("name")
@click.option("--value", help="Asked for, or read from a pipe, when it is not given.")
@data_option
def key(name: str, value: str | None, data: Path) -> None:
    """Keep a key of another service in keys.json; start the hub again afterwards.

    Example: trueque hub bridges key thingspeak.house-1.write_key --data var/site-5
    """
    config, _ = _load(data)
    known = secrets_known(config.bridges)
    if name not in known:
        told = ", ".join(known) or "none: no bridge that needs one is on"
        raise BadInput(f"{name!r} is no key of a bridge that is on; there are: {told}")
    if value is None and sys.stdin.isatty():
        value = click.prompt("Key", hide_input=True)
    elif value is None:
        value = sys.stdin.readline()
    if not value.strip():
        raise BadInput("the key is empty")
    credentials.keep_bridge_key(config.keys_path, name, value.strip())
    click.echo(f"{name} is kept in {config.keys_path}; a running hub has to be started again")


def _load(data: Path) -> tuple[SiteConfig, secrets.Keys]:
    config = configuration.load(data)
    return config, secrets.load(config.keys_path, [house.name for house in config.houses])


def _states(config: SiteConfig) -> list[dict[str, Any]] | None:
    """Ask the running hub; None when none runs."""
    state = running.announced(config.data_dir)
    if state is None:
        return None
    url = f"{state['page_url']}api/bridges"
    try:
        with urllib.request.urlopen(url, timeout=ASK_TIMEOUT_S) as answer:
            found: list[dict[str, Any]] = json.load(answer)["states"]
    except (OSError, ValueError, KeyError) as problem:
        raise BadInput(f"the hub's page at {url} does not answer: {problem}") from None
    return found
