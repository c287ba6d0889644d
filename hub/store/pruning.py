"""Old readings leave the store in small batches, and their space the disk."""

from __future__ import annotations

from hub.store.periods import CLOSED_UNTIL, PeriodTables

PRUNED_AT_ONCE = 500
PAGES_AT_ONCE = 400


class PruningTables(PeriodTables):
    """Removes what periods were made of."""

    def prune_readings(self, before_ms: int) -> int:
        """Remove one small batch of closed readings received before that time; return how many.

        A node's newest stays: the hub's clock and the page go by it.
        """
        before_ms = min(before_ms, self.state(CLOSED_UNTIL) or 0)
        for node in self.metered_nodes():
            row = self._one(
                "SELECT max(received_at_ms) AS at_ms FROM readings WHERE node = ?", (node,)
            )
            limit_ms = min(before_ms, row["at_ms"] or 0)
            with self.transaction() as connection:
                pruned: int = connection.execute(
                    "DELETE FROM readings WHERE (node, seq) IN (SELECT node, seq FROM readings"
                    " WHERE node = ? AND received_at_ms < ? LIMIT ?)",
                    (node, limit_ms, PRUNED_AT_ONCE),
                ).rowcount
            if pruned:
                return pruned
        return 0

    def give_back_space(self) -> None:
        """Give some of the space that pruned readings left back to the disk."""
        with self._lock:
            try:
                self._backend.give_back(self._writer, PAGES_AT_ONCE)
            except self._backend.errors:
                return  # there is no hurry
