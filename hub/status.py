"""How a site stands: its store and what its hub announced enter, one plain table leaves."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from hub import running, status_lines
from hub.config import SiteConfig
from hub.doctor import parts
from hub.doctor.findings import FAILED
from hub.errors import OlderStore
from hub.honesty import quarantine
from hub.panel.latch import STATE_NAME as STOP_STATE
from hub.site_clock import wall_ms
from hub.store import Store, WindowRow
from hub.store.place import Place

NOTHING_STORED: dict[str, Any] = {"nodes": [], "trades": {}, "messages": {}, "window": None}


def read(config: SiteConfig) -> dict[str, Any]:
    """Return what `trueque hub status --json` prints; asks broker, chain and page if they run."""
    state = running.announced(config.data_dir)
    found: dict[str, Any] = {
        "site": config.site.name,
        "is_running": state is not None,
        "page_url": state["page_url"] if state else None,
        "broker": state["broker"] if state else None,
        "ports": state["ports"] if state else {},
        "parts": [_part(one) for one in parts.running_parts(config)] if state else [],
        "panel": status_lines.panel(state["page_url"] if state else None),
        "disk": status_lines.disk(config),
        "alarms": None,  # where there is no store to ask
    }
    if not config.store_path.exists():
        return {**found, **NOTHING_STORED}
    try:
        store = Store.join(config.store_path)
    except OlderStore as problem:
        return {**found, **NOTHING_STORED, "store_problem": str(problem)}
    try:
        return {**found, **_stored(config, store)}
    finally:
        store.close()


def _part(finding: Any) -> dict[str, Any]:
    return {
        "part": finding.part,
        "level": finding.level,
        "is_well": finding.level != FAILED,
        "sentence": finding.sentence,
    }


def _stored(config: SiteConfig, store: Store) -> dict[str, Any]:
    statuses, rejections = store.latest_statuses(), store.node_rejections()
    return {
        "identity": store.state("identity"),
        "epoch": store.state("epoch"),
        "emergency_stop": store.state(STOP_STATE),
        "nodes": [
            _node(row.node, row.kind, statuses.get(row.node))
            | {"refused": rejections.get(row.node, {})}
            for row in store.nodes()
        ],
        "quarantine": quarantine.standing(store),
        "trades": store.trade_states(),
        "alarms": status_lines.alarms(store),
        "messages": store.message_counts(),
        "window": _window(config, store.live_windows(wall_ms() / 1_000)),
        "store_bytes": _store_bytes(config.store_path),  # None: a server's, who knows
    }


def _store_bytes(place: Place) -> int | None:
    """Return the size of the store's file, with what is still in its log beside it."""
    if not isinstance(place, Path):
        return None
    return sum(one.stat().st_size for one in place.parent.glob(f"{place.name}*"))


def _node(name: str, kind: str, heard: Any) -> dict[str, Any]:
    if heard is None:
        return {"node": name, "kind": kind, "heard_ms_ago": None}
    return {
        "node": name,
        "kind": kind,
        "heard_ms_ago": wall_ms() - heard.received_at_ms,
        "state": heard.state,
        "relay": heard.relay,
        "fault": heard.fault,
        "firmware": heard.firmware,
    }


def _window(config: SiteConfig, windows: list[WindowRow]) -> dict[str, Any] | None:
    """Return the window that is or comes next; None when the last one is over."""
    now_s = wall_ms() // 1000
    for window in sorted(windows, key=lambda one: one.bid_start_s):
        if window.report_by_s > now_s:
            return {"window_id": window.window_id, "state": _phase(window, now_s),
                    "left_s": _ends_s(window, now_s) - int(now_s),
                    "until": _clock_text(config, _ends_s(window, now_s))}  # fmt: skip
    return None


def _phases(window: WindowRow) -> list[tuple[str, int]]:
    """Return each phase of a window and its end, in order."""
    return [
        ("opens later", window.bid_start_s),
        ("takes orders", window.bid_end_s),
        ("is cleared", max(window.bid_end_s, window.delivery_start_s)),
        ("delivers", window.delivery_end_s),
        ("reports", window.report_by_s),
    ]


def _phase(window: WindowRow, now_s: int) -> str:
    return next(name for name, end_s in _phases(window) if now_s < end_s)


def _ends_s(window: WindowRow, now_s: int) -> int:
    return next(end_s for _, end_s in _phases(window) if now_s < end_s)


def _clock_text(config: SiteConfig, at_s: int) -> str:
    """Return a wall time in the site's zone: windows are kept in seconds of the chain."""
    return datetime.datetime.fromtimestamp(at_s, config.zone).isoformat(timespec="seconds")
