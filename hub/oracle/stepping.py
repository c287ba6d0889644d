"""One step of an attempt: an event enters, the journal is written, then its actions are done.

What the store cannot take waits, in its order, and no lease is sent meanwhile; only opening needs
nobody's leave.
"""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hub.config_tables import Bus
from hub.errors import StoreError
from hub.mqtt.dispatch import Dispatch
from hub.mqtt.node_watch import NodeWatch
from hub.oracle import attempts, delivery, records
from hub.oracle.attempts import Attempt
from hub.oracle.clocks import Clocks
from hub.oracle.reporting import Reporting
from hub.oracle.settlement import LATE, Settlement
from hub.oracle.turns import Turns
from hub.patience import passes
from hub.site_clock import steady_ms, wall_ms
from hub.store import Store

STORE_PAUSE_MS = 1_000
CLOSED_STATES = ("settled", "refunded", "disputed")


@dataclass(frozen=True)
class OracleParts:
    """What the oracle works with."""

    store: Store
    settlement: Settlement
    dispatch: Dispatch
    watch: NodeWatch
    domain: bytes  # the contract's own, in delivery ids
    epoch: int
    bus: Bus
    may_grant: Callable[[], bool] = lambda: True  # the panel: nothing stopped, contactors closed
    may_serve: Callable[[str], bool] = lambda node: True  # a node: it is not in quarantine
    chain_ahead_ms: Callable[[], int] = lambda: 0


class Stepping(abc.ABC):
    """The attempts under way, and how one of them is moved on."""

    def __init__(
        self,
        parts: OracleParts,
        say: Callable[[str], None] = lambda text: None,
        now_ms: Callable[[], int] = wall_ms,
        steady_ms: Callable[[], int] = steady_ms,
    ) -> None:
        self._parts = parts
        self._store = parts.store
        self._say = say
        self._now_ms = now_ms
        self._clocks = Clocks(now_ms, steady_ms, parts.chain_ahead_ms)
        self._store_again_ms = 0  # no grants and no writing again before that
        self._has_said_wait = False  # once for each time the store is away
        self._is_behind = False  # a look at the trades is due: one was cut short
        self._reporting = Reporting(parts.settlement, parts.bus, say, now_ms)
        self._turns = Turns()
        self._live: dict[str, Attempt] = {}
        self._left_out: set[int] = set()
        self._reports: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._is_ending = False

    def _apply(self, live: Attempt, event: records.Event) -> None:
        before = live.state
        state, actions = delivery.step(live.terms, before, event)
        if live.waiting:  # behind what the store has not taken yet
            self._postpone(live, event, actions)
            return
        if state == before and not actions:
            return
        live.state = state
        try:
            if attempts.is_milestone(before, state):
                attempts.journal(self._store, live, before, self._now_ms())
        except StoreError as problem:
            live.state = before
            self._wait_for_store(problem)
            self._postpone(live, event, actions)
            return
        for action in actions:
            self._act(live, action)
        if state.phase in records.FINISHED:
            self._live.pop(live.ticket.delivery_id, None)
            self._turns.release(live.ticket.delivery_id)
            live.news.set()
        self._wake.set()

    def _postpone(
        self, live: Attempt, event: records.Event, actions: Iterable[records.Action]
    ) -> None:
        """Keep an event until the store takes what it changes; open what it would open now."""
        for action in actions:
            if isinstance(action, records.Open):
                self._act(live, action)
        if isinstance(event, records.Granted):  # asked for anew once the store is back
            self._turns.release(live.ticket.delivery_id)
            self._turns.enqueue(live.ticket)
        elif not isinstance(event, records.Tick):
            live.waiting.append(event)

    def _fall_behind(self, problem: StoreError) -> None:
        """Look at the trades again once the store is back. Raises what no waiting helps against."""
        if not passes(problem):
            raise problem
        self._is_behind = True
        self._wait_for_store(problem)

    def _wait_for_store(self, problem: StoreError) -> None:
        if not self._has_said_wait:
            self._say(f"deliveries wait for the store, relays open meanwhile: {problem}")
        self._has_said_wait = True
        for live in self._live.values():
            for role in records.ROLES:
                if live.state.has_turn:  # nothing may stay closed that cannot be journaled
                    self._parts.dispatch.open(live.node(role), live.ticket.delivery_id)
        self._store_again_ms = self._now_ms() + STORE_PAUSE_MS
        self._wake.set()

    def _act(self, live: Attempt, action: records.Action) -> None:
        name, dispatch = live.ticket.delivery_id, self._parts.dispatch
        if isinstance(action, records.Lease):
            dispatch.lease(live.node(action.role), name, action.counterparty_uwh)
        elif isinstance(action, records.Close):
            limits = live.limits(self._parts.bus, action.role, self._now_ms())
            dispatch.close(live.node(action.role), name, action.role, limits)
        elif isinstance(action, records.Open):
            dispatch.open(live.node(action.role), name)
        elif isinstance(action, records.ReleaseTurn):
            self._turns.release(name)
        elif isinstance(action, records.Report):
            task = asyncio.create_task(self._report(live, action), name=f"report {name}")
            self._reports.add(task)
            task.add_done_callback(self._reports.discard)
        elif isinstance(action, records.Retry):
            try:
                self._retry(live)
            except StoreError as problem:
                self._fall_behind(problem)
        else:
            self._say(
                f"trade {live.ticket.trade_id} was not reported by both meters"
                f" ({live.state.reason or 'a signature is missing'}): what one reported alone is"
                " paid after report-by, the rest refunded"
            )

    async def _report(self, live: Attempt, report: records.Report) -> None:
        word = await self._reporting.report(live, report)
        now_ms = self._now_ms()
        if word == LATE:
            self._apply(live, records.ReportRefused(now_ms))
        elif word is not None:
            self._apply(live, records.ReportTaken(now_ms))
            self._close_if_settled(live)  # the event may have come before the receipt

    def _tell_reports(self, node: str) -> None:
        """A signature of that node came; it may be that of an earlier attempt."""
        for live in self._live.values():
            if node in live.ticket.nodes:
                live.news.set()

    @abc.abstractmethod
    def _retry(self, live: Attempt) -> None:
        """Open the trade's next attempt."""

    def _close_if_settled(self, live: Attempt) -> None:
        try:
            trade = self._store.trade(live.ticket.trade_id)
        except StoreError as problem:
            self._fall_behind(problem)
            return
        if trade is not None and trade.state in CLOSED_STATES:
            self._apply(live, records.Settled(self._now_ms()))
