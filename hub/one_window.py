"""One full window on a running site: a Site enters, the report of its window leaves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from hub import report
from hub.chain.process import HARDFORK
from hub.processes import wait_until
from hub.site import Site
from hub.site_clock import wall_ms
from hub.store import Store

SEEN_S = 30.0
AFTER_REPORT_BY_S = 30.0
BENCH_PERIOD_S = 1.5  # the bench writes its own record once a second


async def run_one_window(site: Site, say: Callable[[str], None]) -> dict[str, Any]:
    """Open one window, wait until all its trades are settled or refunded, and report it."""
    store, config = site.store, site.config
    wanted = config.schedule.once_nodes or len(config.houses)
    window_id = await site.coordinator.run_once(
        site.epoch, lambda: len(site.watch.measuring()) >= wanted
    )
    await wait_until(lambda: store.window(window_id) is not None, SEEN_S, "seeing the window")
    window = store.window(window_id)
    assert window is not None
    await asyncio.sleep(max(0.0, window.clear_by_s + 0.5 - wall_ms() / 1000))
    say(f"bids are over: {len(store.trades(window_id=window_id))} trades")
    left_s = window.report_by_s + AFTER_REPORT_BY_S - wall_ms() / 1000
    with contextlib.suppress(TimeoutError):  # the report then shows what is unsettled
        await wait_until(lambda: _is_settled(store, window_id), left_s, "settling", 0.25)
    await asyncio.sleep(BENCH_PERIOD_S)
    totals = await asyncio.to_thread(site.client.totals)
    parts = {"broker": site.broker.kind, "chain": f"ganache, {HARDFORK}"}
    return report.build(config, store, site.keys, totals, parts, window_id)


def _is_settled(store: Store, window_id: int) -> bool:
    trades = store.trades(window_id=window_id)
    return all(trade.state in ("settled", "refunded") for trade in trades)
