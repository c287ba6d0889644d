"""Clears the books of windows: what peers ordered enters, batches the contract checks leave.

A book's fills are decided once and written down before the first is sent, and every call is kept
before it is sent. So a hub that is killed at any instant goes on where it was, and no book is
cleared twice. What cannot be cleared goes back to its peers from the window's clear-by on.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from eth_account.signers.local import LocalAccount

from hub.chain.client import MarketClient
from hub.chain.records import GRID, ChainUnavailable, ContractRefused, StaleCall
from hub.config_tables import Market
from hub.coordinator import books
from hub.coordinator.kept import KeptCalls
from hub.coordinator.kinds import meets_grid
from hub.market.grid_rest import Rest, grid_rest
from hub.market.records import BID
from hub.rounds import Rounds
from hub.site_clock import wall_ms
from hub.store import Store, WindowRow

MARGIN_S = 1  # block times are whole seconds
RETRY_S = 1.0
LONGEST_SLEEP_S = 10.0
FILLS_PER_CALL = 50
ORDERS_PER_CALL = 200
MOST_PLANS = 3  # of one book: a peer may be suspended while it is cleared

FillArgs = tuple[int, int, int, int]  # bid, offer, uWh, fee


@dataclass(frozen=True)
class Plan:
    """What was decided about a book; `is_given_up`: the contract took no plan for it."""

    number: int
    sell: int
    buy: int
    fills: tuple[FillArgs, ...]
    is_given_up: bool = False

    @classmethod
    def from_state(cls, kept: dict[str, Any]) -> Plan:
        return cls(**{**kept, "fills": tuple(tuple(one) for one in kept["fills"])})

    def batch(self, window_id: int, at: int) -> tuple[Any, ...]:
        """Return the call's argument: the fills from that one on."""
        return (window_id, self.sell, self.buy, list(self.fills[at : at + FILLS_PER_CALL]))


