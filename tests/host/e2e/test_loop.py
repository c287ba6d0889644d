"""The whole loop as a user starts it: real firmware, real broker, real chain, real page."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MIN_TRADE_UWH = 5_000
BLOCK_SHARE = 100  # the smallest trade is 100 metering blocks: one block is 1 % of it

pytestmark = pytest.mark.e2e


def _demo(*options: str | Path) -> list[str]:
    return [sys.executable, "-m", "tools.demo", *map(str, options)]


def _descendants(pid: int) -> list[int]:
    """Return the live processes below `pid`, children's children included."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, queue = [], [pid]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def _run_once(tmp_path: Path, houses: int, market: str) -> dict:
    report = tmp_path / "report.json"
    site = ("--data", tmp_path / "site", "--market", market)
    run = subprocess.run(
        _demo("--once", "--houses", houses, *site, "--report", report),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    loaded = json.loads(report.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


# A hybrid delivery has windows of both sorts: cleared inside each community, taken between them.
KINDS = [(2, "decentralised"), (5, "uniform"), (6, "hybrid")]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: f"{kind[1]}-{kind[0]}")
def report(request, tmp_path_factory) -> dict:
    houses, market = request.param
    return _run_once(tmp_path_factory.mktemp(f"once-{houses}"), houses, market)


def test_every_two_houses_trade_and_every_trade_settles(report):
    trades = report["trades"]
    assert len(trades) >= report["houses"] // 2
    assert [trade["state"] for trade in trades] == ["settled"] * len(trades)
    assert min(trade["agreed_uwh"] for trade in trades) >= MIN_TRADE_UWH
    assert all(trade["settled_uwh"] > 0 for trade in trades)
    assert all(trade["signed"] for trade in trades)


def test_both_meters_stop_within_one_block_of_the_energy_agreed(report):
    for trade in report["trades"]:
        tolerance_uwh = trade["agreed_uwh"] / BLOCK_SHARE
        assert abs(trade["seller_metered_uwh"] - trade["agreed_uwh"]) <= tolerance_uwh
        assert abs(trade["buyer_metered_uwh"] - trade["agreed_uwh"]) <= tolerance_uwh
        lesser = min(trade["seller_metered_uwh"], trade["buyer_metered_uwh"])
        assert trade["settled_uwh"] == min(lesser, trade["agreed_uwh"])


def test_money_is_conserved_to_the_wei(report):
    for trade in report["trades"]:
        price = trade["price_gwei_per_kwh"]
        assert trade["paid_wei"] + trade["refunded_wei"] == trade["agreed_uwh"] * price
        assert trade["paid_wei"] == trade["settled_uwh"] * price
        assert trade["fee_wei"] == trade["settled_uwh"] * trade["fee_gwei_per_kwh"]
    money = report["money"]
    assert money["deposited_wei"] == money["contract_wei"] + money["withdrawn_wei"]
    assert money["contract_wei"] == money["balances_wei"] + money["escrow_wei"]
    assert money["escrow_wei"] == 0


def test_no_relay_rule_is_broken_and_no_message_refused(report):
    assert report["relays"]["violations"] == 0
    assert report["messages"]["received"] > 0
    assert report["messages"]["rejected"] == {}


def test_real_parts_ran(report):
    assert "MicroPython" in report["firmware"]
    assert report["broker"] and "anache" in report["chain"]
    for trade in report["trades"]:
        assert all(value > 0 for value in trade["latency_ms"].values())


def test_interrupt_ends_every_process_and_the_next_run_continues(tmp_path):
    site = tmp_path / "site"
    first = _interrupted_run(site, tmp_path / "first.log")
    second = _interrupted_run(site, tmp_path / "second.log")
    assert first["contract"] == second["contract"]
    assert second["readings"] >= first["readings"] > 0


def _interrupted_run(site: Path, log: Path) -> dict:
    """Run the bench until readings are stored, press Ctrl-C, and say what the store holds."""
    with log.open("wb") as output:
        run = subprocess.Popen(
            _demo("--houses", "2", "--data", site),
            stdout=output,
            stderr=output,
            process_group=0,
        )
        try:
            before = _stored(site)["readings"]
            deadline = time.monotonic() + 300
            while _stored(site)["readings"] <= before and time.monotonic() < deadline:
                assert run.poll() is None, log.read_text()
                time.sleep(0.2)  # the condition is polled, nothing is assumed of the time
            below = _descendants(run.pid)
            os.kill(run.pid, signal.SIGINT)
            assert run.wait(timeout=120) in (0, 130), log.read_text()
        finally:
            if run.poll() is None:
                run.kill()
                run.wait()
    left = [pid for pid in below if Path(f"/proc/{pid}/cmdline").exists() and _is_alive(pid)]
    assert below and not left, log.read_text()
    return _stored(site)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _stored(site: Path) -> dict:
    from hub.store import Store  # imported late: the parent process needs no store

    path = site / "store.db"
    if not path.exists():
        return {"readings": 0, "contract": None}
    store = Store.open(path)
    try:
        identity = store.identity()
        return {
            "readings": store.message_counts().get("stored", 0),
            "contract": None if identity is None else identity.address,
        }
    finally:
        store.close()
