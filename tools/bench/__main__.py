"""The bench's process: `python -m tools.bench` runs the virtual lab until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import json
import os
import signal
import time
import zoneinfo
from pathlib import Path

from hub.site_clock import SiteClock
from tools.bench import grid
from tools.bench.factory import calibrate_new_boards
from tools.bench.lab import FIRMWARE_DIR, VirtualLab
from tools.bench.plugs import PlugPlan, VirtualPlugs
from tools.bench.profile import DEFAULT_START
from tools.bench.simulated import Guests


def read_arguments() -> argparse.Namespace:
    """Read the command line; exits 2 with one line on bad input."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="boards' flash, logs, bench.json")
    parser.add_argument("--houses", type=int, default=5)
    parser.add_argument("--grid", action="store_true", help="one more board, at the grid's side")
    parser.add_argument("--speed", type=int, default=60, help="of the replayed profile only")
    parser.add_argument(
        "--start", type=datetime.datetime.fromisoformat, default=DEFAULT_START,
        help="local time the profile starts at (default %(default)s, a sunny day)",
    )  # fmt: skip
    parser.add_argument(
        "--started-at-ms", type=int, default=None,
        help="wall time of that start, so that hub and bench share one clock (default: now)",
    )  # fmt: skip
    parser.add_argument("--zone", default="UTC", help="time zone the site lives in")
    parser.add_argument(
        "--plug", type=PlugPlan.of_text, action="append", default=[], metavar="NAME:HOUSE:KIND",
        help="a virtual smart plug (tasmota, shelly-gen1, shelly-gen2); :meter for a house's meter",
    )  # fmt: skip
    parser.add_argument(
        "--segments", type=lambda text: text.split(","), default=[],
        help="the bus segment of each house, such as bus-1,bus-1,bus-2 (default: all on one)",
    )  # fmt: skip
    parser.add_argument("--firmware", type=Path, default=FIRMWARE_DIR)
    arguments = parser.parse_args()
    if arguments.speed < 1:
        parser.error("--speed: at least 1")
    if not 1 <= arguments.houses <= 100:
        parser.error("--houses: 1 to 100")
    if arguments.segments and len(arguments.segments) != arguments.houses + arguments.grid:
        parser.error(
            f"--segments: name one for each of the {arguments.houses} houses, and the grid"
        )
    if not (arguments.firmware / "main.py").exists():
        parser.error(f"--firmware: no main.py in {arguments.firmware}")
    numbers = range(1, arguments.houses + 1)
    for plan in arguments.plug:
        if plan.house not in [f"house-{number}" for number in numbers]:
            parser.error(f"--plug: there is no house {plan.house!r}")
    try:
        arguments.zone = zoneinfo.ZoneInfo(arguments.zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        parser.error(f"--zone: unknown time zone {arguments.zone!r}")
    return arguments


def write_report(lab: VirtualLab) -> None:
    """Write `<state>/bench.json` in one piece."""
    path = lab.state_dir / "bench.json"
    fresh = path.with_suffix(".json.new")
    fresh.write_text(json.dumps(lab.report()))
    os.replace(fresh, path)


async def run(arguments: argparse.Namespace) -> None:
    """Run the lab until SIGINT or SIGTERM, reporting every second and at the end."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    started_at_ms = arguments.started_at_ms or time.time_ns() // 1_000_000
    clock = SiteClock(arguments.start, started_at_ms, arguments.speed, arguments.zone)
    arguments.state.mkdir(parents=True, exist_ok=True)
    names = [f"house-{number}" for number in range(1, arguments.houses + 1)]
    names += [grid.NAME] * arguments.grid
    for name in calibrate_new_boards(arguments.state, names):
        print(f"bench: calibrated {name}", flush=True)
    lab = VirtualLab(
        arguments.houses,
        arguments.state,
        arguments.firmware,
        clock,
        arguments.segments,
        has_grid=arguments.grid,
    )
    plugs = VirtualPlugs(arguments.plug, lab.houses, arguments.state / "plugs.json")
    guests = Guests(
        lab.houses, lab.state_dir, clock.now, lambda text: print(f"bench: {text}", flush=True)
    )
    await lab.start()
    try:
        await plugs.start()
        while not stopping.is_set():
            guests.look(lab.now_s())
            write_report(lab)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), 1.0)
    finally:
        await plugs.stop()
        await lab.stop()
        write_report(lab)


if __name__ == "__main__":
    asyncio.run(run(read_arguments()))
