"""Ingest: messages as they arrived enter, verified records in the store leave, in batches.

Each record is stored in one transaction with its sequence number, and acknowledged to the broker
only afterwards. What is refused is counted with the reason; nothing a node sends can raise.
"""

from __future__ import annotations

import collections
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wire import codec, topics

from hub.errors import StoreError
from hub.mqtt.gate import Gate
from hub.mqtt.link import Arrival
from hub.site_clock import SiteClock
from hub.store import Store

BATCH_MESSAGES = 500
RETRY_S = 1.0
SAID_EVERY = 60  # tries: a log must not fill the rest of a full disk
UNKNOWN_NODE = "unknown_node"
STALE_SEQ = "stale_seq"
SHUT_OUT = "shut_out"  # revoked, or sent too much


@dataclass(frozen=True)
class Stored:
    """A new record that is safe in the store."""

    node: str
    kind: str
    record: Mapping[str, Any]
    received_at_ms: int


class Ingest:
    """A thread between the link and the store.

    `keys`: node -> its key towards the hub. `on_stored` is called in this thread with the new
    records of a batch, oldest first; `on_trouble` with a sentence when the store cannot take them.
    """

    def __init__(
        self,
        store: Store,
        clock: SiteClock,
        keys: Mapping[str, bytes],
        on_stored: Callable[[list[Stored]], None],
        on_trouble: Callable[[str], None] = lambda text: None,
        gate: Gate | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._keys = keys
        self._on_stored = on_stored
        self._on_trouble = on_trouble
        self._gate = gate
        self._acknowledge: Callable[[Arrival], None] = lambda arrival: None
        self._arrivals: queue.SimpleQueue[Arrival | None] = queue.SimpleQueue()
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)

    def put(self, arrival: Arrival) -> None:
        """Queue a message; returns at once."""
        self._arrivals.put(arrival)

    def start(self, acknowledge: Callable[[Arrival], None]) -> None:
        """Begin; `acknowledge` is called for every message that is dealt with."""
        self._acknowledge = acknowledge
        self._thread.start()

    def stop(self) -> None:
        """Store what has arrived, then end."""
        self._is_stopping.set()
        self._arrivals.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            batch = self._next_batch()
            self._count(batch)
            if batch and not self._store_until_done(batch):
                return
            if self._is_stopping.is_set() and self._arrivals.empty():
                return

    def _next_batch(self) -> list[Arrival]:
        """Wait for one message and take with it what else is there: load makes batches grow."""
        batch = [self._arrivals.get()]
        while len(batch) < BATCH_MESSAGES:
            try:
                batch.append(self._arrivals.get_nowait())
            except queue.Empty:
                break
        return [arrival for arrival in batch if arrival is not None]

    def _count(self, batch: list[Arrival]) -> None:
        """Tell the gate how much each node sent."""
        if self._gate is None:
            return
        nodes = collections.Counter(_node_of(arrival.topic) for arrival in batch)
        for node, messages in nodes.items():
            if node in self._keys:
                self._gate.count(node, messages)

    def _store_until_done(self, batch: list[Arrival]) -> bool:
        """Store a batch, again and again while the store refuses; False when stopped first.

        Unacknowledged messages stay with the broker, so nothing is lost meanwhile.
        """
        tries = 0
        while True:
            try:
                stored = self.store_batch(batch)
            except StoreError as problem:
                if tries % SAID_EVERY == 0:
                    self._on_trouble(f"readings wait for the store: {problem}")
                tries += 1
                if self._is_stopping.wait(RETRY_S):
                    return False
                continue
            if tries:
                self._on_trouble("readings are stored again; none was lost")
            for arrival in batch:
                self._acknowledge(arrival)
            if stored:
                self._on_stored(stored)
            return True

    def store_batch(self, batch: Iterable[Arrival]) -> list[Stored]:
        """Verify and store messages in one transaction; return the records that were new."""
        counts: collections.Counter[str] = collections.Counter()
        stored = []
        with self._store.transaction():
            for arrival in batch:
                word, record = self._take(arrival)
                counts["received"] += 1
                counts[word] += 1
                if record is not None:
                    stored.append(record)
            self._store.count(counts)
        return stored

    def _take(self, arrival: Arrival) -> tuple[str, Stored | None]:
        """Return the word to count a message under, and its record when it was new."""
        parsed = topics.parse(arrival.topic)
        if parsed is None:
            return "rejected:unknown_topic", None
        node, kind = parsed
        if self._gate is not None and self._gate.is_shut(node):
            return f"rejected:{SHUT_OUT}", None
        key = self._keys.get(node)
        if key is None:
            return f"rejected:{UNKNOWN_NODE}", None
        record, reason = codec.decode(arrival.topic, arrival.payload, key)
        if record is None:
            if reason == "will":
                self._store.mark_offline(node)
                return "will", None
            return f"rejected:{reason}", None
        at_ms = (arrival.received_at_ms, self._clock.site_ms(arrival.received_at_ms))
        judged = self._store.store_record(node, kind, record, at_ms)
        if judged == "new":
            return "stored", Stored(node, kind, record, arrival.received_at_ms)
        # The broker repeats a retained status at every subscription: no replay.
        if judged == "duplicate" or arrival.is_retained:
            return "duplicate", None
        return f"rejected:{STALE_SEQ}", None


def _node_of(topic: str) -> str:
    """Return the third level of a topic, "" when there is none."""
    return (topic.split("/", 3) + ["", "", ""])[2]
