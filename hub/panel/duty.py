"""What the panel means for the hub: its stop opens boards, what boards say lights its lamps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from hub.errors import TruequeError
from hub.mqtt.dispatch import Dispatch
from hub.mqtt.ingest import Stored
from hub.mqtt.node_watch import NodeWatch
from hub.oracle.runner import Oracle
from hub.panel.panel import Panel
from hub.services import window_records
from hub.site_clock import wall_ms
from hub.store import Store

LAMPS_PERIOD_MS = 1_000
PRESS_TIMEOUT_S = 5.0
OPEN_PHASES = ("bids", "taking")


@dataclass(frozen=True)
class DutyParts:
    """What the panel's duty works with."""

    panel: Panel
    oracle: Oracle
    dispatch: Dispatch
    watch: NodeWatch
    store: Store
    nodes: tuple[str, ...]


class PanelDuty:
    """Methods belong to the event loop's thread, except `press` and `record`."""

    def __init__(
        self,
        parts: DutyParts,
        loop: asyncio.AbstractEventLoop,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._parts = parts
        self._loop = loop
        self._say = say
        self._shown_at_ms = 0
        parts.panel.on_stop = self._stop
        parts.panel.on_change = self._changed
        # Told of each stop and each change of the panel, after what they open or let go on.
        self.on_news: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Permit the contactors, unless a stop of before is still latched."""
        self._parts.panel.start()
        if self._parts.panel.is_stopped:
            self._say("the emergency stop is latched since before: a person has to acknowledge it")

    def hear(self, batch: Iterable[Stored]) -> None:
        """Take in what boards said: while stopped, none may have a closed relay."""
        panel = self._parts.panel
        panel.look()
        for stored in batch:
            is_closed = stored.kind == "status" and stored.record["relay"] != "open"
            if panel.is_stopped and is_closed:
                self._parts.dispatch.stop(stored.node)
        self._show()

    def record(self) -> dict[str, Any]:
        """Return the panel's state for the page; from any thread."""
        return self._parts.panel.record()

    def press(self, key: str) -> dict[str, Any]:
        """Press a key of the page, from any thread but the loop's. Raises PanelRefused."""
        if key == "stop":
            self._parts.panel.hear_page_stop()

        async def on_loop() -> dict[str, Any]:
            self._parts.panel.press(key)
            return self._parts.panel.record()

        waiting = asyncio.run_coroutine_threadsafe(on_loop(), self._loop)
        try:
            return waiting.result(PRESS_TIMEOUT_S)
        except TimeoutError:
            raise TruequeError("The hub is too busy; press again, or STOP at the bench.") from None

    def _stop(self) -> None:
        parts = self._parts
        parts.oracle.stop_bus()
        for node in parts.nodes:
            parts.dispatch.stop(node)
        self._say(f"EMERGENCY STOP: {parts.panel.record()['reason']}; every relay was ordered open")
        self.on_news()

    def _changed(self) -> None:
        self._parts.oracle.wake()
        self.on_news()

    def _show(self) -> None:
        parts, now_ms = self._parts, wall_ms()
        if now_ms - self._shown_at_ms < LAMPS_PERIOD_MS:
            return
        self._shown_at_ms = now_ms
        now_s = now_ms / 1_000
        window = window_records.current_window(parts.store.live_windows(now_s), now_s)
        parts.panel.show(
            is_market_open=window is not None
            and window_records.phase_of(window, now_s) in OPEN_PHASES,
            is_delivering=parts.oracle.has_turns,
            has_fault=parts.watch.has_fault,
        )
