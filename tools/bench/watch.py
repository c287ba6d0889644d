"""Watches every relay contact of the bench, apart from the firmware: edges in, violations out."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

from tools.bench.bus import Port

DEAD_TIME_S = 0.050
LIVE_BUS_V = 1.0
MATCHED_V = 2.0
"""Closing onto a live bus is allowed within this of one's own voltage."""
BOUNCE_S = 0.002
"""A contact that opens for less than this has bounced."""
KEPT_EDGES = 5000
KINDS = (
    "both_relays_closed",
    "dead_time_short",
    "two_sellers_on_segment",
    "mismatched_live_bus",
    "segment_crowded",
)


@dataclass(frozen=True)
class Edge:
    """One contact that closed or opened, bounces left out."""

    at_s: float
    house: int
    relay: str
    closed: bool


@dataclass(frozen=True)
class Violation:
    """One breach of the relays' rules, and the house whose closing contact made it."""

    at_s: float
    kind: str
    house: int


class Watch:
    """Records edges of all contacts and judges each closing against DESIGN.md section 5."""

    def __init__(self) -> None:
        self.edges: deque[Edge] = deque(maxlen=KEPT_EDGES)
        self.violations: list[Violation] = []
        self._opened_s: dict[tuple[int, str], float] = {}
        self._unsettled: dict[tuple[int, str], float] = {}

    def counts(self) -> dict[str, int]:
        """Return how often each kind of violation happened, zeros included."""
        counted = Counter(violation.kind for violation in self.violations)
        return {kind: counted[kind] for kind in KINDS}

    def contact_changed(self, edge: Edge, port: Port, ports: Sequence[Port], live_v: float) -> None:
        """Take a contact change that is already in `port`, of the house of `edge`.

        `ports`: all of its segment; `live_v` is that segment's voltage just before.
        """
        key = (edge.house, edge.relay)
        if not edge.closed:
            self._unsettled[key] = self._opened_s[key] = edge.at_s
            return
        opened_s = self._unsettled.pop(key, None)
        if opened_s is not None and edge.at_s - opened_s < BOUNCE_S:
            return
        if opened_s is not None:
            self.edges.append(Edge(opened_s, edge.house, edge.relay, False))
        self.edges.append(edge)
        self._judge(edge, port, ports, live_v)

    def settle(self, now_s: float) -> None:
        """Record openings that turned out not to be bounces."""
        for key, opened_s in list(self._unsettled.items()):
            if now_s - opened_s >= BOUNCE_S:
                del self._unsettled[key]
                self.edges.append(Edge(opened_s, *key, False))

    def _judge(self, edge: Edge, port: Port, ports: Sequence[Port], live_v: float) -> None:
        other = "out" if edge.relay == "in" else "in"
        if port.in_closed and port.out_closed:
            self._count(edge, "both_relays_closed")
        elif edge.at_s - self._opened_s.get((edge.house, other), float("-inf")) < DEAD_TIME_S:
            self._count(edge, "dead_time_short")
        if edge.relay == "out" and sum(each.out_closed for each in ports) > 1:
            self._count(edge, "two_sellers_on_segment")
        if sum(each.in_closed or each.out_closed for each in ports) > 2:
            self._count(edge, "segment_crowded")
        own_v = port.source_v if edge.relay == "out" else port.sink_v
        if live_v > LIVE_BUS_V and abs(live_v - own_v) > MATCHED_V:
            self._count(edge, "mismatched_live_bus")

    def _count(self, edge: Edge, kind: str) -> None:
        self.violations.append(Violation(edge.at_s, kind, edge.house))
