"""Windows of the store enter; which one people care about, and its record for the page, leave."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hub.coordinator.books import MECHANISMS
from hub.coordinator.kinds import NO_PRICE_RULE
from hub.site_clock import SiteClock
from hub.store import PlanRow, WindowRow

SPANS = (
    ("before", "bid_start_s"),
    ("bids", "bid_end_s"),
    ("taking", "clear_by_s"),
    ("waiting", "delivery_start_s"),
    ("delivery", "delivery_end_s"),
    ("reporting", "report_by_s"),
)

Record = dict[str, Any]


def phase_of(window: WindowRow, now_s: float) -> str:
    """Return before, bids, taking, waiting, delivery, reporting or over."""
    for word, end in SPANS:
        if now_s < getattr(window, end):
            return word
    return "over"


def current_window(windows: Iterable[WindowRow], now_s: float) -> WindowRow | None:
    """Return the window people care about now.

    One whose orders can be placed or taken, else the latest begun and not over, else the next.
    """
    alive = [one for one in windows if now_s < one.report_by_s]
    begun = sorted((one for one in alive if one.bid_start_s <= now_s), key=_start, reverse=True)
    trading = [one for one in begun if now_s < one.clear_by_s]
    coming = sorted((one for one in alive if now_s < one.bid_start_s), key=_start)
    return next(iter(trading + begun + coming), None)


def _start(window: WindowRow) -> tuple[int, int]:
    return window.bid_start_s, window.window_id


def window_record(window: WindowRow, now_s: float, clock: SiteClock | None) -> Record:
    """Return a window's terms, its phase and, by the site's clock, its times of day."""
    record: Record = {name: getattr(window, name) for name in window.__dataclass_fields__}
    record["phase"] = phase_of(window, now_s)
    record["has_book"] = window.has_book
    ends = dict(SPANS).get(record["phase"])
    record["phase_ends_s"] = getattr(window, ends) if ends else None
    record["local"] = {
        name: _time_of_day(getattr(window, name), clock) for _, name in SPANS if clock is not None
    }
    return record


def plan_record(window: WindowRow, plan: PlanRow | None) -> Record:
    """Return in words how a window's orders become trades, and for whom it is."""
    is_community = window.has_book and window.k_permille == NO_PRICE_RULE
    return {
        "kind": "community" if is_community else MECHANISMS.get(window.mechanism, "bilateral"),
        "stage": plan.stage if plan else None,
        "community": plan.community if plan else None,
    }


def _time_of_day(at_s: int, clock: SiteClock) -> str:
    """Return HH:MM at the end of a chain second: windows were cut to whole seconds, and on a fast
    bench a second is many minutes."""
    return clock.at(at_s * 1_000 + 999).strftime("%H:%M")
