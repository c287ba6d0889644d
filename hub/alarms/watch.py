"""What the hub watches for a person: boards' words and the machine's state enter, alarms leave."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hub.admission import PUT_OUT_STATE
from hub.alarms.book import FAULT, WARNING, AlarmBook
from hub.backup import record as backups
from hub.honesty import quarantine
from hub.mqtt.ingest import Stored
from hub.site_clock import wall_ms
from hub.store import Store

LOOK_S = 10.0  # disk, clock and silence are told by nobody
SILENT_MS = 60_000
BROKER_GONE_MS = 15_000
CHAIN_GONE_MS = 30_000  # its own is started again meanwhile; one of others may be busy
LITTLE_DISK_BYTES = 1 << 30
AWAY = "away"  # a subject beside the numbers of restarts


@dataclass(frozen=True)
class WatchParts:
    """What the watch looks at. `is_clock_trusted`: whether wall time follows a time server."""

    store: Store
    data_dir: Path
    nodes: tuple[str, ...]
    is_stopped: Callable[[], bool]
    is_clock_trusted: Callable[[], bool]
    broker_restarts: Callable[[], int]
    is_broker_there: Callable[[], bool]
    chain_restarts: Callable[[], int]
    is_chain_there: Callable[[], bool]


class AlarmWatch:
    """`hear` is fed with every stored record; `run` is a task of the hub, for what is silent."""

    def __init__(
        self, book: AlarmBook, parts: WatchParts, now_ms: Callable[[], int] = wall_ms
    ) -> None:
        self._book = book
        self._parts = parts
        self._now_ms = now_ms
        self._wake = asyncio.Event()
        self._since_ms = now_ms()
        self._heard_ms: dict[str, int] = {}
        self._restarts = {"broker": 0, "chain": 0}
        self._gone_since_ms: dict[str, int] = {}

    def hear(self, batch: Iterable[Stored]) -> None:
        """Take in what boards said."""
        for stored in batch:
            self._heard_ms[stored.node] = self._now_ms()
            self._book.clear("silent", stored.node)
            if stored.kind == "status":
                fault = stored.record["fault"]
                if fault in (None, "none"):
                    self._book.clear("fault", stored.node)
                else:
                    sentence = f"{stored.node} reports {fault}: its relays stay open"
                    self._book.raise_alarm("fault", stored.node, sentence, FAULT)

    async def run(self) -> None:
        """Look when woken and every few seconds, for ever."""
        while True:
            self._wake.clear()  # before looking: what comes meanwhile is not missed
            await asyncio.to_thread(self.look)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_S)

    def wake(self) -> None:
        """Look at once: something has changed. Belongs to the event loop's thread."""
        self._wake.set()

    def look(self) -> None:
        """Look at what no message tells."""
        parts, book = self._parts, self._book
        now_ms = self._now_ms()
        for node in parts.nodes:
            silent_ms = now_ms - self._heard_ms.get(node, self._since_ms)
            if silent_ms > SILENT_MS:
                book.raise_alarm("silent", node, f"{node} has been silent for a minute")
        if parts.is_stopped():
            book.raise_alarm("stop", "panel", "EMERGENCY STOP: nothing is delivered", FAULT)
        else:
            book.clear("stop", "panel")
        free_bytes = shutil.disk_usage(parts.data_dir).free
        sentence = f"{free_bytes >> 20} MB are free in {parts.data_dir}"
        book.keep("disk", "data", sentence, free_bytes < LITTLE_DISK_BYTES)
        book.keep("clock", "hub", "the clock follows no time server: no market is opened",
                  not parts.is_clock_trusted())  # fmt: skip
        trouble = backups.trouble(parts.data_dir, now_ms / 1000)
        book.keep("backup", "nightly", trouble or "", trouble is not None)
        self._look_at_programs()
        self._look_at_floods()
        self._look_at_disputes()
        self._look_at_quarantine()

    def _look_at_programs(self) -> None:
        """Broker and chain: the hub starts its own again after a while; one of others is theirs."""
        parts = self._parts
        self._tell_restarts("broker", parts.broker_restarts())
        self._tell_restarts("chain", parts.chain_restarts())
        gone_ms = self._gone_ms("broker", parts.is_broker_there())
        sentence = "the broker does not answer: no board is heard, every relay opens by itself"
        if gone_ms >= BROKER_GONE_MS:
            self._book.raise_alarm("broker_silent", "broker", sentence, FAULT)
        elif not gone_ms:
            self._book.clear("broker_silent", "broker")
        gone_ms = self._gone_ms("chain", parts.is_chain_there())
        sentence = "the chain does not answer: nothing is traded, reports and refunds wait for it"
        if gone_ms >= CHAIN_GONE_MS:
            self._book.raise_alarm("chain", AWAY, sentence, WARNING)
        elif not gone_ms:
            self._book.clear("chain", AWAY)

    def _tell_restarts(self, kind: str, restarts: int) -> None:
        """One that ended and runs again is told once for each time, and is over at once."""
        if restarts > self._restarts[kind]:
            sentence = f"the {kind} ended and was started again"
            self._book.raise_alarm(kind, str(restarts), sentence)
            self._book.clear(kind, str(restarts))
            self._restarts[kind] = restarts  # last: told again when the store did not take it

    def _gone_ms(self, kind: str, is_there: bool) -> int:
        """Return for how long it has been away, 0 when it is there."""
        if is_there:
            self._gone_since_ms.pop(kind, None)
            return 0
        now_ms = self._now_ms()
        return now_ms - self._gone_since_ms.setdefault(kind, now_ms)

    def _look_at_floods(self) -> None:
        """A board that sends too much has no account for a while."""
        put_out = set(self._parts.store.state(PUT_OUT_STATE) or {})
        for node in put_out:
            sentence = f"{node} floods the hub and is put out for a while: test it, or revoke it"
            self._book.raise_alarm("flood", node, sentence)
        for node in self._book.standing("flood") - put_out:
            self._book.clear("flood", node)

    def _look_at_disputes(self) -> None:
        disputed = {str(trade.trade_id) for trade in self._parts.store.disputed_trades()}
        for number in disputed:
            sentence = f"trade {number} is disputed: the meters differ beyond the loss"
            self._book.raise_alarm("dispute", number, sentence)
        for number in self._book.standing("dispute") - disputed:
            self._book.clear("dispute", number)

    def _look_at_quarantine(self) -> None:
        held = quarantine.standing(self._parts.store)
        for node, row in held.items():
            sentence = f"{node} is in quarantine, it gets no turns: {row['reason']}"
            self._book.raise_alarm("quarantine", node, sentence, FAULT)
        for node in self._book.standing("quarantine") - held.keys():
            self._book.clear("quarantine", node)
