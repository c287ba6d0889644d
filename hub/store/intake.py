"""Many records at once into the store: each node's sequence rules, one statement for a kind."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wire import records, sequence

from hub.store import late
from hub.store.messages import (
    INSERT_READING,
    INSERT_STATUS,
    READING_COLUMNS,
    STATUS,
    MessageTables,
)

LATE = "late"
SEQ_AT = READING_COLUMNS.index("seq")
ASKED_AT_ONCE = 400  # placeholders of one statement
_reading_of = operator.itemgetter(*(member.name for member in records.SCHEMAS["reading"]))
_status_of = operator.itemgetter(*STATUS)


@dataclass(frozen=True, slots=True)
class Verified:
    """A record whose signature was checked; wall and site time of its arrival."""

    node: str
    kind: str
    record: Mapping[str, Any]
    received_at_ms: int
    site_at_ms: int


class IntakeTables(MessageTables):
    """What the ingest stores."""

    def store_batch(self, batch: Sequence[Verified], late_seqs: int = 0) -> list[str]:
        """Store records with their seq in one transaction; return a word for each.

        The words are those of `store_record`, and so is what is stored: a batch is the same as its
        records one after another. With `late_seqs`, for workers that share the load, a reading or
        snapshot that far behind the newest is new, too, if it is not there yet; such a status says
        nothing any more and is "late".
        """
        words = [sequence.NEW] * len(batch)
        with self.transaction() as connection:
            last = self._last_seqs(connection, batch)
            advanced: dict[tuple[str, str], int] = {}
            readings: list[Any] = []
            statuses: dict[str, Any] = {}
            for place, one in enumerate(batch):
                if one.kind == "aggregate":
                    words[place] = self._store_one(connection, one)
                    continue
                key, seq = (one.node, one.kind), one.record["seq"]
                words[place] = sequence.judge(last.get(key), seq)
                start = (one.node, one.received_at_ms)
                if words[place] == sequence.STALE and last[key] - seq <= late_seqs:
                    words[place] = self._store_late(connection, one, readings)
                    continue
                if words[place] != sequence.NEW:
                    continue
                last[key] = advanced[key] = seq
                if one.kind == "reading":
                    readings.append((*start, one.site_at_ms, *_reading_of(one.record)))
                    late.note_reading(connection, *start)
                elif one.kind == "status":
                    statuses[one.node] = (*start, *_status_of(one.record))  # the newest counts
                else:
                    self._store_new(connection, one.node, one.kind, one.record,
                                    (one.received_at_ms, one.site_at_ms))  # fmt: skip
            if readings:
                connection.executemany(INSERT_READING, readings)
            if statuses:
                connection.executemany(INSERT_STATUS, list(statuses.values()))
            rows = [(node, kind, seq) for (node, kind), seq in advanced.items()]
            if rows:
                connection.executemany("INSERT OR REPLACE INTO last_seq VALUES (?, ?, ?)", rows)
        return words

    def _store_late(self, connection: Any, one: Verified, readings: list[Any]) -> str:
        """Store what another worker's newer record overtook; return its word."""
        if one.kind not in ("reading", "snapshot"):
            return LATE
        seq = one.record["seq"]
        sql = f"SELECT 1 FROM {one.kind}s WHERE node = ? AND seq = ?"
        is_known = connection.execute(sql, (one.node, seq)).fetchone() is not None
        is_known = is_known or any(row[0] == one.node and row[SEQ_AT] == seq for row in readings)
        if is_known:
            return sequence.DUPLICATE
        self._store_new(connection, one.node, one.kind, one.record,
                        (one.received_at_ms, one.site_at_ms))  # fmt: skip
        return sequence.NEW

    def _store_one(self, connection: Any, one: Verified) -> str:
        at_ms = (one.received_at_ms, one.site_at_ms)
        return self.store_record(one.node, one.kind, one.record, at_ms)

    def _last_seqs(self, connection: Any, batch: Iterable[Verified]) -> dict[tuple[str, str], int]:
        """Return the highest seq accepted of every node and kind of a batch."""
        nodes: dict[str, set[str]] = {}
        for one in batch:
            nodes.setdefault(one.kind, set()).add(one.node)
        found: dict[tuple[str, str], int] = {}
        for kind, wanted in nodes.items():
            names = list(wanted)
            for first in range(0, len(names), ASKED_AT_ONCE):
                some = names[first : first + ASKED_AT_ONCE]
                marks = ", ".join("?" * len(some))
                sql = f"SELECT node, seq FROM last_seq WHERE kind = ? AND node IN ({marks})"
                for row in connection.execute(sql, (kind, *some)).fetchall():
                    found[(row["node"], kind)] = row["seq"]
        return found
