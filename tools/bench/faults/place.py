"""The loop that a fault campaign runs on: a site's hub as a process, its boards and bus in here."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import signal
import sys
import zoneinfo
from pathlib import Path
from typing import Any

from web3.types import RPCEndpoint

from hub import board_keys, running
from hub import config as configuration
from hub import keys as secrets
from hub.chain.client import MarketClient
from hub.chain.rpc import connect
from hub.config_tables import Bus
from hub.errors import TruequeError
from hub.init_cli import BENCH_START, make
from hub.processes import Child
from hub.site_clock import SiteClock, wall_ms
from hub.store import Store
from tools.bench.factory import calibrate_new_boards
from tools.bench.house import unique_id_of
from tools.bench.identities import public_key
from tools.bench.lab import VirtualLab

ROOT = Path(__file__).parents[3]
SPEED = 10  # of the replayed day: 5 of its minutes are half a minute
CYCLE_MIN, BIDS_MIN, DELIVERY_MIN, CYCLES = 5, 3, 5, 60
GRACE_S = 45  # from the end of a delivery to report-by, and from there to resolve-by
LEAST_UWH, MOST_UWH = 10_000, 16_000  # 6 to 9 s at the rated power
READY_S = 300.0  # a machine may have other work
LOOK_S = 0.1


def _spans() -> tuple[list[str], list[str]]:
    """Return the day's bids and deliveries: one delivery begins where the one before ends."""
    first = BENCH_START + datetime.timedelta(minutes=CYCLE_MIN)
    bids, deliveries = [], []
    for number in range(CYCLES):
        start = first + datetime.timedelta(minutes=number * CYCLE_MIN)
        middle = start + datetime.timedelta(minutes=BIDS_MIN)
        end = middle + datetime.timedelta(minutes=DELIVERY_MIN)
        bids.append(f"{start:%H:%M}-{middle:%H:%M}")
        deliveries.append(f"{middle:%H:%M}-{end:%H:%M}")
    return bids, deliveries


