"""Minutes and quarters of an hour: readings enter, totals and means that are kept for good leave.

A period holds each register's total at its end, so the energy of any span is the difference of two
rows, whatever is missing between them. Minutes are closed once their readings are in; what comes
later, by a store that had to wait or a board that was away, makes its minute again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hub.store.boots import BEFORE, MEANS, REGISTERS, boots_between
from hub.store.database import Database
from hub.store.late import LATE_MS, MINUTE_MS
from hub.store.metered import SAVED_AFTER_MS, Heard, Totals, add, bounded

QUARTER_MS = 900_000
CLOSED_AFTER_MS = 2 * LATE_MS
CLOSED_UNTIL = "periods_closed_until_ms"
MINUTES_AT_ONCE = 50  # in one transaction: ingest waits no longer for it

PERIOD_COLUMNS = (
    *("node", "length_s", "start_ms", "readings", "boot_id", "bases"),
    *(*REGISTERS, *MEANS, "quality_flags"),
)
_INSERT = (
    f"INSERT OR REPLACE INTO periods ({', '.join(PERIOD_COLUMNS)})"
    f" VALUES ({', '.join('?' * len(PERIOD_COLUMNS))})"
)
_AFTER = (
    "SELECT * FROM periods WHERE node = ? AND length_s = 60 AND start_ms > ?"
    " AND start_ms < ? ORDER BY start_ms LIMIT 1"
)


class PeriodTables(Database):
    """What is kept of readings when they are pruned."""

    # Closing ----------------------------------------------------------------------------------

    def close_periods(self, now_ms: int) -> None:
        """Make every minute and quarter that is over, and those again that something came for.

        In many short transactions; one that was interrupted is simply made again.
        """
        limit_ms = (now_ms - CLOSED_AFTER_MS) // MINUTE_MS * MINUTE_MS
        # A clock that was ahead and is right again must not keep the present from being closed.
        since_ms = min(self.state(CLOSED_UNTIL) or 0, limit_ms)
        late = self._rows("SELECT node, start_ms FROM late_minutes WHERE start_ms < ?", (limit_ms,))
        for batch in self._batches(since_ms, limit_ms):
            with self.transaction() as connection:  # of many nodes: a commit costs more than rows
                for node, minutes in batch.items():
                    _make(connection, node, minutes, limit_ms)
        rows = sorted((row["node"], row["start_ms"]) for row in late)
        for start in range(0, len(rows), MINUTES_AT_ONCE):
            with self.transaction() as connection:
                for node, start_ms in rows[start : start + MINUTES_AT_ONCE]:
                    _make(connection, node, [start_ms], limit_ms)
                    connection.execute(
                        "DELETE FROM late_minutes WHERE node = ? AND start_ms = ?",
                        (node, start_ms),
                    )
        self.set_state(CLOSED_UNTIL, limit_ms)

    def metered_nodes(self) -> list[str]:
        """Return the nodes that ever sent a reading."""
        rows = self._rows("SELECT node FROM last_seq WHERE kind = 'reading' ORDER BY node")
        return [row["node"] for row in rows]

    def _batches(self, since_ms: int, limit_ms: int) -> Iterator[dict[str, list[int]]]:
        """Yield, a few at a time, the starts of nodes' minutes in [since, limit) with readings."""
        batch: dict[str, list[int]] = {}
        count = 0
        for node in self.metered_nodes():
            for start_ms in self._minutes(node, since_ms, limit_ms):
                batch.setdefault(node, []).append(start_ms)
                count += 1
                if count == MINUTES_AT_ONCE:
                    yield batch
                    batch, count = {}, 0
        if batch:
            yield batch

    def _minutes(self, node: str, since_ms: int, limit_ms: int) -> Iterator[int]:
        while True:
            row = self._one(
                "SELECT min(received_at_ms) AS at_ms FROM readings"
                " WHERE node = ? AND received_at_ms >= ? AND received_at_ms < ?",
                (node, since_ms, limit_ms),
            )
            if row is None or row["at_ms"] is None:
                return
            start_ms = row["at_ms"] // MINUTE_MS * MINUTE_MS
            yield start_ms
            since_ms = start_ms + MINUTE_MS

    # Reading ----------------------------------------------------------------------------------

    def each_period(self, length_s: int, start_ms: int, end_ms: int) -> Iterator[dict[str, Any]]:
        """Yield the periods of that length that begin in [start_ms, end_ms), oldest first."""
        yield from self._each(
            "SELECT * FROM periods WHERE length_s = ? AND start_ms >= ? AND start_ms < ?"
            " ORDER BY start_ms, node",
            (length_s, start_ms, end_ms),
        )

    def registers_at(self, node: str, before_ms: int) -> dict[str, int | None]:
        """Return each register's total just before that time: of minutes, and readings after them.

        A register may fall back by a save interval when its board loses power, and must not be
        counted twice while it catches up; nor does a replaced board take anything back.
        """
        row = self._one(BEFORE, (node, before_ms - MINUTE_MS + 1))
        totals = Totals() if row is None else _totals(row)
        since_ms = 0 if row is None else row["start_ms"] + MINUTE_MS
        boots = boots_between(self._rows, node, since_ms, before_ms)
        floor = {} if row is None else self._floor_at(node, row["start_ms"])
        totals = add(totals, [_heard(one, "first_") for one in boots], floor)
        return {**dict.fromkeys(REGISTERS), **totals.values}

    def _floor_at(self, node: str, start_ms: int) -> Mapping[str, int | None]:
        row = self._one(BEFORE, (node, start_ms - SAVED_AFTER_MS + 1))
        return {} if row is None else _totals(row).values

    def first_registers(self, node: str) -> dict[str, int | None]:
        """Return each register's first value."""
        firsts = ", ".join(
            f"(SELECT {name} FROM periods WHERE node = ? AND length_s = 60 AND {name} IS NOT NULL"
            f" ORDER BY start_ms LIMIT 1) AS {name}"
            for name in REGISTERS
        )
        row = self._one(f"SELECT {firsts}", (node,) * len(REGISTERS))
        found = dict.fromkeys(REGISTERS) if row is None else dict(row)
        if all(value is None for value in found.values()):
            row = self._one(
                f"SELECT {', '.join(REGISTERS)} FROM readings WHERE node = ?"
                " ORDER BY received_at_ms LIMIT 1",
                (node,),
            )
            found = found if row is None else dict(row)
        return found

    def metered_span_ms(self) -> tuple[int, int] | None:
        """Return the first and the last moment anything was metered at, None before."""
        row = self._one(
            "SELECT min(a) AS a, max(b) AS b FROM ("
            "SELECT min(start_ms) AS a, max(start_ms) AS b FROM periods WHERE readings > 0"
            " UNION ALL SELECT min(received_at_ms), max(received_at_ms) FROM readings) AS spans"
        )
        return None if row is None or row["a"] is None else (row["a"], row["b"])


