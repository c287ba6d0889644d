"""`trueque agent preferences`: how a house trades is shown and changed, by the administrator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from hub import amounts
from hub import config as configuration
from hub.cli_options import data_option
from hub.errors import BadInput

LISTS = ("producers", "buyers")


@click.command()
@data_option
@click.option("--peer", required=True, help="The house.")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE",
              help="Change one; lists by commas, nothing after = for the usual.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Plain JSON on standard output.")
def preferences(data: Path, peer: str, changes: tuple[str, ...], as_json: bool) -> None:
    """Show how a house trades, or change it, whether the hub runs or not.

    A running hub's agent goes by it from its next look on. Names: is_automatic, order,
    reserve_permille, highest_buying, lowest_selling, producers, buyers, bidding (docs/agents.md).

    Example: trueque agent preferences --peer house-2 --set producers=house-3,wind
    """
    from hub.services.wishes import WishDesk
    from hub.store import Store

    config = configuration.load(data)
    table = dict(_change(one) for one in changes)
    if not config.store_path.exists():
        raise BadInput(f"{data}: the hub has never run here")
    store = Store.join(config.store_path)
    try:
        desk = WishDesk(store, config)
        record = desk.change(peer, table, "administrator") if table else desk.record(peer)
    finally:
        store.close()
    if as_json:
        click.echo(json.dumps(record, indent=1))
        return
    _show(record)


def _change(text: str) -> tuple[str, Any]:
    """Return a change as the page would send it."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals:
        raise BadInput(f"--set {text}: write NAME=VALUE")
    if name in LISTS:
        return name, [part.strip() for part in value.split(",") if part.strip()]
    if value in ("true", "false"):
        return name, value == "true"
    return name, int(value) if name == "reserve_permille" and value.isdecimal() else value


def _show(record: dict[str, Any]) -> None:
    if record["problem"] is not None:
        click.echo(record["problem"])
    for name, value in record["preferences"].items():
        usual = record["usual"].get(name)
        is_usual = value is None and usual is not None
        click.echo(f"{name}: {_text(name, usual if is_usual else value)}"
                   + (" (usual)" if is_usual else ""))  # fmt: skip
        houses = record["trades_with"].get(name)
        if houses is not None:
            click.echo(f"   at present: {', '.join(houses) or 'nobody'}")


def _text(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(value) or "(all)"
    if name.endswith("_gwei_per_kwh"):
        return amounts.price_text(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
