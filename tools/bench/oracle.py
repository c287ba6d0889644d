"""`trueque bench oracle`: how soon the hub acts in deliveries; rows with bars leave.

The hub runs as its users start it: real Mosquitto, Ganache, store and page in processes of their
own. A hundred light boards (light_nodes.py) in this one trade in pairs on five bus segments.
"""

from __future__ import annotations

import asyncio
import json
import platform
import resource
import ssl
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from eth_account import Account as Accounts
from eth_keys import keys as eth_keys
from rich.console import Console

from hub import board_keys, running
from hub import config as configuration
from hub import keys as secrets
from hub.chain.client import MarketClient
from hub.chain.records import WindowTerms
from hub.errors import TruequeError
from hub.init_cli import make
from hub.processes import Child, wait_until
from hub.store import Store
from tools.bench import light_nodes
from tools.bench.light_nodes import LightNode
from tools.bench.meter_rows import Row, row_of

ROOT = Path(__file__).parents[2]
BAR_COMMAND_MS, BAR_REPORT_MS = 150.0, 300.0
ENERGY_UWH, PRICE = 10_000, 200_000_000
READY_S, TURN_S = 300.0, 12
BIDS_S, BIDS_EACH_S = 20, 2  # a busy chain takes a second for an order and its taking


@click.command()
@click.option("--trades", type=click.IntRange(1, 100), default=50, show_default=True)
@click.option("--segments", type=click.IntRange(1, 20), default=5, show_default=True)
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def oracle(trades: int, segments: int, is_json: bool) -> None:
    """Measure from the turn to the command, and from the last word of both boards to the report.

    Example: trueque bench oracle --json
    """
    if segments > trades:
        raise click.UsageError(f"--segments {segments}: there are {trades} pairs of houses only")
    with tempfile.TemporaryDirectory(prefix="trueque-oracle-") as directory:
        rows = asyncio.run(_measure(Path(directory).resolve(), trades, segments))
    found = {"command": f"trueque bench oracle --trades {trades} --segments {segments}",
             "machine": f"{platform.machine()}, Python {platform.python_version()}",
             "rows": [asdict(row) for row in rows]}  # fmt: skip
    if is_json:
        click.echo(json.dumps(found, indent=1))
    else:
        for row in rows:
            bar = "" if row.baseline is None else f"  (bar {row.baseline:g})"
            click.echo(f"{row.name:34} {row.value:10.1f} {row.unit}{bar}")
    if any(row.ratio is not None and row.ratio > 1 for row in rows):
        sys.exit(1)


