"""Attempts at delivering a trade: made from the store, written into its journal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hub.config_tables import Bus
from hub.errors import TruequeError
from hub.oracle import records
from hub.oracle import terms as delivery_terms
from hub.oracle.turns import Ticket
from hub.store import DeliveryRow, Store, TradeRow


class NotDeliverable(TruequeError):
    """A trade between peers that no bus segment joins."""


@dataclass
class Attempt:
    """An attempt that is under way in this hub process; `state` moves on."""

    ticket: Ticket
    number: int
    terms: records.Terms
    state: records.State
    # A signature came, or it is `ask_at_ms`: a report that waits for signatures looks again.
    news: asyncio.Event = field(default_factory=asyncio.Event)
    ask_at_ms: int | None = None
    # What the chain's clock is ahead of the wall clock in these terms.
    ahead_ms: int = 0
    # Events that wait, in their order, until the store takes what the first of them changes.
    waiting: list[records.Event] = field(default_factory=list)

    def fit(self, ahead_ms: int) -> None:
        """Let the terms follow a chain whose clock is ahead of the wall clock."""
        if ahead_ms != self.ahead_ms:
            self.terms = self.terms.earlier(ahead_ms - self.ahead_ms)
            self.ahead_ms = ahead_ms

    def limits(self, bus: Bus, role: str, now_ms: int) -> dict[str, int]:
        """Return what a close command for that role states."""
        return {
            "energy_uwh": self.terms.left_uwh(role),
            "max_power_uw": bus.max_power_uw,
            "max_duration_ms": max(min(self.state.turn_ends_ms, self.terms.end_by_ms) - now_ms, 1),
            "exposure_uwh": delivery_terms.exposure_uwh(bus, self.terms.energy_uwh),
        }

    def node(self, role: str) -> str:
        """Return the node that has this role."""
        return self.ticket.seller if role == records.SELLER else self.ticket.buyer


def prepare(
    store: Store, bus: Bus, trade: TradeRow, number: int, delivery_id: str, state: records.State
) -> Attempt:
    """Make an attempt from what the store knows. Raises NotDeliverable."""
    window = store.window(trade.window_id)
    nodes = {peer.peer: peer.node for peer in store.peers()}
    segments = {row.node: row.segment for row in store.nodes()}
    seller, buyer = nodes.get(trade.seller), nodes.get(trade.buyer)
    if window is None or seller not in segments or buyer not in segments:
        raise NotDeliverable("one of its peers has no board on this site")
    assert seller is not None and buyer is not None
    if segments[seller] != segments[buyer]:
        raise NotDeliverable(f"{seller} and {buyer} are on different bus segments")
    rows = [row for row in store.deliveries(trade.trade_id) if row.delivery_id != delivery_id]
    terms = replace(
        delivery_terms.terms(bus, window, trade, number),
        carried_seller_uwh=_carried_uwh(rows, records.SELLER),
        carried_buyer_uwh=_carried_uwh(rows, records.BUYER),
    )
    ticket = Ticket(
        *(delivery_id, trade.trade_id, segments[seller], seller, buyer),
        opens_at_ms=window.delivery_start_s * 1000,
        closes_at_ms=terms.start_by_ms,
        priority=_priority(store, trade),
        energy_uwh=max(terms.left_uwh(role) for role in records.ROLES),
    )
    return Attempt(ticket, number, terms, state)


def _priority(store: Store, trade: TradeRow) -> int:
    """Return the highest class among the trade's order and the buyer's others in its window.

    The contract writes a peer's class into its orders; a buyer who took an offer has none in that.
    """
    orders = store.orders(trade.window_id)
    return max(
        (one.priority for one in orders if trade.order_id == one.order_id
         or one.peer == trade.buyer), default=0,
    )  # fmt: skip


def _carried_uwh(rows: Sequence[DeliveryRow], role: str) -> int:
    """Return what the meter of `role` counted in the attempts that ended without a report."""
    states = (records.State.from_json(row.step) for row in rows)
    return sum(one.side(role).floor_uwh for one in states if one.phase == "abandoned")


def taken_back(rows: Sequence[DeliveryRow]) -> DeliveryRow | None:
    """Return the attempt whose report the chain had taken and knows no more, None when none had.

    A chain's node whose machine lost power may come back without its last blocks. The energy has
    moved: what was reported is reported again, and nothing is delivered a second time.
    """
    if not rows or records.State.from_json(rows[-1].step).phase != "settled":
        return None
    return rows[-1]


def next_number(rows: Sequence[DeliveryRow]) -> int:
    """Return the number of a trade's next attempt after those in the journal.

    One that was only queued when the hub restarted was never tried: its number is used again.
    """
    if not rows:
        return 1
    return rows[-1].attempt if rows[-1].commanded_at_ms is None else rows[-1].attempt + 1


def heard(at_ms: int, record: Mapping[str, Any]) -> records.Heard:
    """Return the event that a delivery record is."""
    return records.Heard(
        at_ms, record["role"], record["phase"], record["energy_uwh"], record["reason"]
    )


def is_milestone(before: records.State, after: records.State) -> bool:
    """Mere progress and resent leases are not journaled: the reports' table has the figures."""
    return (before.phase, before.seller.is_final, before.buyer.is_final) != (
        *(after.phase, after.seller.is_final, after.buyer.is_final),
    )


def journal(store: Store, attempt: Attempt, before: records.State, now_ms: int) -> None:
    """Write where an attempt stands, and when, in one transaction."""
    name, state = attempt.ticket.delivery_id, attempt.state
    with store.transaction():
        store.write_step(name, records.WORDS[state.phase], state.to_json(), state.reason)
        if before.phase == "queued" and state.has_turn:
            store.stamp(name, "commanded_at_ms", now_ms)
        if state.buyer.is_closed and not before.buyer.is_closed:
            store.stamp(name, "relay_closed_at_ms", now_ms)
        if state.phase == "reporting":
            store.stamp(name, "finished_at_ms", now_ms)
        if state.phase == "settled":
            store.stamp(name, "settled_at_ms", now_ms)


def new_row(attempt: Attempt, epoch: int, now_ms: int) -> DeliveryRow:
    """Return the journal's first entry of an attempt."""
    return DeliveryRow(
        delivery_id=attempt.ticket.delivery_id,
        trade_id=attempt.ticket.trade_id,
        attempt=attempt.number,
        epoch=epoch,
        state=records.WORDS[attempt.state.phase],
        step=attempt.state.to_json(),
        reason=None,
        queued_at_ms=now_ms,
        commanded_at_ms=None,
        relay_closed_at_ms=None,
        finished_at_ms=None,
        reported_at_ms=None,
        settled_at_ms=None,
        raw_report=None,
        report_hash=None,
    )
