"""A second hub takes over from a backup made in the middle of a delivery."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import config as configuration
from hub import running
from hub.chain.client import MarketClient
from hub.store import Store
from tests.host.e2e.parts import (
    ROOT,
    Running,
    make_site,
    start_boards,
    start_hub,
    trueque,
    wait_for,
)

DELIVERY_S = 300

pytestmark = pytest.mark.e2e


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.end()


def test_second_hub_settles_once_when_it_takes_over_in_the_middle_of_a_delivery(tmp_path, parts):
    first, second = tmp_path / "first", tmp_path / "second"
    make_site(first)
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
        epoch = store.state("epoch")
    finally:
        store.close()
        os.kill(hub.pid, signal.SIGKILL)
        hub.wait()
    assert archive.stat().st_mode & 0o777 == 0o600
    subprocess.run(trueque("hub", "restore", archive, "--data", second), cwd=ROOT, check=True)
    store = Store.open(configuration.load(second).store_path)
    (trade,) = store.trades()
    store.close()
    assert trade.state == "delivering"

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
