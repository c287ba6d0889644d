"""Turns on the DC bus: who may close relays next. One delivery at a time holds a segment.

Segments give their turns side by side. On one segment the next turn goes to

1. the highest priority class, but after CRITICAL_IN_A_ROW turns of it, while a lower class waits,
   to that one;
2. within a class to the trade whose two houses have had the least energy of turns in this delivery
   window, both summed: who trades much, or whose attempts fail, waits for those who had nothing;
3. among equals to the earlier trade.

A delivery whose nodes are not ready is passed over, not waited for: it keeps its place. No trade is
longer than its share of the window (the window's largest order), so nobody waits for ever.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

CRITICAL_IN_A_ROW = 3
NEVER_MS = 2**63


@dataclass(frozen=True)
class Ticket:
    """A delivery that wants a segment and two nodes in [opens_at_ms, closes_at_ms) (Unix ms).

    `priority`: the class of its order; higher goes first. `energy_uwh`: what it is to move.
    """

    delivery_id: str
    trade_id: int
    segment: str
    seller: str
    buyer: str
    opens_at_ms: int
    closes_at_ms: int = NEVER_MS
    priority: int = 0
    energy_uwh: int = 0

    @property
    def nodes(self) -> tuple[str, str]:
        return (self.seller, self.buyer)


class Turns:
    """The queue and the holders; remembers what each house has had in the windows that wait."""

    def __init__(self) -> None:
        self._queue: list[Ticket] = []
        self._holders: dict[str, Ticket] = {}  # segment -> who has it
        # (when the window opens, node) -> energy of its turns; and each segment's turns in a row
        # that went to a higher class while a lower one waited.
        self._had_uwh: collections.Counter[tuple[int, str]] = collections.Counter()
        self._in_a_row: collections.Counter[str] = collections.Counter()

    def enqueue(self, ticket: Ticket) -> None:
        """Queue a delivery; one that is queued or holds its turn already stays as it is."""
        if any(one.delivery_id == ticket.delivery_id for one in self._everyone()):
            return
        self._queue.append(ticket)
        self._queue.sort(key=lambda one: one.trade_id)

    def occupy(self, ticket: Ticket) -> None:
        """Give a segment without asking: a delivery of before a restart may still be closed."""
        self._holders[ticket.segment] = ticket

    def grant(
        self,
        at_ms: int,
        is_clear: Callable[[str], bool],
        is_ready: Callable[[str], bool],
    ) -> list[Ticket]:
        """Give free segments to the first that can use them; return those.

        `is_clear(segment)`: no relay on it is closed. `is_ready(node)`: alive, idle, no fault.
        """
        granted = []
        for segment in dict.fromkeys(one.segment for one in self._queue):
            if segment in self._holders:
                continue
            busy = {node for holder in self._holders.values() for node in holder.nodes}
            able = [
                one
                for one in self._queue
                if one.segment == segment
                and one.opens_at_ms <= at_ms < one.closes_at_ms
                and not busy & set(one.nodes)
                and all(is_ready(node) for node in one.nodes)
            ]
            if able and is_clear(segment):
                granted.append(self._give(segment, able))
        return granted

    def _give(self, segment: str, able: Sequence[Ticket]) -> Ticket:
        order = sorted(able, key=lambda one: (-one.priority, self._share(one), one.trade_id))
        first = order[0]
        lower = [one for one in order if one.priority < first.priority]
        if lower and self._in_a_row[segment] >= CRITICAL_IN_A_ROW:
            first = lower[0]
            self._in_a_row[segment] = 0
        else:
            self._in_a_row[segment] = self._in_a_row[segment] + 1 if lower else 0
        self._queue.remove(first)
        self._holders[segment] = first
        for node in first.nodes:
            self._had_uwh[first.opens_at_ms, node] += first.energy_uwh
        return first

    def _share(self, ticket: Ticket) -> int:
        return sum(self._had_uwh[ticket.opens_at_ms, node] for node in ticket.nodes)

    def release(self, delivery_id: str) -> None:
        """Take a delivery out, whether it holds its turn or still queues."""
        self._queue = [one for one in self._queue if one.delivery_id != delivery_id]
        self._holders = {
            segment: one for segment, one in self._holders.items() if one.delivery_id != delivery_id
        }
        # Another attempt may follow at once, so a window is forgotten when a later one is all
        # that is left.
        first_ms = min((one.opens_at_ms for one in self._everyone()), default=0)
        for key in [key for key in self._had_uwh if key[0] < first_ms]:
            del self._had_uwh[key]

    def next_opening_ms(self, at_ms: int) -> int | None:
        """Return when the next queued delivery may begin, None when none waits for its time."""
        later = [one.opens_at_ms for one in self._queue if one.opens_at_ms > at_ms]
        return min(later, default=None)

    @property
    def holders(self) -> dict[str, str]:
        """Return segment -> delivery id that has it."""
        return {segment: one.delivery_id for segment, one in self._holders.items()}

    def _everyone(self) -> Iterable[Ticket]:
        return [*self._queue, *self._holders.values()]
