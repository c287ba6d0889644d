"""What waits for a person: silent or faulty boards, trades that stand still, a latched stop; and
letters that do not reach one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hub import running
from hub.config import SiteConfig
from hub.doctor.findings import FAILED, WARNING, Finding, good
from hub.honesty import quarantine
from hub.panel.latch import STATE_NAME as STOP_STATE
from hub.site_clock import wall_ms

if TYPE_CHECKING:
    from hub.store import StatusRow

SILENT_MS = 30_000


def nodes(config: SiteConfig) -> list[Finding]:
    """Look at each board's newest status; silence counts while the hub runs only."""
    from hub.store import Store

    is_up = running.announced(config.data_dir) is not None
    store = Store.join(config.store_path)
    try:
        heard = store.latest_statuses()
        is_stopped = store.state(STOP_STATE)
        held = quarantine.standing(store)
    finally:
        store.close()
    found = [one for house in config.houses
             for one in _node(house.name, heard.get(house.name), is_up)]  # fmt: skip
    for row in held.values():
        sentence = f"{row['node']} is in quarantine: {row['reason']}"
        remedy = f"look at the board, then: {quarantine.release_command(row['node'], config)}"
        found.append(Finding("nodes", FAILED, sentence, remedy))
    if is_stopped:
        remedy = "look at the bus, then acknowledge at the panel or on the page, and press START"
        found.append(Finding("emergency stop", FAILED, "is latched: nothing is delivered", remedy))
    return found or [good("nodes", f"{len(heard)} of {len(config.houses)} heard, none complains")]


def _node(name: str, status: StatusRow | None, is_up: bool) -> list[Finding]:
    if status is None:
        remedy = f"trueque board provision --node {name}, then power it within WiFi"
        return [Finding("nodes", WARNING, f"{name} was never heard", remedy)] if is_up else []
    found = []
    silent_ms = wall_ms() - status.received_at_ms
    if is_up and (silent_ms > SILENT_MS or status.is_offline):
        remedy = "look at its LED; trueque board log and trueque board verify tell more"
        sentence = f"{name} is silent for {silent_ms // 1000} s"
        found.append(Finding("nodes", WARNING, sentence, remedy))
    if status.fault is not None and status.fault != "none":
        remedy = "docs/board.md says what it means; trueque board verify tries the relays"
        found.append(Finding("nodes", FAILED, f"{name} reports {status.fault}", remedy))
    return found


def trades(config: SiteConfig) -> list[Finding]:
    """Look for trades that should have been settled or refunded by now."""
    from hub.store import Store

    store = Store.join(config.store_path)
    try:
        ends_s = {one.window_id: one.report_by_s for one in store.windows()}
        late = [
            trade.trade_id
            for trade in store.unsettled_trades()
            if ends_s.get(trade.window_id, 0) + 60 < time.time() and trade.state != "disputed"
        ]
        disputed = [trade.trade_id for trade in store.disputed_trades()]
    finally:
        store.close()
    found = []
    if late:
        remedy = "a running hub refunds them; start it"
        sentence = f"{len(late)} past report-by are neither settled nor refunded"
        found.append(Finding("trades", WARNING, sentence, remedy))
    if disputed:
        sentence = f"{len(disputed)} disputed: {', '.join(map(str, disputed[:10]))}"
        remedy = "the coordinator decides between both meters; else the fixed rule at resolve-by"
        found.append(Finding("trades", WARNING, sentence, remedy))
    return found or [good("trades", "none stands still")]


def letters(config: SiteConfig) -> list[Finding]:
    """Look for letters of alarms, markets and trades that can't be delivered."""
    from hub.store import Store

    store = Store.join(config.store_path)
    try:
        stuck = store.letters_stuck()
    finally:
        store.close()
    found = []
    for target in sorted({letter.target for letter in stuck}):
        waiting = [letter for letter in stuck if letter.target == target]
        sentence = f"{len(waiting)} for {target} wait: {waiting[-1].problem}"
        remedy = f"trueque hub notify --try --data {config.data_dir} tells when the way is free"
        found.append(Finding("letters", WARNING, sentence, remedy))
    return found or ([good("letters", "none waits")] if config.notices.subscribers else [])
