"""The `trueque hub` commands: make a site, run its hub, look at it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import signal
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hub import certificates, running
from hub import config as configuration
from hub import keys as secrets
from hub import report as reports
from hub.cli_options import data_option
from hub.config import SiteConfig
from hub.panel.latch import STATE_NAME as STOP_STATE
from hub.review_cli import review
from hub.site_clock import wall_ms
from hub.updates.command import update

# The bench's profiles: a sunny spring day just before its first window.
BENCH_START = datetime.datetime(2017, 3, 28, 10, 15)
BENCH_SPEED = 60


@click.group()
def hub() -> None:
    """Set up, run and inspect a site's hub.

    Example: trueque hub init --houses 5 && trueque hub up
    """


hub.add_command(update)


@hub.command()
@data_option
@click.option("--houses", type=click.IntRange(1, 200), default=5, show_default=True)
@click.option("--name", default="bench", show_default=True, help="The site's name.")
@click.option("--speed", type=click.IntRange(1, 3600), default=BENCH_SPEED, show_default=True)
@click.option("--start", type=click.DateTime(), default=BENCH_START.isoformat(), show_default=True,
              help="Site time at which the bench's replayed day begins.")  # fmt: skip
@click.option("--once", is_flag=True, help="For one window now instead of the daily schedule.")
@click.option("--market", type=click.Choice(configuration.MARKET_KINDS),
              default=configuration.MARKET_KINDS[0], show_default=True,
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


@hub.command()
@data_option
@click.option("--once", is_flag=True, help="One window for all houses, then a report and the end.")
@click.option("--report", "report_path", type=click.Path(dir_okay=False, path_type=Path),
              help="Where --once writes its JSON report.")  # fmt: skip
def up(data: Path, once: bool, report_path: Path | None) -> None:
    """Run the hub until Ctrl-C: broker, chain, market, oracle and page.

    Example: trueque hub up --data var/site
    """
    config, keys = _load(data)
    console = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(text: str) -> None:
        # Escaped: what is said may hold brackets of its own, such as a log's.
        console.print(f"[dim]{datetime.datetime.now():%H:%M:%S}[/dim] {escape(text)}")

    if not asyncio.run(_up(config, keys, say, report_path if once else None, once)):
        sys.exit(1)


def _load(data: Path) -> tuple[SiteConfig, secrets.Keys]:
    config = configuration.load(data)
    return config, secrets.load(config.keys_path, [house.name for house in config.houses])


async def _up(
    config: SiteConfig, keys: secrets.Keys, say: Any, report_path: Path | None, once: bool
) -> bool:
    """Run a site; True when everything went well."""
    from hub.site import Site  # web3 takes a second to import: not for --help

    site = Site(config, keys, say)
    loop = asyncio.get_running_loop()
    starting = asyncio.create_task(site.start())

    def end() -> None:
        if starting.done():
            site.request_stop()
        else:
            starting.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    try:
        await starting
    except asyncio.CancelledError:
        return False
    try:
        if once:
            return await _one_window(site, config, say, report_path)
        say("the hub is up; Ctrl-C ends it")
        await site.run()
        return True
    finally:
        say("stopping")
        await site.stop()


async def _one_window(site: Any, config: SiteConfig, say: Any, report_path: Path | None) -> bool:
    from hub.one_window import run_one_window

    window = asyncio.create_task(run_one_window(site, say))
    running_site = asyncio.create_task(site.run())
    await asyncio.wait([window, running_site], return_when=asyncio.FIRST_COMPLETED)
    if not window.done():
        window.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await window
        await running_site  # raises what ended it
        return False
    site.request_stop()
    await running_site
    found = window.result()
    problems = reports.problems(found, config)
    found["problems"] = problems
    if report_path is not None:
        reports.write(report_path, found)
        say(f"report: {report_path}")
    for problem in problems:
        say(f"not as it should be: {problem}")
    return not problems


@hub.command()
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


hub.add_command(review)
