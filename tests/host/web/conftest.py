"""A market without boards: real store, chain, contract and page; readings put in by hand."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from wire import records

from hub import config, keys
from hub.agent.cli import agent
from hub.chain.client import MarketClient
from hub.chain.follower import follow
from hub.chain.identity import deploy
from hub.chain.process import Chain, ChainSettings, FundedAccount
from hub.chain.records import Rollback, WindowTerms
from hub.services.market import MarketService
from hub.site_clock import wall_ms
from hub.store import DeliveryRow, NodeRow, Store
from hub.web.server import PageServer
from tests.host.loops import Loop

ETH = 10**18
HOUSES = 3
MIN_ENERGY_UWH = 34_723


async def _follow(chain: Chain, address: str, store: Store) -> None:
    async for step in follow(chain.ws_url, address):
        if isinstance(step, Rollback):
            store.roll_back(step.cursor.block_number, step.cursor.block_hash)
        else:
            store.apply_batch(step.events, step.cursor, wall_ms())


class MarketSite:
    """Peers that are approved and have money, and what a test needs to act on them."""

    def __init__(self, data_dir: Path, loop: Loop) -> None:
        self.loop = loop
        houses = config.bench_houses(HOUSES)
        config.write(data_dir, houses, site={"name": "test bench"})
        self.config = config.load(data_dir)
        names = [house.name for house in houses]
        self.keys = keys.create(self.config.keys_path, names)
        funded = tuple(
            FundedAccount("0x" + bytes(account.key).hex(), 100 * ETH)
            for account in self.keys.accounts.values()
        )
        settings = ChainSettings(data_dir / "chain", self.config.log_dir / "chain.log", funded)
        self.chain = Chain(settings)
        loop.run(self.chain.start())
        identity = deploy(
            self.chain.rpc_url, self.keys.administrator, self.keys.coordinator, self.keys.oracle
        )
        self.client = MarketClient(self.chain.rpc_url, identity.address)
        self.store: Store = Store.open(self.config.store_path)
        self.store.set_nodes(
            NodeRow(house.name, house.kind, house.segment, self.keys.peers[house.name].address)
            for house in houses
        )
        self._seq = itertools.count(1)
        self._follower = asyncio.run_coroutine_threadsafe(
            _follow(self.chain, identity.address, self.store), loop.loop
        )
        self._admit(names)

    def _admit(self, names: list[str]) -> None:
        for name in names:
            account = self.keys.peers[name]
            self.client.register(account)
            self.client.approve(self.keys.administrator, account.address, name)
            self.client.deposit(account, ETH)

    def stop(self) -> None:
        self._follower.cancel()
        self.loop.run(self.chain.stop())
        self.store.close()

    def service(self, **options: Any) -> MarketService:
        return MarketService(self.store, self.client, self.keys, self.config, **options)

    def open_window(self, bids_s: int = 300, **changes: int) -> int:
        """Open a window whose bids have just begun and wait until the store has it."""
        now_s = self.client.chain_time_s()
        ends = [now_s + bids_s + step for step in (0, 60, 60, 660, 1260, 1860)]
        limits = (MIN_ENERGY_UWH, 10**9, 1_000_000, 10**12, 50)
        terms = dataclasses.replace(WindowTerms(now_s - 5, *ends, *limits), **changes)
        window_id = self.client.open_window(self.keys.coordinator, terms)
        wait_for(lambda: self.store.window(window_id) is not None)
        return window_id

    def brief_s(self) -> int:
        """Return how long bids must last for a handful of calls, however busy the machine is."""
        began_s = time.monotonic()
        self.client.deposit(self.keys.peers[self.config.houses[-1].name], 1)
        return min(60, 6 + round(12 * (time.monotonic() - began_s)))

    def feed(self, node: str, **members: Any) -> None:
        """Store a reading and a status as if the node had just sent them."""
        self._store(node, "reading", {"quality_flags": 0, **members})
        status = {"uptime_ms": 1, "nonce": "0" * 32, "state": "idle", "relay": "open"}
        status |= {"firmware": "test", "reset_cause": "power_on", "free_bytes": 1}
        chosen = {key: members[key] for key in ("state", "relay") if key in members}
        self._store(node, "status", status | chosen)

    def report(self, node: str, delivery_id: str, role: str, energy_uwh: int) -> None:
        """Store a progress message of a delivery."""
        told = {"delivery_id": delivery_id, "role": role, "phase": "progress"}
        told |= {"energy_uwh": energy_uwh, "counterparty_uwh": energy_uwh, "elapsed_ms": 1}
        self._store(node, "delivery", told | {"register_uwh": energy_uwh})

    def begin_delivery(self, trade_id: int, state: str = "delivering") -> str:
        """Journal an attempt at delivering a trade, as the oracle does; return its id."""
        delivery_id = f"{trade_id:032x}"
        stamps = dict.fromkeys(DeliveryRow.__dataclass_fields__, None)
        begun = {"delivery_id": delivery_id, "trade_id": trade_id, "attempt": 1, "epoch": 1}
        begun |= {"state": state, "step": "{}", "queued_at_ms": wall_ms()}
        self.store.open_delivery(DeliveryRow(**(stamps | begun)))
        return delivery_id

    def _store(self, node: str, kind: str, members: dict[str, Any]) -> None:
        blank = {member.name: None for member in records.SCHEMAS[kind]}
        start = {"boot_id": 1, "seq": next(self._seq), "t_ms": wall_ms()}
        record = {name: (start | members).get(name) for name in blank}
        assert self.store.store_record(node, kind, record, (wall_ms(), wall_ms())) == "new"


def wait_for(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    """Wait for a condition of the store, with a deadline."""
    pause = threading.Event()
    for _ in range(int(timeout_s / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("what was waited for did not happen")


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    running = Loop()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, loop: Loop) -> Iterator[MarketSite]:
    running = MarketSite(tmp_path_factory.mktemp("market"), loop)
    wait_for(lambda: len([p for p in running.store.peers() if p.balance_wei]) == HOUSES)
    yield running
    running.stop()


@pytest.fixture
def window(site: MarketSite) -> int:
    """A fresh window with an empty book."""
    return site.open_window()


@pytest.fixture(scope="session")
def service(site: MarketSite) -> MarketService:
    return site.service(notices=["Messages go through nothing: readings are put in by hand."])


@pytest.fixture(scope="session")
def page(site: MarketSite, service: MarketService) -> Iterator[SimpleNamespace]:
    server = PageServer(service, site.config, port=0)
    server.start()
    yield SimpleNamespace(url=server.url, server=server)
    server.stop()


@pytest.fixture
def key_file(site: MarketSite, tmp_path: Path) -> Callable[[str], Path]:
    """`key_file(house)`: what `trueque agent key` writes for it."""

    def make(house: str) -> Path:
        path = tmp_path / f"{house}.key"
        call = ["key", "--data", str(site.config.data_dir), "--peer", house, "--out", str(path)]
        answer = CliRunner().invoke(agent, call)
        assert answer.exit_code == 0, answer.output
        return path

    return make
