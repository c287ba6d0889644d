"""The main job of ./tools/run: hub, virtual boards and page of one bench, as one."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import fcntl
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console

from hub import config as configuration
from hub import running
from hub.config_tables import MARKET_KINDS
from hub.errors import BadInput, TruequeError
from hub.init_cli import BENCH_SPEED, BENCH_START
from hub.processes import Child
from tools import demo_bridges, demo_site
from tools.demo_site import Wanted

ROOT = Path(__file__).parents[1]
HUB_READY_S = 120.0
LOOK_S = 0.1
STOP_S = 20.0

console = Console(stderr=True, highlight=False, soft_wrap=True)


@click.command()
@click.option("--houses", type=click.IntRange(2, 50), default=5, show_default=True)
@click.option("--segments", type=click.IntRange(1, 25),
              help="DC buses of a new site, each with its own turns; one by default.")  # fmt: skip
@click.option("--once", is_flag=True, help="One full window for all houses, then exit 0 or 1.")
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    help="So many days of the bench, unattended, then exit 0 or 1.",
)
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path),
              help="Where --once or --days writes its JSON report.")  # fmt: skip
@click.option("--data", type=click.Path(file_okay=False, path_type=Path),
              help="The site's directory; a site that is there goes on. "
              "Default: var/site-HOUSES; --once starts afresh in var/once.")  # fmt: skip
@click.option("--speed", type=click.IntRange(1, 600),
              help="How fast the replayed day runs; energy and chain keep real time. "
              f"Default: {BENCH_SPEED}, less where more houses need more turns.")  # fmt: skip
@click.option("--start", type=click.DateTime(), default=BENCH_START.isoformat(), show_default=True,
              help="Site time at which a new bench begins.")  # fmt: skip
@click.option("--market", type=click.Choice(MARKET_KINDS),
              help="How a new site's houses trade; decentralised by default.")  # fmt: skip
@click.option("--grid", "has_grid", is_flag=True,
              help="One more board, at the grid's side of the bus: it takes what a community or "
              "a hybrid day leaves, at feed-in and retail.")  # fmt: skip
@click.option("--port", "page_port", type=click.IntRange(0, 65535), default=0,
              help="Port of a new site's page; by default a free one, kept.")  # fmt: skip
def main(
    houses: int,
    segments: int | None,
    once: bool,
    days: int | None,
    report: Path | None,
    data: Path | None,
    speed: int | None,
    start: datetime.datetime,
    page_port: int,
    market: str | None,
    has_grid: bool,
) -> None:
    """Run the bench: metering boards (virtual), broker, chain, market, oracle and page.

    Example: ./tools/run --once --houses 2 --report report.json
    """
    if report is not None and not once and not days:
        raise click.UsageError("--report goes with --once or --days")
    if once and days:
        raise click.UsageError("--once or --days, not both")
    if (segments or 1) > houses // 2:
        raise click.UsageError(f"--segments {segments}: each needs two of the {houses} houses")
    is_fresh = once and data is None
    site = data or (ROOT / "var" / ("once" if once else f"site-{houses}"))
    wanted = Wanted(
        site, houses, segments, speed, start, page_port, once, days, report, market, has_grid
    )
    try:
        with _only_bench(site):
            if is_fresh:
                demo_site.empty(site)
            demo_site.prepare_site(wanted)
            demo_site.learn_board_keys(wanted.data)
            code = asyncio.run(_run(wanted))
    except TruequeError as problem:
        console.print(f"[red]trueque: {problem}[/red]")
        sys.exit(problem.exit_code)
    sys.exit(code)


@contextlib.contextmanager
def _only_bench(site: Path) -> Iterator[None]:
    """Hold the site's bench lock; the kernel lets go of it however this process ends."""
    try:
        site.mkdir(parents=True, exist_ok=True)
        lock = (site / "bench.lock").open("w")
    except OSError as problem:
        raise BadInput(f"{site}: {problem.strerror}; choose another --data") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(f"{site}: another bench runs here; end it or use --data") from None
        yield


