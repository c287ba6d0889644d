"""Messages of the nodes in the store: readings, status, events, delivery reports, counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wire import records, sequence

from hub.store import late
from hub.store.backend import Connection
from hub.store.database import Database
from hub.store.rows import NodeRow, ReportRow, SignatureRow, StatusRow

_READING = tuple(member.name for member in records.SCHEMAS["reading"])
# `epoch` concerns the running hub only.
STATUS = tuple(one.name for one in records.SCHEMAS["status"] if one.name != "epoch")
_EVENT = tuple(member.name for member in records.SCHEMAS["event"])
_SIGNATURE = ("delivery_id", "role", "energy_uwh", "counterparty_uwh", "signature")
_AGGREGATE = tuple(member.name for member in records.SCHEMAS["aggregate"])
_SNAPSHOT = tuple(member.name for member in records.SCHEMAS["snapshot"])
_REPORT = (
    "delivery_id",
    "role",
    "phase",
    "energy_uwh",
    "counterparty_uwh",
    "elapsed_ms",
    "register_uwh",
    "reason",
)


def _insert(table: str, names: Iterable[str]) -> str:
    columns = tuple(names)
    marks = ", ".join("?" * len(columns))
    return f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({marks})"


READING_COLUMNS = ("node", "received_at_ms", "site_at_ms", *_READING)
INSERT_READING = _insert("readings", READING_COLUMNS)
INSERT_STATUS = _insert("node_status", ("node", "received_at_ms", *STATUS))
_REJECTIONS = """
    SELECT node, reason, MAX(value) AS n FROM node_events JOIN node_status USING (node, boot_id)
    WHERE code = 'message_rejected' AND reason IS NOT NULL AND value IS NOT NULL
    GROUP BY node, reason ORDER BY node, n DESC
"""
_INSERT_EVENT = _insert("node_events", ("node", "received_at_ms", *_EVENT))
_INSERT_REPORT = _insert("delivery_reports", ("node", "received_at_ms", *_REPORT))
_INSERT_SIGNATURE = _insert("delivery_signatures", ("node", "received_at_ms", *_SIGNATURE))
SNAPSHOT_COLUMNS = ("node", "received_at_ms", *_SNAPSHOT)
AGGREGATE_COLUMNS = ("node", "received_at_ms", *_AGGREGATE)
_INSERT_AGGREGATE = _insert("aggregates", AGGREGATE_COLUMNS).replace("REPLACE", "IGNORE")
_INSERT_SNAPSHOT = _insert("snapshots", SNAPSHOT_COLUMNS)
_LATEST_READINGS = """
    SELECT r.* FROM nodes n JOIN readings r ON r.node = n.node
     AND r.received_at_ms = (SELECT max(received_at_ms) FROM readings WHERE node = n.node)
   ORDER BY r.seq
