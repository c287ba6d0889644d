"""Old readings leave the store in small batches, and their space the disk."""

from __future__ import annotations

from collections.abc import Iterator

from hub.store.periods import CLOSED_UNTIL, PeriodTables

PRUNED_AT_ONCE = 500
PAGES_AT_ONCE = 400


class PruningTables(PeriodTables):
    """Removes what periods were made of."""

    def prune_readings(self, before_ms: int) -> Iterator[int]:
        """Remove closed readings received before that time, a small batch at each step.

        Yields how many it removed. A node's newest stays: the hub's clock and the page go by it.
        """
        waiting = self._with_old(min(before_ms, self.state(CLOSED_UNTIL) or 0))
        while waiting:
            removed = 0
            with self.transaction() as connection:
                # Of many nodes in one batch: a commit costs more than its rows.
                while waiting and removed < PRUNED_AT_ONCE:
                    removed += connection.execute(
                        "DELETE FROM readings WHERE (node, seq) IN (SELECT node, seq FROM readings"
                        " WHERE node = ? AND received_at_ms < ? LIMIT ?)",
                        (*waiting[-1], PRUNED_AT_ONCE - removed),
                    ).rowcount
                    if removed < PRUNED_AT_ONCE:
                        waiting.pop()
            yield removed

    def _with_old(self, before_ms: int) -> list[tuple[str, int]]:
        """Return the nodes with readings to remove, and before when each of them."""
        found = []
        for node in self.metered_nodes():
            # Two questions: an index answers each at once, but not both together.
            row = self._one(
                "SELECT (SELECT min(received_at_ms) FROM readings WHERE node = ?) AS oldest_ms,"
                " (SELECT max(received_at_ms) FROM readings WHERE node = ?) AS newest_ms",
                (node, node),
            )
            limit_ms = min(before_ms, row["newest_ms"] or 0)
            if row["oldest_ms"] is not None and row["oldest_ms"] < limit_ms:
                found.append((node, limit_ms))
        return found

    def give_back_space(self) -> None:
        """Give some of the space that pruned readings left back to the disk."""
        with self._lock:
            try:
                self._backend.give_back(self._writer, PAGES_AT_ONCE)
            except self._backend.errors:
                return  # there is no hurry
