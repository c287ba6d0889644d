"""The oracle: trades enter, turns on the bus, leases and commands leave, and reports to the chain.

Runs the pure state machine of delivery.py. Each new state is journaled before it is acted on,
so a hub that is killed at any instant goes on from its store.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable

from hub.errors import StoreError
from hub.mqtt.ingest import Stored
from hub.oracle import attempts, delivery, records
from hub.oracle import terms as delivery_terms
from hub.oracle.attempts import Attempt
from hub.oracle.stepping import OracleParts, Stepping
from hub.store import DeliveryRow, TradeRow

LONGEST_SLEEP_S = 5.0  # only so that a changed wall clock is noticed

__all__ = ["Oracle", "OracleParts"]


class Oracle(Stepping):
    """All methods belong to the event loop's thread."""

    # What comes in ------------------------------------------------------------------------------

    def hear(self, batch: Iterable[Stored]) -> None:
        """Take in stored records of the nodes; the watch has heard them already."""
        self._look_at_clocks()
        for stored in batch:
            live = None
            if stored.kind == "delivery":
                live = self._live.get(stored.record["delivery_id"])
            # A node speaks for its own role only.
            if live is not None and stored.node == live.node(stored.record["role"]):
                self._apply(live, attempts.heard(self._now_ms(), stored.record))
            if stored.kind == "signature":
                self._tell_reports(stored.node)
        self._grant()

    def follow_trades(self) -> None:
        """Look at the trades again, after events of the chain were applied to the store."""
        self._look_at_clocks()
        self._is_behind = False
        try:
            self._follow_trades()
        except StoreError as problem:
            self._fall_behind(problem)
        self._grant()

    def _follow_trades(self) -> None:
        unsettled = {trade.trade_id: trade for trade in self._store.unsettled_trades()}
        under_way = {live.ticket.trade_id for live in self._live.values()}
        for live in list(self._live.values()):
            if live.ticket.trade_id not in unsettled:
                self._close_if_settled(live)
        for trade_id, trade in unsettled.items():
            if trade_id not in under_way and trade_id not in self._left_out:
                self._open_next_attempt(trade)

    def resume(self) -> None:
        """Take up what an earlier hub process left: open what may be closed, then go on."""
        for row in self._store.unfinished_deliveries():
            trade = self._store.trade(row.trade_id)
            if trade is None:
                continue
            state = records.State.from_json(row.step)
            if state.phase == "queued":  # nothing was said yet: a new id of this epoch serves
                self._store.write_step(row.delivery_id, "abandoned", row.step, "hub_restarted")
                continue
            live = self._prepare(trade, row.attempt, row.delivery_id, state)
            if live is None:
                continue
            if state.has_turn:
                self._turns.occupy(live.ticket)
            self._apply(live, records.Restarted(self._now_ms()))
            for report in self._store.delivery_reports(row.delivery_id):
                if report.node == live.node(report.role):
                    self._apply(live, attempts.heard(self._now_ms(), dataclasses.asdict(report)))
        self.follow_trades()

    async def run(self) -> None:
        """Keep time until cancelled."""
        while True:
            self._wake.clear()
            self.tick()
            try:
                await asyncio.wait_for(self._wake.wait(), self._sleep_s())
            except TimeoutError:
                continue

    def open_all(self) -> None:
        """Order open whatever may be closed and grant no turn any more: the hub is to end."""
        self._is_ending = True
        for live in list(self._live.values()):
            if live.state.has_turn:
                self._apply(live, records.Restarted(self._now_ms()))

    def stop_bus(self) -> None:
        """Order open whatever may be closed: an emergency stop. Turns come when the panel lets."""
        for live in list(self._live.values()):
            self._apply(live, records.Stopped(self._now_ms()))

    def stop_node(self, node: str) -> None:
        """Order open what a node that may not be served any more is part of."""
        for live in list(self._live.values()):
            if node in live.ticket.nodes:
                self._apply(live, records.Stopped(self._now_ms(), "node_quarantined"))

    def chain_is_back(self) -> None:
        """Send at once the reports that wait for a chain which was away."""
        self._reporting.retry()

    def wake(self) -> None:
        """Look at once whether turns may be granted."""
        self._wake.set()

    @property
    def has_turns(self) -> bool:
        """A delivery holds a segment: its relays may be closed."""
        return bool(self._turns.holders)

    @property
    def is_idle(self) -> bool:
        """No delivery is under way or waits for its turn."""
        return not self._live

    # Attempts -----------------------------------------------------------------------------------

    def _open_next_attempt(self, trade: TradeRow) -> None:
        """Queue a trade's next attempt when it has one left and time for it."""
        rows = self._store.deliveries(trade.trade_id)
        gone = attempts.taken_back(rows)
        if gone is not None:
            self._report_again(trade, gone)
            return
        number = attempts.next_number(rows)
        parts, now_ms = self._parts, self._now_ms()
        name = delivery_terms.delivery_id(parts.domain, trade.trade_id, number, parts.epoch)
        live = self._prepare(trade, number, name, records.State("queued", now_ms))
        if live is None:
            return
        # What earlier attempts delivered is still to be reported: by an attempt that gets no turn.
        has_time = now_ms < live.terms.start_by_ms
        is_owed = bool(live.terms.carried_seller_uwh) and now_ms < live.terms.report_by_ms
        is_over = number > parts.bus.max_attempts or not (has_time or is_owed)
        try:
            if is_over or self._store.delivery(name) is not None:
                del self._live[name]  # left to the refund
                return
            self._store.open_delivery(attempts.new_row(live, parts.epoch, now_ms))
        except StoreError as problem:
            del self._live[name]
            self._fall_behind(problem)
            return
        if has_time:
            self._turns.enqueue(live.ticket)
            self._wake.set()
        else:
            self._apply(live, records.Tick(now_ms))

    def _prepare(
        self, trade: TradeRow, number: int, delivery_id: str, state: records.State
    ) -> Attempt | None:
        try:
            attempt = attempts.prepare(
                self._store, self._parts.bus, trade, number, delivery_id, state
            )
        except attempts.NotDeliverable as problem:
            self._left_out.add(trade.trade_id)
            self._say(f"trade {trade.trade_id} cannot be delivered, {problem}: refund follows")
            return None
        attempt.fit(self._clocks.ahead_ms())
        self._live[delivery_id] = attempt
        return attempt

    def _report_again(self, trade: TradeRow, row: DeliveryRow) -> None:
        state = dataclasses.replace(records.State.from_json(row.step), phase="reporting")
        live = self._prepare(trade, row.attempt, row.delivery_id, state)
        if live is not None:
            self._say(f"the chain forgot the report of trade {trade.trade_id}: sent again")
            self._apply(live, records.Restarted(self._now_ms()))

    def _retry(self, live: Attempt) -> None:
        trade = self._store.trade(live.ticket.trade_id)
        if trade is not None:
            self._say(
                f"trade {trade.trade_id}: attempt {live.number} ended early "
                f"({live.state.reason}), going on with what is left"
            )
            self._open_next_attempt(trade)

    # Time ---------------------------------------------------------------------------------------

    def _grant(self) -> None:
        parts, now_ms = self._parts, self._now_ms()
        if self._is_ending or now_ms < self._store_again_ms or not parts.may_grant():
            return

        def is_ready(node: str) -> bool:
            return parts.watch.is_ready(node) and parts.may_serve(node)

        # Windows are agreed in the chain's time.
        at_ms = now_ms + self._clocks.ahead_ms()
        for ticket in self._turns.grant(at_ms, parts.watch.is_clear, is_ready):
            live = self._live[ticket.delivery_id]
            self._apply(live, records.Granted(self._now_ms()))
            if not live.state.has_turn:
                self._turns.release(ticket.delivery_id)

    def tick(self) -> None:
        """Do what is due by now."""
        self._look_at_clocks()
        now_ms = self._now_ms()
        if self._store_again_ms and now_ms >= self._store_again_ms:
            self._store_again_ms = 0
            self._catch_up()
            self._has_said_wait = self._store_again_ms > 0  # it is still away
        for live in list(self._live.values()) if now_ms >= self._store_again_ms else ():
            due_ms = delivery.next_tick_ms(live.terms, live.state)
            if due_ms is not None and due_ms <= now_ms:
                self._apply(live, records.Tick(now_ms))
            if live.ask_at_ms is not None and live.ask_at_ms <= now_ms:
                live.news.set()
        self._grant()

    def _catch_up(self) -> None:
        """Try again what the store did not take."""
        for live in list(self._live.values()):
            events, live.waiting = live.waiting, []
            for event in events:
                self._apply(live, event)
        if self._is_behind:
            self.follow_trades()

    def _look_at_clocks(self) -> None:
        """Move what is under way with a wall clock that was set, and with the chain's."""
        jump_ms, ahead_ms = self._clocks.jump_ms(), self._clocks.ahead_ms()
        if jump_ms:
            self._say(f"the clock was set by {jump_ms / 1000:+.1f} s")
            if self._store_again_ms:
                self._store_again_ms = self._now_ms()
        for live in self._live.values():
            live.state = live.state.later(jump_ms)
            live.fit(ahead_ms)

    def _sleep_s(self) -> float:
        now_ms = self._now_ms()
        due = [delivery.next_tick_ms(live.terms, live.state) for live in self._live.values()]
        due += [live.ask_at_ms for live in self._live.values() if not live.news.is_set()]
        ahead_ms = self._clocks.ahead_ms()
        opens_ms = self._turns.next_opening_ms(now_ms + ahead_ms)
        due.append(None if opens_ms is None else opens_ms - ahead_ms)
        if self._store_again_ms:
            due = [self._store_again_ms]
        soonest_ms = min((one for one in due if one is not None), default=None)
        if soonest_ms is None:
            return LONGEST_SLEEP_S
        return min(max(soonest_ms - now_ms, 1) / 1000, LONGEST_SLEEP_S)
