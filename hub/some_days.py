"""Days of a running site without anybody: a Site enters, the report of those days leaves."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from typing import Any

from hub import report
from hub.chain.process import HARDFORK
from hub.one_window import BENCH_PERIOD_S
from hub.schedule import next_daily_slots
from hub.site import Site
from hub.site_clock import SiteClock, wall_ms
from hub.store import Store

LOOK_S = 1.0  # what is waited for is mostly the clock, and a run of days ends once
CLOSED = ("settled", "refunded")


def end_of(site_days: int, clock: SiteClock, at_ms: int) -> datetime.datetime:
    """Return the site's local midnight after so many days, today the first."""
    date = clock.at(at_ms).date() + datetime.timedelta(days=site_days)
    return datetime.datetime.combine(date, datetime.time.min)


async def run_days(site: Site, count: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Let the schedule open its windows for `count` of the site's days, wait until every trade of
    theirs is closed, and report all of them."""
    store, clock = site.store, site.clock
    end = end_of(count, clock, wall_ms())
    first_id = max((window.window_id for window in store.windows()), default=0) + 1
    last = end - datetime.timedelta(days=1)
    say(f"until the last trade of {last:%A %Y-%m-%d} is closed, then a report")
    while not _is_over(site, end):
        await asyncio.sleep(LOOK_S)
    # Of tomorrow's windows, which open early, none belongs to the report.
    ids = [
        window.window_id
        for window in store.windows()
        if window.window_id >= first_id and window.bid_start_s * 1000 < clock.wall_ms_of(end)
    ]
    await asyncio.sleep(BENCH_PERIOD_S)
    totals = await asyncio.to_thread(site.client.totals)
    parts = {"broker": site.broker.kind, "chain": f"ganache, {HARDFORK}"}
    return report.build(site.config, store, site.keys, totals, parts, ids)


def _is_over(site: Site, end: datetime.datetime) -> bool:
    """Tell whether no delivery of these days is still ahead and no trade is open."""
    now_ms = wall_ms()
    end_ms = site.clock.wall_ms_of(end)
    upcoming = next_daily_slots(site.config, site.clock, now_ms)
    if upcoming and upcoming[0].terms.bid_start * 1000 < end_ms:
        return False
    return now_ms >= end_ms or not _has_open(site.store, now_ms, end_ms)


def _has_open(store: Store, now_ms: int, end_ms: int) -> bool:
    """Tell whether a window of before `end_ms` still takes orders, or has a trade that is open."""
    for window in store.windows():
        if window.bid_start_s * 1000 >= end_ms:
            continue
        trades = store.trades(window_id=window.window_id)
        if now_ms < window.clear_by_s * 1000 or any(one.state not in CLOSED for one in trades):
            return True
    return False