"""


class MessageTables(Database):
    """What nodes said, and what was refused."""

    def set_nodes(self, rows: Iterable[NodeRow]) -> None:
        """Make these the site's nodes."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM nodes")
            connection.executemany(
                "INSERT INTO nodes VALUES (?, ?, ?, ?)",
                [(row.node, row.kind, row.segment, row.peer) for row in rows],
            )

    def nodes(self) -> list[NodeRow]:
        """Return the site's nodes by name."""
        rows = self._rows("SELECT * FROM nodes")
        # Natural order: house-2 before house-10.
        return sorted((NodeRow(**row) for row in rows), key=lambda one: (len(one.node), one.node))

    def store_record(
        self, node: str, kind: str, record: Mapping[str, Any], at_ms: tuple[int, int]
    ) -> str:
        """Store one verified record with its seq; return "new", "duplicate" or "stale".

        `at_ms`: wall and site time of its arrival. Only a new record is stored.
        """
        with self.transaction() as connection:
            if kind == "aggregate":
                return _store_aggregate(connection, node, record, at_ms[0])
            row = connection.execute(
                "SELECT seq FROM last_seq WHERE node = ? AND kind = ?", (node, kind)
            ).fetchone()
            word: str = sequence.judge(None if row is None else row["seq"], record["seq"])
            if word == sequence.NEW:
                connection.execute(
                    "INSERT OR REPLACE INTO last_seq VALUES (?, ?, ?)", (node, kind, record["seq"])
                )
                self._store_new(connection, node, kind, record, at_ms)
            return word

    def _store_new(
        self,
        connection: Connection,
        node: str,
        kind: str,
        record: Mapping[str, Any],
        at_ms: tuple[int, int],
    ) -> None:
        start = (node, at_ms[0])
        if kind == "reading":
            values = (node, *at_ms, *(record[name] for name in _READING))
            connection.execute(INSERT_READING, values)
            late.note_reading(connection, node, at_ms[0])
        elif kind == "status":
            connection.execute(INSERT_STATUS, (*start, *(record[name] for name in STATUS)))
        elif kind == "event":
            connection.execute(_INSERT_EVENT, (*start, *(record[name] for name in _EVENT)))
        elif kind == "delivery":
            connection.execute(_INSERT_REPORT, (*start, *(record[name] for name in _REPORT)))
        elif kind == "signature":
            connection.execute(_INSERT_SIGNATURE, (*start, *(record[name] for name in _SIGNATURE)))
        elif kind == "snapshot":
            connection.execute(_INSERT_SNAPSHOT, (*start, *(record[name] for name in _SNAPSHOT)))

    def aggregates(self, node: str | None = None) -> list[dict[str, Any]]:
        """Return what one node, or all, metered while away from the hub, in the order metered."""
        sql, parameters = "SELECT * FROM aggregates", [node] if node else []
        if node is not None:
            sql += " WHERE node = ?"
        return [dict(row) for row in self._rows(sql + " ORDER BY node, seq", parameters)]

    def mark_offline(self, node: str) -> None:
        """Note that the broker published the node's last will: a hint for the page."""
        with self.transaction() as connection:
            connection.execute("UPDATE node_status SET is_offline = 1 WHERE node = ?", (node,))

    def count(self, words: Mapping[str, int]) -> None:
        """Add to message counters: received, stored, duplicate, will, rejected:<reason>."""
        with self.transaction() as connection:
            connection.executemany(
                "INSERT INTO message_counts VALUES (?, ?)"
                " ON CONFLICT (word) DO UPDATE SET n = message_counts.n + excluded.n",
                list(words.items()),
            )

    def message_counts(self) -> dict[str, Any]:
        """Return {"received", "stored", "duplicate", "rejected": {reason: n}}."""
        counts = {row["word"]: row["n"] for row in self._rows("SELECT * FROM message_counts")}
        prefix = "rejected:"
        return {
            "received": counts.get("received", 0),
            "stored": counts.get("stored", 0),
            "duplicate": counts.get("duplicate", 0),
            "rejected": {
                word.removeprefix(prefix): n
                for word, n in sorted(counts.items())
                if word.startswith(prefix)
            },
        }

    def latest_readings(self) -> dict[str, dict[str, Any]]:
        """Return the newest reading of every node that sent one, as columns of `readings`."""
        return {row["node"]: dict(row) for row in self._rows(_LATEST_READINGS)}

    def readings_between(
        self, start_ms: int, end_ms: int, node: str | None = None
    ) -> list[dict[str, Any]]:
        """Return readings received in [start_ms, end_ms), oldest first, of one node or all."""
        sql = "SELECT * FROM readings WHERE received_at_ms >= ? AND received_at_ms < ?"
        parameters: list[Any] = [start_ms, end_ms]
        if node is not None:
            sql += " AND node = ?"
            parameters.append(node)
        return [dict(row) for row in self._rows(sql + " ORDER BY received_at_ms, seq", parameters)]

    def each_reading(self, start_ms: int, end_ms: int) -> Iterator[dict[str, Any]]:
        """Yield the readings received in [start_ms, end_ms), oldest first, without holding all."""
        yield from self._each(
            "SELECT * FROM readings WHERE received_at_ms >= ? AND received_at_ms < ?"
            " ORDER BY received_at_ms, node, seq",
            (start_ms, end_ms),
        )

    def last_site_ms(self) -> int | None:
        """Return the latest site time of any reading, None on a fresh store."""
        latest = self.latest_readings().values()
        return max((row["site_at_ms"] for row in latest), default=None)

    def latest_statuses(self) -> dict[str, StatusRow]:
        """Return the newest status of every node that sent one."""
        rows = self._rows("SELECT * FROM node_status")
        return {
            row["node"]: StatusRow(**{**dict(row), "is_offline": bool(row["is_offline"])})
            for row in rows
        }

    def node_events(self, limit: int = 100) -> list[dict[str, Any]]:
        """Return the newest events of all nodes, newest first."""
        sql = "SELECT * FROM node_events ORDER BY received_at_ms DESC LIMIT ?"
        return [dict(row) for row in self._rows(sql, (limit,))]

    def node_rejections(self) -> dict[str, dict[str, int]]:
        """Return {node: {reason: n}}: messages that nodes have refused since their last boots.

        A node tells of the 1st, 2nd, 4th and so on, so the number may be up to twice as high.
        """
        found: dict[str, dict[str, int]] = {}
        for row in self._rows(_REJECTIONS):
            found.setdefault(row["node"], {})[row["reason"]] = row["n"]
        return found

    def delivery_reports(self, delivery_id: str) -> list[ReportRow]:
        """Return the last closed, progress and final message of both sides, oldest first."""
        sql = "SELECT * FROM delivery_reports WHERE delivery_id = ? ORDER BY received_at_ms"
        return [ReportRow(**row) for row in self._rows(sql, (delivery_id,))]

    def delivery_signatures(self, delivery_id: str) -> list[SignatureRow]:
        """Return what each side's board signed of a delivery, by its own key."""
        sql = "SELECT * FROM delivery_signatures WHERE delivery_id = ?"
        return [SignatureRow(**row) for row in self._rows(sql, (delivery_id,))]

    def each_snapshot(self, start_ms: int, end_ms: int) -> Iterator[dict[str, Any]]:
        """Yield the snapshots received in [start_ms, end_ms), oldest first, without holding all."""
        yield from self._each(
            "SELECT * FROM snapshots WHERE received_at_ms >= ? AND received_at_ms < ?"
            " ORDER BY received_at_ms, node, seq",
            (start_ms, end_ms),
        )


def _store_aggregate(
    connection: Connection, node: str, record: Mapping[str, Any], received_at_ms: int
) -> str:
    """Store an aggregate unless it is known.

    By its own key, not by the last seq: a board whose power went while it sent them begins again
    with the oldest it still has.
    """
    values = (node, received_at_ms, *(record[name] for name in _AGGREGATE))
    is_new = connection.execute(_INSERT_AGGREGATE, values).rowcount == 1
    if is_new:
        late.note_aggregate(connection, node, record["t_ms"], received_at_ms)
    return sequence.NEW if is_new else sequence.DUPLICATE
