"""A second hub takes over from a backup made in the middle of a delivery."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub import config as configuration
from hub import running
from hub.chain.client import MarketClient
from hub.store import Store
from tools import demo

ROOT = Path(__file__).parents[3]
READY_S = 120
DELIVERY_S = 120

pytestmark = pytest.mark.e2e


def trueque(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "tools", *map(str, arguments)]


class Running:
    """Processes of a test; what is left of them ends with it."""

    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, argv: list[str]) -> subprocess.Popen[bytes]:
        with (self._log_dir / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=log, process_group=0)
        self._processes.append(process)
        return process

    def log(self, name: str) -> str:
        return (self._log_dir / f"{name}.log").read_text(errors="replace")[-4000:]

    def end(self) -> None:
        for process in reversed(self._processes):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.end()


def wait_for(condition: Callable[[], bool], seconds: float, said: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, said()
        time.sleep(0.1)


def start_hub(parts: Running, name: str, site: Path, *options: str) -> subprocess.Popen[bytes]:
    hub = parts.start(name, trueque("hub", "up", "--data", site, *options))

    def is_ready() -> bool:
        assert hub.poll() is None, parts.log(name)
        state = running.announced(site)
        return state is not None and state["pid"] == hub.pid

    wait_for(is_ready, READY_S, lambda: parts.log(name))
    return hub


def start_boards(parts: Running, site: Path) -> None:
    state = running.announced(site)
    assert state is not None
    clock = state["clock"]
    argv = [sys.executable, "-m", "tools.bench", "--state", state["boards_dir"], "--houses", "2",
            "--speed", str(clock["speed"]), "--start", clock["start_local"],
            "--started-at-ms", str(clock["started_at_ms"]), "--zone", clock["zone"]]  # fmt: skip
    parts.start("boards", argv)


def test_second_hub_settles_once_when_it_takes_over_in_the_middle_of_a_delivery(tmp_path, parts):
    first, second = tmp_path / "first", tmp_path / "second"
    made = subprocess.run(
        trueque("hub", "init", "--data", first, "--houses", "2", "--once"), cwd=ROOT, check=False
    )
    assert made.returncode == 0
    demo._learn_board_keys(first)
    hub = start_hub(parts, "first-hub", first, "--once")
    start_boards(parts, first)
    store = Store.open(configuration.load(first).store_path)
    try:
        wait_for(
            lambda: any(trade.state == "delivering" for trade in store.trades()),
            DELIVERY_S,
            lambda: parts.log("first-hub"),
        )
        archive = tmp_path / "site.tar.gz"
        subprocess.run(trueque("hub", "backup", archive, "--data", first), cwd=ROOT, check=True)
        (trade,) = store.trades()
        assert trade.state == "delivering"
        epoch = store.state("epoch")
    finally:
        store.close()
        os.kill(hub.pid, signal.SIGKILL)
        hub.wait()
    assert archive.stat().st_mode & 0o777 == 0o600
    subprocess.run(trueque("hub", "restore", archive, "--data", second), cwd=ROOT, check=True)

    start_hub(parts, "second-hub", second)
    state = running.announced(second)
    assert state is not None and state["epoch"] > epoch + 1_000
    store = Store.open(configuration.load(second).store_path)
    try:
        wait_for(
            lambda: all(one.state in ("settled", "refunded") for one in store.trades()),
            300,
            lambda: parts.log("second-hub"),
        )
        (closed,) = store.trades()
        identity = store.identity()
        assert identity is not None and closed.trade_id == trade.trade_id
        check_books(closed, store, MarketClient(state["rpc_url"], identity.address))
    finally:
        store.close()
    bench = json.loads((first / "boards" / "bench.json").read_text())
    assert bench["violations"]["total"] == 0, bench["violations"]


def check_books(trade, store, client) -> None:
    """Every wei of the trade went somewhere once, and nothing is held any more."""
    price = trade.price_gwei_per_kwh
    assert trade.paid_wei + trade.refunded_wei == trade.energy_uwh * price
    assert 0 < trade.settled_uwh <= trade.energy_uwh
    assert trade.paid_wei == trade.settled_uwh * price
    totals = client.totals()
    assert totals.escrow_wei == 0
    deposited = sum(peer.deposited_wei for peer in store.peers())
    assert deposited == totals.contract_wei == totals.balances_wei