# One period ---------------------------------------------------------------------------------


def _make(connection: Any, node: str, minutes: list[int], limit_ms: int) -> None:
    for start_ms in minutes:
        _make_minute(connection, node, start_ms, limit_ms)
    # The minute before may be new, too: where a node begins.
    touched = [*minutes, *(one - MINUTE_MS for one in minutes)]
    for start_ms in sorted({one // QUARTER_MS * QUARTER_MS for one in touched}):
        _make_quarter(connection, node, start_ms)


def _make_minute(connection: Any, node: str, start_ms: int, limit_ms: int) -> None:
    end_ms = start_ms + MINUTE_MS
    boots = boots_between(
        lambda sql, values: connection.execute(sql, values).fetchall(), node, start_ms, end_ms
    )
    away = connection.execute(
        "SELECT * FROM aggregates WHERE node = ? AND t_ms >= ? AND t_ms < ? ORDER BY t_ms, seq",
        (node, start_ms, end_ms),
    ).fetchall()
    heard = [_heard(row, "first_") for row in boots] + [_heard(row) for row in away]
    known = connection.execute(
        "SELECT * FROM periods WHERE node = ? AND length_s = 60 AND start_ms = ?",
        (node, start_ms),
    ).fetchone()
    if not heard:
        return
    before = _begin(connection, node, start_ms, heard)
    totals = add(before, heard, _floor(connection, node, start_ms))
    after = connection.execute(_AFTER, (node, start_ms, limit_ms)).fetchone()
    least = before.values if known is None else _totals(known).values
    totals = bounded(totals, least, {} if after is None else _totals(after).values)
    row = dict(known) if known is not None and not boots else _means(boots or away, bool(boots))
    _write(connection, (node, 60, start_ms), totals, row)


def _totals(row: Mapping[str, Any]) -> Totals:
    return Totals(row["boot_id"], {name: row[name] for name in REGISTERS}, json.loads(row["bases"]))


def _heard(row: Mapping[str, Any], prefix: str = "") -> Heard:
    first = {name: row[prefix + name] for name in REGISTERS}
    highest = {name: row[name] for name in REGISTERS}
    return Heard(row["boot_id"], first, highest, is_anew=bool(prefix) and row["is_anew"])


def _begin(connection: Any, node: str, start_ms: int, heard: list[Heard]) -> Totals:
    """Return the totals at a minute's start; a register that is new begins with its first value,
    which is written as the end of the minute before."""
    row = connection.execute(BEFORE, (node, start_ms)).fetchone()
    if row is None:
        totals = Totals(heard[0].boot_id, dict(heard[0].first), {})
        nothing = {**dict.fromkeys(MEANS), "readings": 0, "quality_flags": 0}
        _write(connection, (node, 60, start_ms - MINUTE_MS), totals, nothing)
        return totals
    totals = _totals(row)
    new = {
        name: value
        for name, value in heard[0].first.items()
        if totals.values[name] is None and value is not None
    }
    if new:
        totals = Totals(totals.boot_id, {**totals.values, **new}, totals.bases)
        _write(connection, (node, 60, row["start_ms"]), totals, dict(row))
    return totals


def _floor(connection: Any, node: str, start_ms: int) -> Mapping[str, int | None]:
    """Return the totals that a board had certainly saved when it was last heard before."""
    last = connection.execute(BEFORE, (node, start_ms)).fetchone()
    row = connection.execute(BEFORE, (node, last["start_ms"] - SAVED_AFTER_MS + 1)).fetchone()
    return {} if row is None else _totals(row).values


def _means(rows: list[Any], are_boots: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"readings": 0, "quality_flags": 0}
    for row in rows:
        found["quality_flags"] |= row["quality_flags"]
    if not are_boots:  # a board's own means, of the time it was away
        return {**found, **{name: rows[-1][name] for name in MEANS}}
    found["readings"] = sum(row["n"] for row in rows)
    for name in MEANS:
        count = sum(row[f"n_{name}"] for row in rows)
        total = sum(row[f"sum_{name}"] or 0 for row in rows)
        found[name] = round(total / count) if count else None
    return found


def _make_quarter(connection: Any, node: str, start_ms: int) -> None:
    rows = connection.execute(
        "SELECT * FROM periods WHERE node = ? AND length_s = 60 AND start_ms >= ? AND start_ms < ?"
        " ORDER BY start_ms",
        (node, start_ms, start_ms + QUARTER_MS),
    ).fetchall()
    if not rows:
        return
    found: dict[str, Any] = {"readings": sum(row["readings"] for row in rows), "quality_flags": 0}
    for row in rows:
        found["quality_flags"] |= row["quality_flags"]
    for name in MEANS:
        seen = [(row[name], row["readings"] or 1) for row in rows if row[name] is not None]
        weight = sum(count for _, count in seen)
        found[name] = round(sum(mean * count for mean, count in seen) / weight) if seen else None
    _write(connection, (node, 900, start_ms), _totals(rows[-1]), found)


def _write(
    connection: Any, key: tuple[str, int, int], totals: Totals, row: Mapping[str, Any]
) -> None:
    bases = json.dumps({name: base for name, base in sorted(totals.bases.items()) if base})
    values = [
        *(*key, row["readings"], totals.boot_id, bases),
        *(totals.values.get(name) for name in REGISTERS),
        *(row[name] for name in MEANS),
        row["quality_flags"],
    ]
    connection.execute(_INSERT, values)