class Clearer:
    """Clears and closes every book between its bid end and its clear-by, until cancelled."""

    def __init__(
        self,
        market: Market,
        store: Store,
        client: MarketClient,
        account: LocalAccount,
        members: dict[str, str],
        say: Callable[[str], None] = lambda text: None,
        now_ms: Callable[[], int] = wall_ms,
        grid: str | None = None,
    ) -> None:
        """`members`: the community of each peer; `grid`: the windows' grid account (addresses)."""
        self._market = market
        self._store = store
        self._client = client
        self._kept = KeptCalls(store, client, account)
        self._members = members
        self._grid = grid
        self._say = say
        self._now_ms = now_ms
        self._rounds = Rounds()
        self._over: set[int] = set()  # cleared or given up, whether the store shows it or not

    def wake(self) -> None:
        """Look again, after events of the chain were applied."""
        self._rounds.wake()

    async def run(self) -> None:
        """Clear what is due until cancelled."""
        await self._rounds.repeat(self._round)

    async def _round(self) -> float:
        all_done = True
        for window in self._due():
            is_over = await self._try(window)
            if is_over:
                self._over.add(window.window_id)
            all_done &= is_over
        return self._sleep_s() if all_done else RETRY_S

    async def _try(self, window: WindowRow) -> bool:
        """Clear a book; False when it must be tried again."""
        try:
            return await asyncio.to_thread(self.clear, window)
        except (ChainUnavailable, StaleCall) as problem:
            self._say(f"clearing of window {window.window_id} waits for the chain: {problem}")
            return False

    def clear(self, window: WindowRow) -> bool:
        """Bring a book as far as it goes; True when nothing is left to do with it."""
        plan = self._plan(window)
        if plan is None:
            return False
        if plan.is_given_up:
            return True
        try:
            self._send_fills(window, plan)
            self._close(window, plan)
        except ContractRefused as refusal:
            return self._plan_anew(window, plan, refusal)
        self._say(
            f"window {window.window_id} is cleared: {len(plan.fills)} trades"
            + (f", sellers get {plan.sell}, buyers pay {plan.buy} gwei/kWh" if plan.sell else "")
        )
        return True

    # What is due --------------------------------------------------------------------------------

    def _books(self) -> list[WindowRow]:
        now_s = self._now_ms() / 1000
        return [
            window
            for window in self._store.live_windows(now_s)
            if window.has_book
            and not window.is_cleared
            and window.window_id not in self._over
            and now_s < window.clear_by_s
        ]

    def _due(self) -> list[WindowRow]:
        now_s = self._now_ms() / 1000
        return [one for one in self._books() if one.bid_end_s + MARGIN_S <= now_s]

    def _sleep_s(self) -> float:
        now_s = self._now_ms() / 1000
        ends = [one.bid_end_s + MARGIN_S - now_s for one in self._books()]
        return max(min([*(end for end in ends if end > 0), LONGEST_SLEEP_S]), 0.05)

    # Plans --------------------------------------------------------------------------------------

    def _plan(self, window: WindowRow) -> Plan | None:
        """Return the plan of a book, decided now if it was not; None while the store lags."""
        kept = self._store.state(_name(window))
        if kept is not None:
            return Plan.from_state(kept)
        return self._decide(window, 1)

    def _decide(self, window: WindowRow, number: int) -> Plan | None:
        cursor = self._store.chain_cursor()
        if cursor is None or cursor[0] < self._client.head()[0]:
            return None  # the frozen book is not all in the store yet
        orders = books.orders_of(
            window,
            self._store.orders(window.window_id),
            self._store.accepted_sellers(),
            self._may_trade(window),
        )
        cleared = books.clear(window, orders, self._market)
        fills = tuple(
            (int(one.bid.order_id), int(one.offer.order_id), one.energy_uwh, 0)
            for one in cleared.fills
        )
        sell, buy = cleared.sell_gwei_per_kwh, cleared.buy_gwei_per_kwh
        if self._grid is not None and meets_grid(self._market.kind):
            rest = grid_rest(orders, cleared, books.rules_of(window, self._market), self._grid)
            fills += tuple(_grid_fill(one) for one in rest.fills)
            sell, buy = rest.sell_gwei_per_kwh, rest.buy_gwei_per_kwh
        plan = Plan(number, sell, buy, fills)
        self._keep(window, plan)
        return plan

    def _may_trade(self, window: WindowRow) -> set[str]:
        """Return the addresses of the peers that may trade in a window."""
        plan = self._store.plan(window.window_id)
        community = None if plan is None else plan.community
        return {
            peer.peer
            for peer in self._store.peers()
            if peer.state == "approved"
            and (community is None or self._members.get(peer.peer) == community)
        }

    def _plan_anew(self, window: WindowRow, plan: Plan, refusal: ContractRefused) -> bool:
        """Decide again; once fills stand, they stay alone, and the book is closed with them."""
        self._say(f"clearing of window {window.window_id} was refused: {refusal}")
        if refusal.error_name == "EnforcedPause":
            return False
        if plan.number >= MOST_PLANS:
            self._keep(window, replace(plan, is_given_up=True))
            self._say(f"window {window.window_id} is not cleared: everything goes back")
            return True
        done = sum(one.window_id == window.window_id for one in self._store.provisional_trades())
        if not done:
            self._decide(window, plan.number + 1)
        else:
            self._keep(window, replace(plan, number=plan.number + 1, fills=()))
        return False

    def _keep(self, window: WindowRow, plan: Plan) -> None:
        self._store.set_state(_name(window), vars(plan))

    # Calls --------------------------------------------------------------------------------------

    def _send_fills(self, window: WindowRow, plan: Plan) -> None:
        for at in range(0, len(plan.fills), FILLS_PER_CALL):
            self._once(f"clear:{window.window_id}:{plan.number}:{at}", "clear",
                       plan.batch(window.window_id, at))  # fmt: skip

    def _close(self, window: WindowRow, plan: Plan) -> None:
        """Go over the book until it is final; that it is already is as good."""
        is_final = False
        for number in itertools.count():
            if is_final:
                return
            key = f"close:{window.window_id}:{plan.number}:{number}"
            try:
                is_final = self._once(key, "close_book", window.window_id, ORDERS_PER_CALL)
            except ContractRefused as refusal:
                if refusal.error_name != "BookFinal":
                    raise
                return

    def _once(self, key: str, function: str, *args: Any) -> bool:
        """Make a call that was not made yet; tell whether it made the book final."""
        if self._kept.is_done(key):
            return False
        receipt = self._kept.execute(key, function, *args)
        self._kept.mark_done(key)
        return any(event.name == "WindowCleared" for event in receipt.events)


def _grid_fill(rest: Rest) -> FillArgs:
    order_id = int(rest.order.order_id)
    ids = (order_id, GRID) if rest.order.side == BID else (GRID, order_id)
    return (*ids, rest.energy_uwh, 0)


def _name(window: WindowRow) -> str:
    return f"clearing:{window.window_id}"
