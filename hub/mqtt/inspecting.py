"""An ingest worker's part of the watch over honesty: its share of a node's readings is judged.

Who is in quarantine is the hub's to keep; a worker tells whom it caught and refuses that node until
the hub has taken it up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hub.honesty.judge import Judge, Limits
from hub.honesty.part import IMPLAUSIBLE, OF_METERS, QUARANTINED


class Inspector:
    """`inspect` belongs to the ingest's thread. `accuse` is told a node and why it is a liar."""

    def __init__(self, limits: Limits, accuse: Callable[[str, str], None]) -> None:
        self._limits = limits
        self._accuse = accuse
        self._judges: dict[str, Judge] = {}
        self._quarantined: frozenset[str] = frozenset()
        self._caught: frozenset[str] = frozenset()

    def take(self, quarantined: Iterable[str]) -> None:
        """Go on with the hub's list; begin anew with who was released."""
        told = frozenset(quarantined)
        for node in self._quarantined - told:
            self._judges.pop(node, None)
        self._caught -= told
        self._quarantined = told

    def inspect(
        self, node: str, kind: str, record: Mapping[str, Any], received_at_ms: int
    ) -> str | None:
        """Return why a record may not be stored, None when it may."""
        if kind not in OF_METERS:
            return None
        if node in self._quarantined or node in self._caught:
            return QUARANTINED
        if kind != "reading":
            return None
        judge = self._judges.get(node)
        if judge is None:
            judge = self._judges[node] = Judge(self._limits, None)
        verdict = judge.judge(record, received_at_ms)
        if verdict.lie is not None:
            self._caught |= {node}
            self._accuse(node, verdict.lie)
            return QUARANTINED
        return None if verdict.is_plausible else IMPLAUSIBLE
