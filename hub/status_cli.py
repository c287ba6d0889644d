"""`trueque hub status`: what runs, and how boards and trades stand, at a glance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hub import config as configuration
from hub.cli_options import data_option
from hub.config import SiteConfig
from hub.honesty.quarantine import release_command


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Plain JSON on standard output.")
def status(data: Path, as_json: bool) -> None:
    """Show at a glance what runs and how the boards and trades stand.

    Example: trueque hub status --data var/site --json
    """
    config = configuration.load(data)
    from hub import status as site_status  # the store and its parts: not for --help

    found = site_status.read(config)
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        _print(found, config)


def _print(found: dict[str, Any], config: SiteConfig) -> None:
    from hub.doctor.findings import FAILED, GOOD, WARNING  # as above

    signs = {GOOD: "[green]●[/]", WARNING: "[yellow]![/]", FAILED: "[bold red]✗[/]"}
    console = Console(highlight=False)
    up_text = f"up, page {found['page_url']}" if found["is_running"] else "not running"
    console.print(f"[bold]{escape(found['site'])}[/bold]: {up_text}")
    lines = [{"part": one, **found[one]} for one in ("panel", "alarms", "disk") if found[one]]
    for part in [*found["parts"], *lines]:
        sign = signs[part["level"]]
        console.print(f"  {sign} {part['part']}: {escape(part['sentence'])}", soft_wrap=True)
    if "store_problem" in found:
        console.print(f"[yellow]![/] {escape(found['store_problem'])}", soft_wrap=True)
        return
    console.print(_nodes(found["nodes"]))
    for node in found["nodes"]:
        if node["refused"]:
            console.print(f"{node['node']} has refused messages since it started: "
                          f"{refused_text(node['refused'])}")  # fmt: skip
    if found.get("emergency_stop"):
        console.print("[bold red]EMERGENCY STOP[/bold red]: latched until a person acknowledges it")
    for row in found.get("quarantine", {}).values():
        console.print(f"[bold red]QUARANTINE[/bold red] {row['node']}: {escape(row['reason'])}; "
                      f"then: {release_command(row['node'], config)}")  # fmt: skip
    window = found["window"]
    if window:
        left = f"{window['left_s'] // 60} min {window['left_s'] % 60} s"
        console.print(f"window {window['window_id']} {window['state']} for another {left}, "
                      f"until {window['until']}")  # fmt: skip
    trades = ", ".join(f"{n} {word}" for word, n in sorted(found["trades"].items())) or "none yet"
    console.print(f"trades: {trades}")
    messages = found["messages"]
    if messages:
        rejected = ", ".join(f"{n} {word}" for word, n in messages["rejected"].items()) or "none"
        console.print(f"messages: {messages['received']} received, rejected: {rejected}")
    if "epoch" in found:
        stored = found["store_bytes"]
        size_text = "on a server" if stored is None else f"{stored / 1e6:.1f} MB"
        console.print(f"store: {size_text}, epoch {found['epoch']}")


def refused_text(counts: dict[str, int]) -> str:
    """Return how many messages a node has refused, by reason, as it last told."""
    return ", ".join(f"{n} {reason}" for reason, n in counts.items()) or "-"


def _nodes(rows: list[dict[str, Any]]) -> Table:
    table = Table("node", "kind", "heard", "state", "relay", "fault", "firmware")
    for node in rows:
        ago_ms = node["heard_ms_ago"]
        heard = "never" if ago_ms is None else f"{ago_ms / 1000:.0f} s ago"
        rest = [node.get(name) or "-" for name in ("state", "relay", "fault", "firmware")]
        style = "red" if node.get("fault") not in (None, "none") else ""
        table.add_row(node["node"], node["kind"], heard, *rest, style=style)
    return table
