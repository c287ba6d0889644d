"""One full window on a running site: a Site enters, the report of its window leaves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from hub import report
from hub.chain.process import HARDFORK
from hub.processes import wait_until
from hub.site import Site
from hub.site_clock import wall_ms
from hub.store import Store, TradeRow, WindowRow

# One run looks into its store four times a second: a second listener to every part for a run that
# ends after minutes would be more to get wrong than it saves.
LOOK_S = 0.25
SEEN_S = 30.0
AFTER_REPORT_BY_S = 30.0
BENCH_PERIOD_S = 1.5  # the bench writes its own record once a second


async def run_one_window(site: Site, say: Callable[[str], None]) -> dict[str, Any]:
    """Open the windows of one delivery, wait until all their trades are settled or refunded, and
    report them."""
    store, config = site.store, site.config
    wanted = config.schedule.once_nodes or len(config.houses)
    ids = await site.coordinator.run_once(site.epoch, lambda: len(site.watch.measuring()) >= wanted)
    await wait_until(lambda: len(_windows(store, ids)) == len(ids), SEEN_S, "seeing the windows")
    end_s = max(window.clear_by_s for window in _windows(store, ids)) + 0.5
    with contextlib.suppress(TimeoutError):  # what is not cleared in time goes back
        left_s = max(0.0, end_s - wall_ms() / 1000)
        await wait_until(lambda: _is_agreed(store, ids), left_s, "agreeing", LOOK_S)
    say(f"bids are over: {len(_trades(store, ids))} trades")
    left_s = max(window.report_by_s for window in _windows(store, ids)) + AFTER_REPORT_BY_S
    with contextlib.suppress(TimeoutError):  # the report then shows what is unsettled
        await wait_until(
            lambda: _is_settled(store, ids), left_s - wall_ms() / 1000, "settling", LOOK_S
        )
    await asyncio.sleep(BENCH_PERIOD_S)
    totals = await asyncio.to_thread(site.client.totals)
    parts = {"broker": site.broker.kind, "chain": f"ganache, {HARDFORK}"}
    return report.build(config, store, site.keys, totals, parts, ids)


def _windows(store: Store, ids: Sequence[int]) -> list[WindowRow]:
    return [window for window in map(store.window, ids) if window is not None]


def _trades(store: Store, ids: Sequence[int]) -> list[TradeRow]:
    return [trade for window_id in ids for trade in store.trades(window_id=window_id)]


def _is_agreed(store: Store, ids: Sequence[int]) -> bool:
    """Tell whether no trade can be made any more."""
    now_s = wall_ms() / 1000
    return all(
        window.is_cleared or (not window.has_book and now_s >= window.clear_by_s)
        for window in _windows(store, ids)
    )


def _is_settled(store: Store, ids: Sequence[int]) -> bool:
    return all(trade.state in ("settled", "refunded") for trade in _trades(store, ids))
