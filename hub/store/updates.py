"""Firmware packages in the store, and which node stands where in taking them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.store.database import Database
from hub.store.rows import PackageRow, UpdateRow

WAITING, UNDER_WAY = "waiting", ("offered", "sending", "staged", "trial")
ENDED = ("done", "failed", "stopped")
EVENTS = (
    "update_refused",
    "update_staged",
    "update_on_trial",
    "update_confirmed",
    "update_rolled_back",
)


class UpdateTables(Database):
    """One rollout is a package for some nodes; the hub goes on with it after any interruption."""

    def begin_rollout(
        self, package: PackageRow, content: bytes, nodes: Sequence[str], at_once: int
    ) -> int | None:
        """Keep a package and queue it for nodes, `at_once` of them together; return the number.

        None when another rollout has not ended.
        """
        with self.transaction() as connection:
            busy = connection.execute(
                f"SELECT 1 FROM updates WHERE state NOT IN ({', '.join('?' * len(ENDED))})", ENDED
            ).fetchone()
            if busy is not None:
                return None
            connection.execute(
                "INSERT OR REPLACE INTO update_packages VALUES (?, ?, ?, ?, ?)",
                (package.package_id, package.number, package.version, package.size, content),
            )
            last = connection.execute("SELECT max(rollout) AS n FROM updates").fetchone()["n"]
            rollout = (last or 0) + 1
            connection.executemany(
                "INSERT INTO updates (rollout, place, node, package_id, at_once, state)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [(rollout, place, node, package.package_id, at_once, WAITING)
                 for place, node in enumerate(nodes)],
            )  # fmt: skip
            return rollout

    def rollout(self, number: int | None = None) -> list[UpdateRow]:
        """Return the nodes of a rollout in their order, of the last one by default."""
        if number is None:
            row = self._one("SELECT max(rollout) AS n FROM updates", ())
            number = row["n"] if row is not None else None
        rows = self._rows("SELECT * FROM updates WHERE rollout = ? ORDER BY place", (number,))
        return [UpdateRow(**row) for row in rows]

    def move_update(self, row: UpdateRow, **changes: Any) -> None:
        """Write where a node stands: state, reason, sent_bytes, began_at_ms, heard_at_ms."""
        names = ", ".join(f"{name} = ?" for name in changes)
        with self.transaction() as connection:
            connection.execute(
                f"UPDATE updates SET {names} WHERE rollout = ? AND node = ?",
                (*changes.values(), row.rollout, row.node),
            )

    def package(self, package_id: str) -> PackageRow | None:
        """Return what is known of a package, None when it is not here."""
        row = self._one(
            "SELECT package_id, number, version, size FROM update_packages WHERE package_id = ?",
            (package_id,),
        )
        return None if row is None else PackageRow(**row)

    def package_part(self, package_id: str, offset: int, size: int) -> bytes:
        """Return so many bytes of a package, fewer at its end and none beyond or of a stranger."""
        row = self._one(
            "SELECT substr(content, ?, ?) AS part FROM update_packages WHERE package_id = ?",
            (offset + 1, size, package_id),
        )
        return b"" if row is None else bytes(row["part"])

    def update_events(self, node: str, since_ms: int) -> list[dict[str, Any]]:
        """Return what a node said of updates from that time on, oldest first."""
        marks = ", ".join("?" * len(EVENTS))
        rows = self._rows(
            f"SELECT * FROM node_events WHERE node = ? AND received_at_ms >= ?"
            f" AND code IN ({marks}) ORDER BY seq",
            (node, since_ms, *EVENTS),
        )
        return [dict(row) for row in rows]
