"""`trueque hub status`: what runs, and how boards and trades stand, at a glance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hub import config as configuration
from hub import running
from hub.cli_options import data_option
from hub.config import SiteConfig
from hub.panel.latch import STATE_NAME as STOP_STATE
from hub.site_clock import wall_ms


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Plain JSON on standard output.")
def status(data: Path, as_json: bool) -> None:
    """Show at a glance what runs and how the boards and trades stand.

    Example: trueque hub status --data var/site --json
    """
    found = _status(configuration.load(data))
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        _print_status(found)


def _status(config: SiteConfig) -> dict[str, Any]:
    from hub.store import Store

    state = running.announced(config.data_dir)
    found: dict[str, Any] = {
        "site": config.site.name,
        "is_running": state is not None,
        "page_url": state["page_url"] if state else None,
        "broker": state["broker"] if state else None,
        "ports": state["ports"] if state else {},
    }
    if not config.store_path.exists():
        return {**found, "nodes": [], "trades": {}, "messages": {}}
    store = Store.open(config.store_path)
    try:
        statuses = store.latest_statuses()
        found["identity"] = store.state("identity")
        found["epoch"] = store.state("epoch")
        found["emergency_stop"] = store.state(STOP_STATE)
        found["nodes"] = [
            _node(row.node, row.kind, statuses.get(row.node)) for row in store.nodes()
        ]
        counted: dict[str, int] = {}
        for trade in store.trades():
            counted[trade.state] = counted.get(trade.state, 0) + 1
        return {**found, "trades": counted, "messages": store.message_counts()}
    finally:
        store.close()


def _node(name: str, kind: str, heard: Any) -> dict[str, Any]:
    if heard is None:
        return {"node": name, "kind": kind, "heard_ms_ago": None}
    return {
        "node": name,
        "kind": kind,
        "heard_ms_ago": wall_ms() - heard.received_at_ms,
        "state": heard.state,
        "relay": heard.relay,
        "fault": heard.fault,
        "firmware": heard.firmware,
    }


def _print_status(found: dict[str, Any]) -> None:
    console = Console(highlight=False)
    up_text = f"up, page {found['page_url']}" if found["is_running"] else "not running"
    console.print(f"[bold]{found['site']}[/bold]: {up_text}")
    table = Table("node", "kind", "heard", "state", "relay", "fault", "firmware")
    for node in found["nodes"]:
        ago_ms = node["heard_ms_ago"]
        heard = "never" if ago_ms is None else f"{ago_ms / 1000:.0f} s ago"
        rest = [node.get(name) or "-" for name in ("state", "relay", "fault", "firmware")]
        table.add_row(node["node"], node["kind"], heard, *rest)
    console.print(table)
    if found.get("emergency_stop"):
        console.print("[bold red]EMERGENCY STOP[/bold red]: latched until a person acknowledges it")
    trades = ", ".join(f"{n} {word}" for word, n in sorted(found["trades"].items())) or "none yet"
    console.print(f"trades: {trades}")
    messages = found["messages"]
    if messages:
        rejected = ", ".join(f"{n} {word}" for word, n in messages["rejected"].items()) or "none"
        console.print(f"messages: {messages['received']} received, rejected: {rejected}")
