"""The hub's journal in the store: deliveries step by step, and transactions before they are sent.

Nothing here is rebuilt from elsewhere; every row is written before the hub acts on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from hub.store.database import Database
from hub.store.rows import DeliveryRow, PlanRow, TransactionRow

ENDED = ("settled", "refunded", "abandoned")
STAMPS = (
    "commanded_at_ms",
    "relay_closed_at_ms",
    "finished_at_ms",
    "settled_at_ms",
)


class JournalTables(Database):
    """Deliveries and signed transactions."""

    def open_delivery(self, row: DeliveryRow) -> None:
        """Begin an attempt; a delivery id that exists already is left as it is."""
        names = DeliveryRow.__dataclass_fields__
        with self.transaction() as connection:
            connection.execute(
                f"INSERT OR IGNORE INTO deliveries ({', '.join(names)})"
                f" VALUES ({', '.join('?' * len(names))})",
                [getattr(row, name) for name in names],
            )

    def write_step(self, delivery_id: str, state: str, step: str, reason: str | None) -> None:
        """Write where a delivery stands. `state` is the trade's word, `step` the whole as JSON."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE deliveries SET state = ?, step = ?, reason = ? WHERE delivery_id = ?",
                (state, step, reason, delivery_id),
            )

    def stamp(self, delivery_id: str, name: str, at_ms: int) -> None:
        """Write the time of a delivery's milestone (one of STAMPS), the first time only."""
        if name not in STAMPS:
            raise ValueError(name)
        with self.transaction() as connection:
            connection.execute(
                f"UPDATE deliveries SET {name} = coalesce({name}, ?) WHERE delivery_id = ?",
                (at_ms, delivery_id),
            )

    def keep_report(
        self, delivery_ids: Sequence[str], raw: bytes, report_hash: str, at_ms: int
    ) -> None:
        """Keep the signed transaction that reports these deliveries, before it is sent."""
        with self.transaction() as connection:
            for name in delivery_ids:
                connection.execute(
                    "UPDATE deliveries SET raw_report = ?, report_hash = ?,"
                    " reported_at_ms = coalesce(reported_at_ms, ?) WHERE delivery_id = ?",
                    (raw, report_hash, at_ms, name),
                )

    def deliveries(
        self, trade_id: int | None = None, leave_out: Sequence[str] = ()
    ) -> list[DeliveryRow]:
        """Return attempts in the order they were queued, of one trade or all."""
        marks = ", ".join("?" * len(leave_out)) or "''"
        of_one = "" if trade_id is None else "trade_id = ? AND"  # else no index would be used
        rows = self._rows(
            f"SELECT * FROM deliveries WHERE {of_one} state NOT IN ({marks})"
            " ORDER BY trade_id, attempt, epoch",
            (*(() if trade_id is None else (trade_id,)), *leave_out),
        )
        return [DeliveryRow(**row) for row in rows]

    def unfinished_deliveries(self) -> list[DeliveryRow]:
        """Return attempts that are neither settled, refunded nor abandoned."""
        return self.deliveries(leave_out=ENDED)

    def delivery(self, delivery_id: str) -> DeliveryRow | None:
        row = self._one("SELECT * FROM deliveries WHERE delivery_id = ?", (delivery_id,))
        return None if row is None else DeliveryRow(**row)

    # Windows ----------------------------------------------------------------------------------

    def keep_plan(self, row: PlanRow) -> None:
        """Note what a window was opened for."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO window_plans VALUES (?, ?, ?)",
                (row.window_id, row.stage, row.community),
            )

    def plans(self) -> dict[int, PlanRow]:
        """Return what each window was opened for, by its id."""
        rows = [PlanRow(**row) for row in self._rows("SELECT * FROM window_plans")]
        return {row.window_id: row for row in rows}

    def plan(self, window_id: int) -> PlanRow | None:
        """Return what a window was opened for, None while that is not known."""
        row = self._one("SELECT * FROM window_plans WHERE window_id = ?", (window_id,))
        return None if row is None else PlanRow(**row)

    # Other transactions -----------------------------------------------------------------------

    def keep_transaction(self, row: TransactionRow) -> None:
        """Keep a signed transaction under its key, before it is sent; replaces one not done."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO transactions VALUES (?, ?, ?, ?, ?)",
                (row.key, row.raw, row.hash, row.signed_at_ms, int(row.is_done)),
            )

    def mark_transaction_done(self, key: str) -> None:
        """Note that the chain has taken a kept transaction."""
        with self.transaction() as connection:
            connection.execute("UPDATE transactions SET is_done = 1 WHERE key = ?", (key,))

    def kept_transaction(self, key: str) -> TransactionRow | None:
        row = self._one("SELECT * FROM transactions WHERE key = ?", (key,))
        if row is None:
            return None
        return TransactionRow(
            row["key"], row["raw"], row["hash"], row["signed_at_ms"], bool(row["is_done"])
        )
