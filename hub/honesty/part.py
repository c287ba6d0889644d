"""The hub's watch over honesty: records as they come enter, a word for those to refuse leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wire.records import QUALITY

from hub.config import SiteConfig
from hub.honesty.judge import Judge, Limits
from hub.honesty.meters import Final, MeterPairs
from hub.honesty.quarantine import Quarantine
from hub.mqtt.ingest import Stored
from hub.oracle.terms import block_uwh
from hub.store import Store

QUARANTINED, IMPLAUSIBLE = "quarantined", "implausible"
OF_METERS = ("reading", "aggregate", "snapshot")  # kinds that tell of energy used
GAP_MARGIN_MS = 5_000  # a reading tells afterwards what was lost before it
BUS_TIMES = 2  # times the limit of a command: sources, sinks and meters have tolerances


class Honesty:
    """`inspect` belongs to the ingest's thread, the rest to any.

    `on_quarantined` is called, in the thread that found it, with a node and the reason.
    """

    def __init__(
        self,
        config: SiteConfig,
        store: Store,
        on_quarantined: Callable[[str, str], None],
    ) -> None:
        self.limits = Limits(
            bus_power_uw=BUS_TIMES * config.bus.max_power_uw,
            dc_power_uw=config.honesty.dc_power_uw,
            load_power_uw=config.honesty.load_power_uw,
            period_ms=config.boards.reading_period_ms,
        )
        self._on_quarantined = on_quarantined
        self.on_released: Callable[[str], None] = lambda node: None  # in whatever thread saw it
        self._pairs = MeterPairs(config.bus.loss_allowance_permille, block_uwh(config.bus))
        self._bases = {
            node: (row, row["received_at_ms"]) for node, row in store.latest_readings().items()
        }
        self._judges: dict[str, Judge] = {}
        self._gap_at_ms: dict[str, int] = {}  # when a node last told of lost samples
        self.quarantine = Quarantine(store, self._forget)

    def inspect(
        self, node: str, kind: str, record: Mapping[str, Any], received_at_ms: int
    ) -> str | None:
        """Return why a record may not be stored, None when it may."""
        if kind not in OF_METERS:
            return None  # statuses and finals are still heard: what runs must open and settle
        if self.quarantine.has(node):
            return QUARANTINED
        if kind != "reading":
            return None
        judge = self._judges.get(node)
        if judge is None:
            judge = self._judges[node] = Judge(self.limits, self._bases.pop(node, None))
        verdict = judge.judge(record, received_at_ms)
        if verdict.lie is not None:
            self._put(node, verdict.lie)
            return QUARANTINED
        return None if verdict.is_plausible else IMPLAUSIBLE

    def hear(self, batch: Iterable[Stored]) -> None:
        """Hold both meters of each delivery against each other."""
        for stored in batch:
            record = stored.record
            if _tells_of_gap(stored):
                self._gap_at_ms[stored.node] = stored.received_at_ms
            if stored.kind != "delivery" or record["phase"] != "final":
                continue
            began_ms = stored.received_at_ms - record["elapsed_ms"] - GAP_MARGIN_MS
            has_gaps = self._gap_at_ms.get(stored.node, -1) >= began_ms
            final = Final(stored.node, record["energy_uwh"], record["reason"], has_gaps)
            for node, reason in self._pairs.hear(
                record["delivery_id"], record["role"], final
            ).items():
                self._put(node, reason)

    def may_serve(self, node: str) -> bool:
        """Tell whether a node may get turns."""
        return not self.quarantine.has(node)

    def accuse(self, node: str, reason: str) -> None:
        """Believe an ingest worker that found a node lying."""
        self._put(node, reason)

    def _put(self, node: str, reason: str) -> None:
        if self.quarantine.put(node, reason):
            self._on_quarantined(node, reason)

    def _forget(self, node: str) -> None:
        """Begin anew with a node that was released: what it says next is where it stands."""
        self._judges.pop(node, None)
        self._bases.pop(node, None)
        self._pairs.forget(node)
        self.on_released(node)


def _tells_of_gap(stored: Stored) -> bool:
    """Tell whether a node says that it lost samples: at once, and once more in its next reading."""
    if stored.kind == "event":
        return bool(stored.record["code"] == "samples_lost")
    flags = stored.record["quality_flags"] if stored.kind == "reading" else 0
    return bool((flags or 0) & QUALITY["samples_lost"])
