"""Ingest: messages as they arrived enter, verified records in the store leave, in batches.

Each record is stored in one transaction with its sequence number, and acknowledged to the broker
only afterwards. What is refused is counted with the reason; nothing a node sends can raise.
"""

from __future__ import annotations

import collections
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from wire import topics

from hub.errors import StoreError
from hub.mqtt.decoding import decode
from hub.mqtt.link import Arrival
from hub.site_clock import SiteClock, wall_ms
from hub.store import Store, Verified

BATCH_MESSAGES = 500
GATHER_S = 0.05
_PATIENT = ("/reading", "/aggregate", "/snapshot")
RETRY_S = 1.0
SAID_EVERY = 60  # tries: a log must not fill the rest of a full disk
UNKNOWN_NODE = "unknown_node"
STALE_SEQ = "stale_seq"
WILL = "will"
SHUT_OUT = "shut_out"  # revoked, or sent too much


Inspect = Callable[[str, str, Mapping[str, Any], int], str | None]


class GateLike(Protocol):
    """What the ingest asks: hub.mqtt.gate.Gate, or a worker's part of it."""

    def is_shut(self, node: str) -> bool: ...
    def count(self, node: str, messages: int) -> None: ...


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
    `late_seqs`: see `Store.store_batch`.
    """

    def __init__(
        self,
        store: Store,
        clock: SiteClock,
        keys: Mapping[str, bytes],
        on_stored: Callable[[list[Stored]], None],
        on_trouble: Callable[[str], None] = lambda text: None,
        gate: GateLike | None = None,
        inspect: Inspect = lambda node, kind, record, at_ms: None,
        late_seqs: int = 0,
        on_broken: Callable[[Exception], None] | None = None,
    ) -> None:
        """`inspect` returns under which word a verified record is refused, None to store it.

        `on_broken` is told, in this thread, what ended it against all expectation: a hub that
        hears no board must not look well.
        """
        self._store = store
        self._clock = clock
        self._keys = keys
        self._on_stored = on_stored
        self._on_trouble = on_trouble
        self._gate = gate
        self._inspect = inspect
        self._late_seqs = late_seqs
        self._on_broken = on_broken
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
        try:
            self._work()
        except Exception as problem:
            if self._on_broken is None:
                raise
            self._on_broken(problem)

    def _work(self) -> None:
        while True:
            batch = self._next_batch()
            self._count(batch)
            if batch and not self._store_until_done(batch):
                return
            if self._is_stopping.is_set() and self._arrivals.empty():
                return

    def _next_batch(self) -> list[Arrival]:
        """Wait for one message and take with it what else is there: load makes batches grow.

        Readings alone wait a little for others, because each transaction costs as much as four of
        them; what a delivery depends on does not wait, nor does what came before it. What came
        while the batch before was stored has waited already.
        """
        batch = [self._arrivals.get()]
        until_s = time.monotonic() + GATHER_S - _waited_s(batch[0])
        is_urgent = _is_urgent(batch[0])
        while len(batch) < BATCH_MESSAGES:
            left_s = 0.0 if is_urgent or self._is_stopping.is_set() else until_s - time.monotonic()
            try:
                arrival = (
                    self._arrivals.get(timeout=left_s)
                    if left_s > 0
                    else (self._arrivals.get_nowait())
                )
            except queue.Empty:
                break
            batch.append(arrival)
            is_urgent = is_urgent or _is_urgent(arrival)
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
        verified: list[tuple[Arrival, Verified]] = []
        offline = []
        for arrival in batch:
            counts["received"] += 1
            word, found = self._verify(arrival)
            if found is not None:
                verified.append((arrival, found))
            elif word == WILL:
                offline.append(arrival.topic.split("/")[2])
            if word:
                counts[word] += 1
        stored = []
        with self._store.transaction():
            judged = self._store.store_batch([found for _, found in verified], self._late_seqs)
            for (arrival, found), said in zip(verified, judged, strict=True):
                word = _word(said, arrival)
                counts[word] += 1
                if word == "stored":
                    stored.append(
                        Stored(found.node, found.kind, found.record, found.received_at_ms)
                    )
            for node in offline:
                self._store.mark_offline(node)
            self._store.count(counts)
        return stored

    def _verify(self, arrival: Arrival) -> tuple[str, Verified | None]:
        """Return the word to count a message under that is not to be stored, or what is."""
        parsed = topics.parse(arrival.topic)
        if parsed is None:
            return "rejected:unknown_topic", None
        node, kind = parsed
        if self._gate is not None and self._gate.is_shut(node):
            return f"rejected:{SHUT_OUT}", None
        key = self._keys.get(node)
        if key is None:
            return f"rejected:{UNKNOWN_NODE}", None
        record, reason = decode(arrival.topic, arrival.payload, key)
        if record is None:
            return (WILL if reason == WILL else f"rejected:{reason}"), None
        at_ms = arrival.received_at_ms
        refused = self._inspect(node, kind, record, at_ms)
        if refused is not None:
            return f"rejected:{refused}", None
        return "", Verified(node, kind, record, at_ms, self._clock.site_ms(at_ms))


def _waited_s(arrival: Arrival | None) -> float:
    """Return how long a message lay in the queue; a clock that was set makes it no longer."""
    since_ms = 0 if arrival is None else wall_ms() - arrival.received_at_ms
    return min(max(since_ms / 1000, 0.0), GATHER_S)


def _is_urgent(arrival: Arrival | None) -> bool:
    return arrival is None or not arrival.topic.endswith(_PATIENT)


def _word(judged: str, arrival: Arrival) -> str:
    """Return the word to count a verified message under."""
    if judged == "new":
        return "stored"
    if judged == "late":
        return judged
    # The broker repeats a retained status at every subscription: no replay.
    if judged == "duplicate" or arrival.is_retained:
        return "duplicate"
    return f"rejected:{STALE_SEQ}"


def _node_of(topic: str) -> str:
    """Return the third level of a topic, "" when there is none."""
    return (topic.split("/", 3) + ["", "", ""])[2]
