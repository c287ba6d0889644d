"""Hashes of closed windows in the store, and how far each is on its way to an outside chain."""

from __future__ import annotations

from typing import Any

from hub.store.database import Database
from hub.store.rows import AnchorRow


class AnchorTables(Database):
    """One row a window, made when all of it is settled."""

    def windows_without_anchor(self, before_s: int) -> list[int]:
        """Return the windows whose reports are over by then, have all their trades closed, and no
        hash yet, oldest first."""
        rows = self._rows(
            "SELECT w.window_id FROM windows w WHERE w.report_by_s < ?"
            " AND NOT EXISTS (SELECT 1 FROM anchors a WHERE a.window_id = w.window_id)"
            " AND NOT EXISTS (SELECT 1 FROM trades t WHERE t.window_id = w.window_id"
            " AND t.chain_state NOT IN ('settled', 'refunded')) ORDER BY w.window_id",
            (before_s,),
        )
        return [row["window_id"] for row in rows]

    def keep_anchor(self, window_id: int, hash_text: str, made_at_ms: int) -> None:
        """Queue a window's hash; one that is there stays."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO anchors (window_id, hash, made_at_ms) VALUES (?, ?, ?)",
                (window_id, hash_text, made_at_ms),
            )

    def move_anchor(self, window_id: int, **changes: Any) -> None:
        """Write how far it is: chain_id, transaction_hash, raw, block_number."""
        names = ", ".join(f"{name} = ?" for name in changes)
        with self.transaction() as connection:
            connection.execute(
                f"UPDATE anchors SET {names} WHERE window_id = ?", (*changes.values(), window_id)
            )

    def anchors(self) -> list[AnchorRow]:
        """Return all of them, oldest window first."""
        return [AnchorRow(**row) for row in self._rows("SELECT * FROM anchors ORDER BY window_id")]
