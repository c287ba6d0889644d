"""The newest word of every node: is it alive, idle and open, and which nonce may be echoed."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wire import units

from hub.mqtt.freshness import Freshness
from hub.mqtt.ingest import Stored
from hub.site_clock import steady_ms

ALIVE_MS = 3 * units.NONCE_PERIOD_MS
SETTLED_READINGS = 3  # what a house's agent needs at least for a forecast
ZERO_CURRENT_UA = 20_000  # the boards' own limit for reverse current


class NodeWatch:
    """Fed with every stored record. `segments`: node -> its bus segment.

    `now_ms` must never jump: a wall clock that is set would make the dead alive.
    """

    def __init__(self, segments: Mapping[str, str], now_ms: Callable[[], int] = steady_ms) -> None:
        self._segments = dict(segments)
        self._now_ms = now_ms
        self._started_ms = now_ms()
        self._statuses: dict[str, tuple[int, Mapping[str, Any]]] = {}
        self._currents: dict[str, tuple[int, int]] = {}
        self._freshness = Freshness()
        self._readings: collections.Counter[str] = collections.Counter()
        self._shut_out: frozenset[str] = frozenset()

    def hear(self, stored: Stored) -> None:
        """Take in a status or a reading; other records say nothing here."""
        if stored.kind == "status":
            known = self._statuses.get(stored.node)
            if known is not None and stored.record.get("seq", 0) < known[1].get("seq", 0):
                return  # one of several ingest workers was slower
            said = stored.record["boot_id"], stored.record["uptime_ms"]
            at_ms = self._freshness.said_at_ms(stored.node, *said, self._now_ms())
            self._statuses[stored.node] = (at_ms, stored.record)
        if stored.kind != "reading":
            return
        self._readings[stored.node] += 1
        if stored.record["bus_current_ua"] is not None:
            self._currents[stored.node] = (self._now_ms(), stored.record["bus_current_ua"])

    def shut_out(self, nodes: Iterable[str]) -> None:
        """Let exactly these count as silent from now on, whatever they said last."""
        self._shut_out = frozenset(nodes)

    def segment(self, node: str) -> str:
        """Return a node's bus segment. Raises KeyError for a stranger."""
        return self._segments[node]

    def newest_nonce(self, node: str) -> str | None:
        """Return the nonce the node offered last, None when that is too old to be of use."""
        heard = self._statuses.get(node)
        if node in self._shut_out or heard is None:
            return None
        if self._now_ms() - heard[0] >= units.NONCE_LIFE_MS:
            return None
        nonce: str = heard[1]["nonce"]
        return nonce

    def is_alive(self, node: str) -> bool:
        """It has spoken within three nonce periods."""
        heard = self._statuses.get(node)
        if node in self._shut_out or heard is None:
            return False
        return self._now_ms() - heard[0] < ALIVE_MS

    def measuring(self) -> list[str]:
        """Return the nodes that are alive and have sent enough readings for a forecast."""
        return [
            node
            for node in self._segments
            if self.is_alive(node) and self._readings[node] >= SETTLED_READINGS
        ]

    @property
    def has_fault(self) -> bool:
        """A node's last word tells of a latched fault."""
        return any(status["fault"] is not None for _, status in self._statuses.values())

    def is_ready(self, node: str) -> bool:
        """It is alive, idle, open and has no fault."""
        if not self.is_alive(node):
            return False
        status = self._statuses[node][1]
        return status["state"] == "idle" and status["relay"] == "open" and status["fault"] is None

    def is_clear(self, segment: str) -> bool:
        """No node of the segment has a closed relay, a welded contact or current on the bus.

        A node that is silent for a lease's life has opened by itself: its last word is too old.
        Until a hub that has just started knows that of a node, it does not count on it.
        """
        for node, own_segment in self._segments.items():
            if own_segment != segment:
                continue
            at_ms, status = self._statuses.get(node, (self._started_ms, {}))
            if status.get("fault") == "welded_contact":
                return False
            if self._is_recent(at_ms) and status.get("relay") != "open":
                return False
            measured_at_ms, current_ua = self._currents.get(node, (0, 0))
            if self._is_recent(measured_at_ms) and abs(current_ua) >= ZERO_CURRENT_UA:
                return False
        return True

    def _is_recent(self, at_ms: int) -> bool:
        return self._now_ms() - at_ms < units.NONCE_LIFE_MS + units.NONCE_PERIOD_MS
