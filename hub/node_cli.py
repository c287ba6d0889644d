"""`trueque hub node`: who may connect; a node's credentials revoked or made anew by one command."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hub import config as configuration
from hub import credentials, running
from hub import keys as secrets
from hub.admission import PUT_OUT_STATE
from hub.cli_options import data_option
from hub.config import SiteConfig
from hub.errors import BadInput, TruequeError
from hub.provision import authority_for_boards, provision
from hub.site_clock import wall_ms
from hub.status_cli import refused_text

TAKEN_UP_S = 15.0


class NotTakenUp(TruequeError):
    """A running hub did not go on with changed credentials."""


@click.group()
def node() -> None:
    """List the nodes of a site, revoke one, or give it new credentials.

    Example: trueque hub node rotate house-3 --data var/site
    """


@node.command("list")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Plain JSON on standard output.")
def list_nodes(data: Path, as_json: bool) -> None:
    """Show every node: access, generation of its keys, when it was heard, what it has refused.

    Example: trueque hub node list --data var/site
    """
    config, keys = _load(data)
    found = _nodes(config, keys)
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    table = Table("node", "access", "keys", "heard", "has refused")
    for row in found:
        ago_ms = row["heard_ms_ago"]
        heard = "never" if ago_ms is None else f"{ago_ms / 1000:.0f} s ago"
        keys_text, refused = f"generation {row['generation']}", refused_text(row["refused"])
        table.add_row(row["node"], row["access"], keys_text, heard, refused)
    Console(highlight=False).print(table)


@node.command()
@click.argument("name", metavar="NODE")
@data_option
def revoke(name: str, data: Path) -> None:
    """Void a node's password and keys at once: a board that was lost, stolen or tampered with.

    Others are not disturbed. The house's account and its money on the chain stay as they are.

    Example: trueque hub node revoke house-3 --data var/site
    """
    config, _ = _load(data, name)
    credentials.revoke(config.keys_path, name)
    _hand_over(config)
    click.echo(
        f"{name} is revoked: it cannot connect, and nothing it signs counts. "
        f"To admit a board again: trueque hub node rotate {name} --data {data}"
    )


@node.command()
@click.argument("name", metavar="NODE")
@data_option
def rotate(name: str, data: Path) -> None:
    """Give a node a new password and new wire keys; the old ones stop to work at once.

    The board stays away until it has its new settings: by trueque board provision, or at the
    start of a virtual board.

    Example: trueque hub node rotate house-3 --data var/site
    """
    config, _ = _load(data, name)
    ports = running.known_ports(config)  # first: without them nothing could be written below
    credentials.rotate(config.keys_path, name)
    _hand_over(config)
    config, keys = _load(data)
    provision(config, keys, ports, authority_for_boards(config))
    click.echo(
        f"{name} has new credentials, in {config.boards_dir / name}; bring them to its board: "
        f"trueque board provision --node {name} --site {data}"
    )


@node.command()
@click.argument("name")
@data_option
def release(name: str, data: Path) -> None:
    """Let a node out of quarantine, once somebody has looked at its meters.

    A hub that runs goes on with it within a second; what the node says next is where it stands.

    Example: trueque hub node release house-3 --data var/site
    """
    from hub.honesty import quarantine
    from hub.store import Store

    config, _ = _load(data, name)
    store = Store.join(config.store_path)
    try:
        row = quarantine.release(store, name, wall_ms())
    finally:
        store.close()
    click.echo(f"{name} is released; it was in quarantine because it {row['reason']}")


def _load(data: Path, name: str | None = None) -> tuple[SiteConfig, secrets.Keys]:
    config = configuration.load(data)
    names = [house.name for house in config.houses]
    if name is not None and name not in names:
        raise BadInput(f"{name!r} is not a node of {data}; there are: {', '.join(names)}")
    return config, secrets.load(config.keys_path, names)


def _hand_over(config: SiteConfig) -> None:
    """Have a running hub take up the changed file, and wait until it has."""
    wanted = secrets.digest_of(config.keys_path)
    state = running.announced(config.data_dir)
    if state is None:
        return
    os.kill(state["pid"], running.KEYS_SIGNAL)
    deadline = time.monotonic() + TAKEN_UP_S
    while state is not None and state.get("keys") != wanted:
        if time.monotonic() >= deadline:
            raise NotTakenUp(
                f"keys.json is changed, but the hub (process {state['pid']}) does not take it up: "
                "restart it, until then the old credentials work"
            )
        time.sleep(0.05)  # another process than the hub: its announcement is a file
        state = running.announced(config.data_dir)


def _nodes(config: SiteConfig, keys: secrets.Keys) -> list[dict[str, Any]]:
    from hub.store import Store

    heard: dict[str, Any] = {}
    put_out: dict[str, int] = {}
    refused: dict[str, dict[str, int]] = {}
    if config.store_path.exists():
        store = Store.join(config.store_path)
        try:
            heard = store.latest_statuses()
            put_out = store.state(PUT_OUT_STATE) or {}
            refused = store.node_rejections()
        finally:
            store.close()
    is_up = running.announced(config.data_dir) is not None
    rows = []
    for house in config.houses:
        name = house.name
        is_out = is_up and wall_ms() < put_out.get(name, 0)
        access = "put out for a while: it floods" if is_out else "may connect"
        if name in keys.revoked:
            access = "revoked"
        last = heard.get(name)
        rows.append(
            {
                "node": name,
                "access": access,
                "generation": keys.generations.get(name, 1),
                "heard_ms_ago": wall_ms() - last.received_at_ms if last else None,
                "refused": refused.get(name, {}),
            }
        )
    return rows
