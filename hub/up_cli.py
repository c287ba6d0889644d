"""`trueque hub up`: runs a site until Ctrl-C, or for one window."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import signal
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from hub import config as configuration
from hub import keys as secrets
from hub import report as reports
from hub import report_text
from hub.cli_options import data_option
from hub.config import SiteConfig
from hub.errors import BadInput
from hub.install.notice import ServiceManager
from hub.running import KEYS_SIGNAL, LOOK_SIGNAL


@click.command()
@data_option
@click.option("--once", is_flag=True, help="One window for all houses, then a report and the end.")
@click.option("--days", type=click.IntRange(1, 366),
              help="So many days of the site's clock, then a report and the end.")  # fmt: skip
@click.option("--report", "report_path", type=click.Path(dir_okay=False, path_type=Path),
              help="Where --once or --days writes its JSON report.")  # fmt: skip
def up(data: Path, once: bool, days: int | None, report_path: Path | None) -> None:
    """Run the hub until Ctrl-C: broker, chain, market, oracle and page.

    Example: trueque hub up --data var/site
    """
    if once and days:
        raise click.UsageError("--once or --days, not both")
    config, keys = _load(data)
    if days and config.schedule.mode != "daily":
        raise BadInput(f"--days: schedule.mode is {config.schedule.mode!r} in {data}, not 'daily'")
    console = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(text: str) -> None:
        # Escaped: what is said may hold brackets of its own, such as a log's.
        console.print(f"[dim]{datetime.datetime.now():%H:%M:%S}[/dim] {escape(text)}")

    def publish(found: dict[str, Any]) -> None:
        report_text.show(found, console)
        if report_path is not None:
            reports.write(report_path, found)
            say(f"report: {report_path}")
        for problem in found["problems"]:
            say(f"not as it should be: {problem}")

    bound = days if days else (0 if once else None)
    if not asyncio.run(_up(config, keys, say, publish, bound)):
        sys.exit(1)


def _load(data: Path) -> tuple[SiteConfig, secrets.Keys]:
    config = configuration.load(data)
    return config, secrets.load(config.keys_path, [house.name for house in config.houses])


async def _up(
    config: SiteConfig, keys: secrets.Keys, say: Any, publish: Any, bound: int | None
) -> bool:
    """Run a site, for ever or for `bound` days, 0 for one window; True when all went well.

    `publish` takes the report of what was bounded.
    """
    from hub.site import Site  # web3 takes a second to import: not for --help

    manager = ServiceManager()
    site = Site(config, keys, say)
    loop = asyncio.get_running_loop()
    starting = asyncio.create_task(site.start())
    alive = asyncio.create_task(manager.stay_alive(), name="signs of life")

    def end() -> None:
        if starting.done():
            site.request_stop()
        else:
            starting.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(KEYS_SIGNAL, site.request_credentials)
    loop.add_signal_handler(LOOK_SIGNAL, site.look_again)
    try:
        await starting
    except asyncio.CancelledError:
        return False
    try:
        if bound is not None:
            manager.tell("READY=1")
            return await _bounded(site, config, say, publish, bound)
        say("the hub is up; Ctrl-C ends it")
        manager.tell("READY=1")
        await site.run()
        return True
    finally:
        manager.tell("STOPPING=1")
        say("stopping")
        await site.stop()
        alive.cancel()


async def _bounded(site: Any, config: SiteConfig, say: Any, publish: Any, days: int) -> bool:
    from hub.one_window import run_one_window
    from hub.some_days import run_days

    work = run_days(site, days, say) if days else run_one_window(site, say)
    window = asyncio.create_task(work)
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
    found["problems"] = reports.problems(found, config)
    publish(found)
    return not found["problems"]
