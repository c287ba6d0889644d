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
from hub.cli_options import data_option
from hub.config import SiteConfig
from hub.install.notice import ServiceManager
from hub.running import KEYS_SIGNAL


@click.command()
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
    try:
        await starting
    except asyncio.CancelledError:
        return False
    try:
        if once:
            return await _one_window(site, config, say, report_path)
        say("the hub is up; Ctrl-C ends it")
        manager.tell("READY=1")
        await site.run()
        return True
    finally:
        manager.tell("STOPPING=1")
        say("stopping")
        await site.stop()
        alive.cancel()


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
