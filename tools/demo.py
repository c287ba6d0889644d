"""The main job of ./tools/run: hub, virtual boards and page of one bench, as one."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import fcntl
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console

from hub import board_keys, running
from hub import config as configuration
from hub.config_tables import GRID, MARKET_KINDS, House
from hub.coordinator.kinds import turns_per_segment
from hub.errors import BadInput, TruequeError
from hub.init_cli import BENCH_SPEED, BENCH_START, make
from hub.processes import Child
from tools import demo_bridges
from tools.bench.house import unique_id_of
from tools.bench.identities import public_key

ROOT = Path(__file__).parents[1]
HUB_READY_S = 120.0
LOOK_S = 0.1
STOP_S = 20.0
TURN_S = 28  # a smallest trade at the rated power takes 20 s, relays and reports the rest

console = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Wanted:
    """What the command line asked for. `page_port` 0 takes a free one."""

    data: Path
    houses: int
    segments: int | None
    speed: int | None
    start: datetime.datetime
    page_port: int
    is_once: bool
    days: int | None
    report: Path | None
    market: str | None
    has_grid: bool


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
                _empty(site)
            _prepare_site(wanted)
            _learn_board_keys(wanted.data)
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


def _empty(site: Path) -> None:
    """Remove what an earlier --once left in its own directory, all but the lock."""
    for entry in site.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != "bench.lock":
            entry.unlink()


def _prepare_site(wanted: Wanted) -> None:
    """Make the site when there is none; refuse one of another size."""
    if (wanted.data / configuration.FILE_NAME).exists():
        _check_site(wanted, configuration.load(wanted.data))
        return
    houses = configuration.bench_houses(
        wanted.houses, wanted.segments or 1, has_grid=wanted.has_grid
    )
    make(
        wanted.data,
        houses,
        {
            "site": {"name": "bench"},
            "clock": {
                "start_local": wanted.start,
                "speed": wanted.speed or usual_speed(houses),
            },
            "schedule": {"mode": "once" if wanted.is_once else "daily"},
            "page": {"port": wanted.page_port},
            "market": {"kind": wanted.market or MARKET_KINDS[0]},
            "bridges": demo_bridges.tables(wanted.houses),
        },
    )


def _learn_board_keys(data: Path) -> None:
    """Write down each virtual board's public key; the first time the board makes its own."""
    config = configuration.load(data)
    found = {
        house.name: public_key(config.boards_dir / house.name, unique_id_of(house.name))
        for house in config.houses
    }
    board_keys.remember(data, found)


def _check_site(wanted: Wanted, found: configuration.SiteConfig) -> None:
    """Refuse options that a site which is there contradicts."""
    houses = sum(house.kind != GRID for house in found.houses)
    if wanted.has_grid and found.grid is None:
        raise BadInput(
            f"{wanted.data} is a site without a board at the grid's side: --grid is for a new site"
        )
    if houses != wanted.houses:
        raise BadInput(
            f"{wanted.data} is a site of {houses} houses, not {wanted.houses}: "
            f"use --houses {houses} or another --data"
        )
    segments = len({house.segment for house in found.houses})
    for option, asked, kept, field in (
        ("--segments", wanted.segments, segments, "houses.segment"),
        ("--speed", wanted.speed, found.clock.speed, "clock.speed"),
        ("--port", wanted.page_port or None, found.page.port, "page.port"),
        ("--market", wanted.market, found.market.kind, "market.kind"),
    ):
        if asked not in (None, kept):
            path = wanted.data / configuration.FILE_NAME
            raise BadInput(f"{option} {asked} is for a new site: set {field} ({kept}) in {path}")


def usual_speed(houses: tuple[House, ...]) -> int:
    """Return how fast the day may run so that every pair's turn fits a delivery hour.

    A turn takes energy at the rated power for TURN_S, one after the other on each bus segment.
    """
    return max(1, min(BENCH_SPEED, 3600 // (turns_per_segment(houses) * TURN_S)))


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
            "--zone", clock["zone"], "--segments", segments, *["--grid"] * _has_grid(wanted.data),
            *demo_bridges.bench_arguments(wanted.data)]  # fmt: skip
    return Child("bench", argv, log_path=wanted.data / "log" / "bench.log", cwd=ROOT)


def _has_grid(data: Path) -> bool:
    return configuration.load(data).grid is not None


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