async def _run(wanted: Wanted) -> int:
    """Start hub and boards, show what the hub says, end both; return the exit code."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    hub, log = _hub_child(wanted), wanted.data / "log" / "hub.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    with log.open(encoding="utf-8", errors="replace") as said:
        said.seek(0, 2)
        console.print(f"[bold]Trueque bench with {wanted.houses} houses[/bold] in {wanted.data}")
        await hub.start()
        bench: Child | None = None
        try:
            state = await _wait_for_hub(wanted, hub, said, stopping)
            if state is not None:
                bench = _bench_child(wanted, state)
                await bench.start()
                _welcome(wanted, state)
                await _watch(hub, bench, said, stopping)
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                # The hub first: it opens what is closed and hears the boards' last words.
                await hub.stop(STOP_S)
                if bench is not None:
                    await bench.stop(STOP_S)
            _show(said)
    return _exit_code(hub, bench, stopping)


def _hub_child(wanted: Wanted) -> Child:
    argv = [sys.executable, "-m", "tools", "hub", "up", "--data", str(wanted.data.resolve())]
    if wanted.is_once:
        argv.append("--once")
    if wanted.days:
        argv += ["--days", str(wanted.days)]
    if wanted.report is not None:
        argv += ["--report", str(wanted.report.resolve())]
    return Child("hub", argv, log_path=wanted.data / "log" / "hub.log", cwd=ROOT)


def _bench_child(wanted: Wanted, state: dict[str, Any]) -> Child:
    clock = state["clock"]
    segments = ",".join(house.segment for house in configuration.load(wanted.data).houses)
    argv = [sys.executable, "-m", "tools.bench", "--state", state["boards_dir"],
            "--houses", str(wanted.houses), "--speed", str(clock["speed"]),
            "--start", clock["start_local"], "--started-at-ms", str(clock["started_at_ms"]),
            "--zone", clock["zone"], "--segments", segments,
            *["--grid"] * demo_site.has_grid(wanted.data),
            *demo_bridges.bench_arguments(wanted.data)]  # fmt: skip
    return Child("bench", argv, log_path=wanted.data / "log" / "bench.log", cwd=ROOT)


async def _wait_for_hub(
    wanted: Wanted, hub: Child, said: TextIO, stopping: asyncio.Event
) -> dict[str, Any] | None:
    """Return what the hub announces of itself, None when it ended or is to end first."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + HUB_READY_S
    while hub.is_running and not stopping.is_set():
        _show(said)
        state = running.announced(wanted.data)
        # The number of a hub that was killed may be another process's by now.
        if state is not None and state["pid"] == hub.pid:
            return state
        if loop.time() > deadline:
            raise TruequeError(f"the hub was not ready within {HUB_READY_S:g} s: {hub.log_path}")
        await asyncio.sleep(LOOK_S)
    return None


def _welcome(wanted: Wanted, state: dict[str, Any]) -> None:
    console.print(f"\n  Page   [bold cyan]{state['page_url']}[/bold cyan]")
    console.print(f"  Data   {wanted.data} (logs in {wanted.data / 'log'})")
    if wanted.is_once:
        console.print("  One trading window, then a report. Ctrl-C ends everything.\n")
    else:
        minutes = 86_400 // state["clock"]["speed"] // 60
        console.print(f"  A bench day takes {minutes} minutes; houses trade by themselves. "
                      "Ctrl-C ends everything, the next run goes on.\n")  # fmt: skip


async def _watch(hub: Child, bench: Child, said: TextIO, stopping: asyncio.Event) -> None:
    while hub.is_running and bench.is_running and not stopping.is_set():
        _show(said)
        await asyncio.sleep(LOOK_S)
    if hub.is_running and not stopping.is_set():
        console.print(f"[red]The virtual bench ended: see {bench.log_path}[/red]")
        console.print(bench.log_tail(), markup=False)


def _show(said: TextIO) -> None:
    """Pass on what the hub has written since the last look."""
    for line in said:
        console.print(line.rstrip("\n"), markup=False)


def _exit_code(hub: Child, bench: Child | None, stopping: asyncio.Event) -> int:
    if stopping.is_set():
        return 130
    is_good = bench is not None and bench.returncode in (0, None) and hub.returncode == 0
    return 0 if is_good else hub.returncode if hub.returncode in (1, 2) else 1


if __name__ == "__main__":
    main()
