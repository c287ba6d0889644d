"""`trueque hub update`: a signed package and names of nodes enter, a followed rollout leaves."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from wire import package as packages

from hub import config as configuration
from hub import running
from hub.cli_options import data_option
from hub.config import SiteConfig
from hub.errors import BadInput, TruequeError
from hub.store import PackageRow, Store, UpdateRow
from hub.store.updates import ENDED
from hub.updates.rollout import describe
from hub.updates.signature import has_signed

AT_ONCE = 4
"""Nodes together, so that their chunks leave the radio to readings and leases as well."""
LOOK_S = 0.5  # another process than the hub: the store is what both have


@click.command()
@data_option
@click.option(
    "--package",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="What `trueque board release` wrote.",
)
@click.option("--node", "names", multiple=True, help="Only this node; may be repeated.")
@click.option("--all", "is_all", is_flag=True, help="All nodes of the site.")
@click.option("--one-at-a-time", is_flag=True, help="Begin a node when the one before has ended.")
@click.option("--json", "is_json", is_flag=True, help="Print the outcome as JSON.")
def update(
    data: Path,
    path: Path,
    names: tuple[str, ...],
    is_all: bool,
    one_at_a_time: bool,
    is_json: bool,
) -> None:
    """Bring signed firmware to boards over the air, and follow it.

    Boards take it between deliveries, try it, and go back to what they had when the new firmware
    does not reach the hub. The first board that fails stops the rollout. Ctrl-C ends the display
    only: the hub goes on.

    Example: trueque hub update --package fw-0.2.0.trq --node house-2
    """
    config = configuration.load(data)
    nodes = _chosen(config, names, is_all)
    package, content = read_package(path, config.boards.update_key)
    if running.announced(config.data_dir) is None:
        raise TruequeError(f"no hub runs in {data}; start it with: trueque hub up --data {data}")
    store = Store.join(config.store_path)
    try:
        rollout = store.begin_rollout(package, content, nodes, 1 if one_at_a_time else AT_ONCE)
        if rollout is None:
            raise TruequeError("another rollout has not ended yet; see: trueque hub status")
        running.tell(config.data_dir, running.LOOK_SIGNAL)
        rows = _follow(store, rollout, package)
    finally:
        store.close()
    if is_json:
        click.echo(json.dumps(_members(package, rows), indent=1))
    if any(row.state != "done" for row in rows):
        sys.exit(1)


def read_package(path: Path, update_key: str) -> tuple[PackageRow, bytes]:
    """Return a package that boards may take. Raises BadInput.

    `update_key`: the technician's public key if this site knows it, else "": boards check in any
    case.
    """
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror}") from None
    try:
        manifest, signature, _ = packages.split(content)
    except packages.PackageError as problem:
        raise BadInput(f"{path}: not a firmware package, or a damaged one ({problem})") from None
    digest = packages.signed_digest(manifest)
    if not update_key:
        raise BadInput(
            "site.toml: boards.update_key is not set, so no board takes firmware over the air; "
            "write there what `trueque board keygen` printed, and provision the boards again"
        )
    if not has_signed(update_key, digest, signature):
        raise BadInput(f"{path}: not signed with the key of boards.update_key in site.toml")
    found = packages.parse_manifest(manifest)
    name = packages.package_id(manifest)
    return PackageRow(name, found.number, found.version, len(content)), content


def _chosen(config: SiteConfig, names: Sequence[str], is_all: bool) -> list[str]:
    known = [house.name for house in config.houses]
    if is_all == bool(names):
        raise BadInput("say either --all or --node NAME")
    for name in names:
        if name not in known:
            raise BadInput(f"--node: {name!r} is not one of {', '.join(known)}")
    return [name for name in known if is_all or name in names]


def _follow(store: Store, rollout: int, package: PackageRow) -> list[UpdateRow]:
    """Show how a rollout goes until it has ended."""
    console = Console(stderr=True, highlight=False)
    rows = store.rollout(rollout)
    with Live(_table(rows, package), console=console, refresh_per_second=4) as shown:
        while any(row.state not in ENDED for row in rows):
            time.sleep(LOOK_S)
            rows = store.rollout(rollout)
            shown.update(_table(rows, package))
    return rows


def _table(rows: Sequence[UpdateRow], package: PackageRow) -> Table:
    table = Table(title=f"firmware {package.version}, release {package.number}")
    table.add_column("node")
    table.add_column("state")
    for row in rows:
        table.add_row(row.node, describe(row, package))
    return table


def _members(package: PackageRow, rows: Sequence[UpdateRow]) -> dict[str, object]:
    nodes = [{"node": row.node, "state": row.state, "reason": row.reason} for row in rows]
    return {"number": package.number, "version": package.version, "nodes": nodes}
