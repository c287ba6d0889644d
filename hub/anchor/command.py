"""`trueque hub anchors`: which windows' hashes an outside chain keeps, and whether they agree."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hub.cli_options import data_option

GOOD, WAITING, DIFFERS = "agrees", "waits", "differs"


@click.command()
@data_option
@click.option("--verify", is_flag=True, help="Ask the outside chain; exit 1 if any differs.")
@click.option("--rpc", help="Another node of the outside chain than [anchor] rpc_url.")
@click.option("--json", "as_json", is_flag=True, help="Plain JSON on standard output.")
def anchors(data: Path, verify: bool, rpc: str | None, as_json: bool) -> None:
    """Show the anchors of closed windows; --verify makes each hash again and asks the chain.

    Example: trueque hub anchors --data var/site --verify
    """
    from hub import config as configuration
    from hub import keys as secrets
    from hub.anchor.checking import check
    from hub.chain.anchoring import OutsideChain
    from hub.errors import BadInput
    from hub.store import Store

    config = configuration.load(data)
    account = secrets.load(config.keys_path, [house.name for house in config.houses]).anchor
    url = rpc or config.anchor.rpc_url
    if verify and not url:
        raise BadInput("no outside chain: set anchor.rpc_url in site.toml, or give --rpc URL")
    if not config.store_path.exists():
        raise BadInput(f"{config.store_path} does not exist: the hub has not run here yet")
    outside = OutsideChain(url, account) if verify else None
    store = Store.join(config.store_path)
    try:
        rows = [{**_plain(row), "verdict": check(store, row, outside)} for row in store.anchors()]
    finally:
        store.close()
    if as_json:
        click.echo(json.dumps({"account": account.address, "anchors": rows}, indent=1))
    else:
        _print(rows, account.address, url)
    sys.exit(1 if any(row["verdict"].startswith(DIFFERS) for row in rows) else 0)


def _plain(row: Any) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(row).items() if name != "raw"}


def _print(rows: list[dict[str, Any]], address: str, url: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    table = Table("window", "hash", "chain", "block", "transaction", "verdict")
    for row in rows:
        shown = (row[name] for name in ("window_id", "hash", "chain_id", "block_number",
                                        "transaction_hash", "verdict"))  # fmt: skip
        table.add_row(*("-" if value is None else str(value) for value in shown))
    if rows:
        console.print(table)
    if not url:
        console.print("No outside chain is configured: anchor.rpc_url in site.toml names one.")
    else:
        console.print(f"Sent from {address}, which needs a little of that chain's coin.")
