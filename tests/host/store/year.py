"""A store that is a year old, in a moment; run, it times what the hub asks it again and again.

Run: .venv/bin/python -m tests.host.store.year
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hub import config, keys
from hub.oracle.returns import Returns
from hub.panel.duty import DutyParts, PanelDuty
from hub.services.agents import AgentDesk
from hub.services.market import MarketService
from hub.site_clock import wall_ms
from hub.store import NodeRow, Store

WINDOWS = 730  # two a day
ORDERS_EACH = 10  # as many trades
HALF_DAY_S = 43_200
PRICE = 200_000_000
ENERGY_UWH = 50_000
WEI = str(ENERGY_UWH * PRICE)


def fill(store: Store, peers: list[str], windows: int = WINDOWS) -> None:
    """Write windows of every half day until now. All are settled but the last two: of one the
    deliveries wait, the other takes orders."""
    now_s = wall_ms() // 1_000
    rows: dict[str, list[tuple[Any, ...]]] = {
        "windows": [], "window_plans": [], "orders": [], "trades": [], "deliveries": []
    }  # fmt: skip
    for window_id in range(1, windows + 1):
        begun_s = now_s - 60 - (windows - window_id) * HALF_DAY_S
        ends = [begun_s + step for step in (0, 1_800, 1_800, 3_600, 50_000, 55_000)]
        rows["windows"].append((window_id, *ends, 1_000, 10**9, 1, 10**12, begun_s + 60_000,
                                0, 0, 0, 500, 0, 0, None, None, 0))  # fmt: skip
        rows["window_plans"].append((window_id, "open", None))
        for number in range(ORDERS_EACH):
            _fill_order(rows, window_id, number, peers, windows - window_id)
    with store.transaction() as connection:
        for peer in peers:
            connection.execute(
                "INSERT OR REPLACE INTO peers VALUES (?, ?, 'approved', ?, '0', '0', NULL)",
                (peer, f"house-{peers.index(peer) + 1}", str(10**18)),
            )
        for table, found in rows.items():
            marks = ", ".join("?" * len(found[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", found)


def _fill_order(
    rows: dict[str, list[tuple[Any, ...]]], window_id: int, number: int, peers: list[str], age: int
) -> None:
    """`age`: 0 of the window that takes orders, 1 of the one whose deliveries wait."""
    one = (window_id - 1) * ORDERS_EACH + number + 1
    seller, buyer = peers[number % len(peers)], peers[(number + 1) % len(peers)]
    left_uwh, is_offer, at_ms = 0 if age else ENERGY_UWH, int(number % 2 == 0), window_id * 1_000
    rows["orders"].append((one, window_id, seller if is_offer else buyer, is_offer, ENERGY_UWH,
                           left_uwh, PRICE, 0, at_ms, 0, 0, 1, "0"))  # fmt: skip
    if age == 0:
        return
    terms = (one, one, window_id, seller, buyer, buyer, ENERGY_UWH, PRICE, at_ms)
    if age == 1:
        rows["trades"].append((*terms, "matched", *[None] * 7, 0, "0"))
        return
    paid = (ENERGY_UWH, ENERGY_UWH, ENERGY_UWH, WEI, "0", at_ms, 3)
    rows["trades"].append((*terms, "settled", *paid, 0, "0"))
    rows["deliveries"].append((f"{one:032x}", one, 1, 1, "settled", "{}", None,
                               *[at_ms] * 6, None, None))  # fmt: skip


class Looks:
    """What the hub does again and again, each once when called."""

    def __init__(self, data_dir: Path, windows: int = WINDOWS) -> None:
        houses = config.bench_houses(3)
        config.write(data_dir, houses, site={"name": "old bench"})
        found = config.load(data_dir)
        names = [house.name for house in houses]
        kept = keys.create(found.keys_path, names)
        self.store: Store = Store.open(found.store_path)
        self.store.set_nodes(
            NodeRow(house.name, house.kind, house.segment, kept.peers[house.name].address)
            for house in houses
        )
        fill(self.store, [str(kept.peers[name].address) for name in names], windows)
        nobody: Any = None
        self.market = MarketService(self.store, nobody, kept, found)
        self._desk = AgentDesk(self.market, "0xcontract")
        panel = SimpleNamespace(show=lambda **lamps: None, look=lambda: None, is_stopped=False)
        parts: Any = (panel, SimpleNamespace(has_turns=False), None,
                      SimpleNamespace(has_fault=False), self.store, ())  # fmt: skip
        self._duty = PanelDuty(DutyParts(*parts), nobody)
        self._returns = Returns(self.store, nobody)

    def duty(self) -> None:
        """A look of the panel: once a second, in the event loop."""
        self._duty._shown_at_ms = 0
        self._duty.hear([])

    def snapshot(self) -> None:
        """A snapshot of the page: once in 0.4 s while somebody looks."""
        self.market._forget()
        self.market.overview()

    def agent(self) -> None:
        """What an agent away asks: once a second each."""
        self._desk.record("house-1", 60)

    def returns(self) -> None:
        """A round of what goes back: at each block that brought something."""
        asyncio.run(self._returns._round())

    def all(self) -> dict[str, Callable[[], None]]:
        return {
            "panel's look": self.duty, "page's snapshot": self.snapshot,
            "agent's record": self.agent, "round of returns": self.returns,
        }  # fmt: skip


def main() -> None:
    """Print the median of 20 of each."""
    with tempfile.TemporaryDirectory() as directory:
        looks = Looks(Path(directory))
        for name, look in looks.all().items():
            look()
            took_ms = []
            for _ in range(20):
                begun_s = time.perf_counter()
                look()
                took_ms.append((time.perf_counter() - begun_s) * 1_000)
            print(f"{name:17} {statistics.median(took_ms):7.2f} ms")
        looks.store.close()


if __name__ == "__main__":
    main()