class Place:
    """`start`, then faults on `lab`, `pids` and the clocks, then `stop`."""

    bus: Bus
    lab: VirtualLab
    client: MarketClient
    store: Store

    def __init__(self, directory: Path, houses: int, segments: int) -> None:
        self.directory = directory
        self.houses = configuration.bench_houses(houses, segments)
        self.clock_file = directory / "wall-clock"
        self._hub: Child | None = None
        self.rpc_url = self.contract = ""
        self.nodes: dict[str, str] = {}  # of each peer's address
        self._ahead_s = 0
        self._closers = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Make the site, start its hub and boards."""
        await asyncio.to_thread(self._make)
        self._closers.push_async_callback(self.end_hub)
        await self.start_hub()
        state = await self.ready()
        boards = Path(state["boards_dir"])
        names = [house.name for house in self.houses]
        await asyncio.to_thread(calibrate_new_boards, boards, names)
        self.store = Store.open(self.directory / "store.db")
        self._closers.callback(self.store.close)
        identity = self.store.identity()
        assert identity is not None
        self.contract = identity.address
        self.client = MarketClient(self.rpc_url, self.contract)
        clock = SiteClock(
            datetime.datetime.fromisoformat(state["clock"]["start_local"]),
            state["clock"]["started_at_ms"],
            SPEED,
            zoneinfo.ZoneInfo(state["clock"]["zone"]),
        )
        segments = [house.segment for house in self.houses]
        self.lab = VirtualLab(len(names), boards, clock=clock, segments=segments)
        await self.lab.start()
        self._closers.push_async_callback(self.lab.stop)

    async def stop(self) -> None:
        """End everything that was started."""
        await self._closers.aclose()

    def _make(self) -> None:
        names = [house.name for house in self.houses]
        bids, deliveries = _spans()
        schedule = {"mode": "daily", "bids": bids, "deliveries": deliveries,
                    "report_grace_s": GRACE_S, "resolve_grace_s": GRACE_S}  # fmt: skip
        tables: dict[str, dict[str, Any]] = {
            "site": {"name": "fault campaign"},
            "clock": {"start_local": BENCH_START, "speed": SPEED},
            "schedule": schedule,
            "market": {"min_energy_uwh": LEAST_UWH, "max_energy_uwh": MOST_UWH},
            # So short a trade would be at its step of exposure after half a second.
            "bus": {"signature_wait_ms": 8_000, "exposure_permille": 250},
        }
        make(self.directory, self.houses, tables)
        config = configuration.load(self.directory)
        self.bus = config.bus
        peers = secrets.load(config.keys_path, names).peers
        self.nodes = {str(peers[name].address): name for name in names}
        found = {name: public_key(config.boards_dir / name, unique_id_of(name)) for name in names}
        board_keys.remember(self.directory, found)

    # The hub's processes ------------------------------------------------------------------------

    async def start_hub(self) -> None:
        """Start the hub's process, whose wall clock is the campaign's."""
        argv = [sys.executable, "-m", "tools.bench.faults.hub_process", str(self.clock_file)]
        argv += ["hub", "up", "--data", str(self.directory)]
        log_path = self.directory / "log" / "hub.log"
        self._hub = Child("hub", argv, log_path=log_path, cwd=ROOT)
        await self._hub.start()

    async def hub_ended(self) -> None:
        """Wait until the end of a hub that was killed has come through."""
        if self._hub is not None:
            await asyncio.wait_for(self._hub.wait(), READY_S)

    @property
    def has_hub(self) -> bool:
        return self._hub is not None and self._hub.is_running

    async def ready(self) -> dict[str, Any]:
        """Wait until the hub's process announces itself; one that ended is started again."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + READY_S
        while loop.time() < deadline:
            if not self.has_hub:
                await self.start_hub()
            state = running.announced(self.directory)
            if state is not None and self._hub is not None and state["pid"] == self._hub.pid:
                if state["rpc_url"] != self.rpc_url and self.contract:  # each start has its own
                    self.client = MarketClient(state["rpc_url"], self.contract)
                self.rpc_url = state["rpc_url"]
                return state
            await asyncio.sleep(LOOK_S)
        raise TruequeError(f"the hub was not ready in {READY_S:g} s: {self.directory}/log/hub.log")

    def pids(self, part: str) -> list[int]:
        """Return the process ids of `hub`, `broker`, `chain`, or of the board of that name."""
        if self._hub is None or self._hub.pid is None:
            return []
        if part == "hub":
            return [self._hub.pid]
        if part in ("broker", "chain"):
            mark = b"ganache.mjs" if part == "chain" else b"mosquitto"
            return [pid for pid in _children(self._hub.pid) if mark in _argv(pid)]
        pid = self.lab.boards[part].pid
        return [] if pid is None else [pid]

    def signal(self, part: str, number: signal.Signals) -> bool:
        """Send a signal to a part's processes; False when there was none."""
        pids = self.pids(part)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return bool(pids)

    async def end_hub(self) -> None:
        """Tell the hub to end, as Ctrl-C does."""
        if self._hub is not None:
            for part in ("broker", "chain", "hub"):
                self.signal(part, signal.SIGCONT)
            await self._hub.stop(20.0)

    # Clocks -------------------------------------------------------------------------------------

    def set_chain_clock(self, ahead_s: int) -> None:
        """Let the chain's time be ahead of the hub's, or behind. Raises ChainUnavailable."""
        at_ms = wall_ms() + (self._ahead_s + ahead_s) * 1000
        web3 = connect(self.rpc_url, timeout_s=1.0)
        web3.provider.make_request(RPCEndpoint("evm_setTime"), [at_ms])

    def set_wall_clock(self, ahead_s: int) -> None:
        """Let the hub's wall clock be ahead of ours, or behind."""
        self._ahead_s = ahead_s
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(f"{ahead_s:+d}\n", encoding="ascii")
        os.replace(fresh, self.clock_file)


def _children(pid: int) -> list[int]:
    """Return the processes started by any thread of a process."""
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(one) for one in tasks.read_text().split()]
    return found


def _argv(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