async def _measure(data: Path, trades: int, segments: int) -> list[Row]:
    say = Console(stderr=True, highlight=False).print
    owns = _make_site(data, trades, segments)
    argv = [sys.executable, "-m", "tools", "hub", "up", "--data", str(data)]
    hub = Child("hub", argv, log_path=data / "log" / "hub.log", cwd=ROOT)
    await hub.start()
    try:
        say(f"waiting for a hub of {2 * trades} houses")
        await wait_until(lambda: _state(data, hub) is not None, READY_S, "the hub's start", 0.2)
        state = _state(data, hub)
        assert state is not None
        nodes = await _connect(data, state, owns)
        names = list(nodes)
        pairs = [(nodes[one], nodes[two]) for one, two in zip(names[::2], names[1::2], strict=True)]
        flowing = asyncio.create_task(light_nodes.flow(pairs))
        store = Store.open(data / "store.db")
        try:
            before = resource.getrusage(resource.RUSAGE_SELF)
            length_s = (-(-trades // segments)) * TURN_S + 30
            window_id = await asyncio.to_thread(_trade, data, state, trades, length_s, say)
            say(f"{trades} trades over {segments} segments, about {length_s} s")
            limit_s = BIDS_S + BIDS_EACH_S * trades + length_s + 90
            await wait_until(lambda: _is_over(store, trades), limit_s, "settling", 0.5)
            after = resource.getrusage(resource.RUSAGE_SELF)
            cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            return _rows(store, window_id, nodes, cpu_s)
        finally:
            flowing.cancel()
            store.close()
            for node in nodes.values():
                await node.close()
    except BaseException:
        say(hub.log_tail(20))
        raise
    finally:
        await hub.stop(20.0)


def _make_site(data: Path, trades: int, segments: int) -> dict[str, Any]:
    """Write the site; return each board's own key."""
    houses = configuration.bench_houses(2 * trades, segments)
    make(data, houses, {
        "site": {"name": "oracle bench"},
        "schedule": {"mode": "none"},
        "market": {"min_energy_uwh": ENERGY_UWH},
    })  # fmt: skip
    owns = {house.name: Accounts.create() for house in houses}
    public = {name: eth_keys.PrivateKey(bytes(own.key)).public_key.to_hex()[2:]
              for name, own in owns.items()}  # fmt: skip
    board_keys.remember(data, public)
    return owns


def _state(data: Path, hub: Child) -> dict[str, Any] | None:
    if not hub.is_running:
        raise TruequeError(f"the hub ended:\n{hub.log_tail(20)}")
    return running.announced(data)


async def _connect(data: Path, state: dict[str, Any], owns: dict[str, Any]) -> dict[str, LightNode]:
    config = configuration.load(data)
    keys = secrets.load(config.keys_path, list(owns))
    authority = next(Path(state["boards_dir"]).glob("*/ca.der")).read_bytes()
    context = ssl.create_default_context(cadata=authority)
    context.check_hostname = False  # the certificate's own name is not that of this address
    nodes = {}
    for name, own in owns.items():
        account = light_nodes.Account(
            *(name, keys.broker_passwords[name], keys.node_key(name, "up")),
            *(keys.node_key(name, "down"), own),
        )
        nodes[name] = LightNode(account, config.bus.rated_power_uw)
        await nodes[name].connect("127.0.0.1", state["ports"]["broker"], context)
    return nodes


def _trade(data: Path, state: dict[str, Any], trades: int, length_s: int, say: Any) -> int:
    """Open a window and make all trades in it, as peers do."""
    config = configuration.load(data)
    names = [house.name for house in config.houses]
    keys = secrets.load(config.keys_path, names)
    store = Store.open(data / "store.db")
    try:
        identity = store.identity()
    finally:
        store.close()
    assert identity is not None
    client = MarketClient(state["rpc_url"], identity.address)
    now_s = client.chain_time_s()
    bids_s = now_s + BIDS_S + BIDS_EACH_S * trades
    end_s = bids_s + length_s
    window_id = client.open_window(keys.coordinator, WindowTerms(
        bid_start=now_s, bid_end=bids_s, clear_by=bids_s,
        delivery_start=bids_s, delivery_end=end_s, report_by=end_s + 120,
        resolve_by=end_s + 240, min_energy_uwh=ENERGY_UWH, max_energy_uwh=ENERGY_UWH,
        min_price=1, max_price=10**12, loss_permille=config.bus.loss_allowance_permille,
    ))  # fmt: skip

    def agree(pair: tuple[str, str]) -> None:
        order_id = client.offer(keys.peers[pair[0]], window_id, ENERGY_UWH, PRICE)
        client.take(keys.peers[pair[1]], order_id, ENERGY_UWH, PRICE)

    with ThreadPoolExecutor(4) as several:
        list(several.map(agree, zip(names[::2], names[1::2], strict=True)))
    say(f"{trades} trades made in {time.time() - now_s:.0f} s")
    return window_id


def _is_over(store: Store, trades: int) -> bool:
    found = store.trades()
    return len(found) == trades and all(one.state in ("settled", "refunded") for one in found)


def _rows(store: Store, window_id: int, nodes: dict[str, LightNode], load_s: float) -> list[Row]:
    commands, reports, whole = [], [], 0
    names = {peer.peer: peer.node for peer in store.peers()}
    trades = store.trades(window_id=window_id)
    for trade in trades:
        for row in store.deliveries(trade.trade_id):
            buyer = nodes[names[trade.buyer] or ""]
            if row.commanded_at_ms is not None and row.delivery_id in buyer.heard_at_ms:
                commands.append(buyer.heard_at_ms[row.delivery_id] - row.commanded_at_ms)
            words = [one.received_at_ms for one in store.delivery_signatures(row.delivery_id)]
            if row.reported_at_ms is not None and len(words) == 2:
                reports.append(row.reported_at_ms - max(words))
        whole += trade.state == "settled" and (trade.settled_uwh or 0) >= ENERGY_UWH * 99 // 100
    attempts = sum(len(store.deliveries(trade.trade_id)) for trade in trades)
    return [
        row_of("turn_to_command_p95", _percentile(commands, 95), "ms", BAR_COMMAND_MS),
        row_of("turn_to_command_p50", _percentile(commands, 50), "ms", None),
        row_of("final_to_settlement_sent_p95", _percentile(reports, 95), "ms", BAR_REPORT_MS),
        row_of("final_to_settlement_sent_p50", _percentile(reports, 50), "ms", None),
        row_of("trades", len(trades), "trades", None),
        row_of("trades_settled_whole", whole, "trades", None),
        row_of("attempts", attempts, "attempts", None),
        row_of("load_generator_cpu", load_s, "s", None),
    ]


def _percentile(values: Sequence[int], percent: int) -> float:
    ordered = sorted(values)
    return float(ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]) if ordered else 1e9
