"""Turns on the DC bus: who may close relays next. One delivery at a time holds a segment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ticket:
    """A delivery that wants a segment and two nodes, not before `opens_at_ms` (Unix ms)."""

    delivery_id: str
    trade_id: int
    segment: str
    seller: str
    buyer: str
    opens_at_ms: int

    @property
    def nodes(self) -> tuple[str, str]:
        return (self.seller, self.buyer)


class Turns:
    """Fair order: by the trade's number, which is the order in which trades were made.

    A delivery whose nodes are not ready is passed over, not waited for: it keeps its place.
    """

    def __init__(self) -> None:
        self._queue: list[Ticket] = []
        self._holders: dict[str, Ticket] = {}  # segment -> who has it

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
        """Give free segments to the first in the queue that can use them; return those.

        `is_clear(segment)`: no relay on it is closed. `is_ready(node)`: alive, idle, no fault.
        """
        granted = []
        for ticket in list(self._queue):
            if ticket.opens_at_ms > at_ms or ticket.segment in self._holders:
                continue
            busy = {node for holder in self._holders.values() for node in holder.nodes}
            if busy & set(ticket.nodes) or not is_clear(ticket.segment):
                continue
            if all(is_ready(node) for node in ticket.nodes):
                self._queue.remove(ticket)
                self._holders[ticket.segment] = ticket
                granted.append(ticket)
        return granted

    def release(self, delivery_id: str) -> None:
        """Take a delivery out, whether it holds its turn or still queues."""
        self._queue = [one for one in self._queue if one.delivery_id != delivery_id]
        self._holders = {
            segment: one for segment, one in self._holders.items() if one.delivery_id != delivery_id
        }

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
