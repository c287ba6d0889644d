"""Orders that no peer took by the end of their bids enter, the grid's takes of them leave.

In windows without a book peers take each other's orders, and so does the grid, by its own account,
last: from offers at the feed-in tariff or less, of bids at the retail tariff or more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from eth_account.signers.local import LocalAccount

from hub.chain.client import MarketClient
from hub.chain.records import ChainUnavailable, ContractRefused, StaleCall
from hub.config_tables import Market
from hub.rounds import Rounds
from hub.site_clock import wall_ms
from hub.store import OrderRow, Store, WindowRow

LAST_S = 4  # of a window's bids are the grid's, after houses came down to its tariffs
RETRY_S = 1.0
LONGEST_SLEEP_S = 10.0


class GridTaker:
    """Takes what is left of windows that peers trade in by themselves, until cancelled."""

    def __init__(
        self,
        market: Market,
        store: Store,
        client: MarketClient,
        account: LocalAccount,
        say: Callable[[str], None] = lambda text: None,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        """`account`: of the peer whose board stands at the grid's side."""
        self._market = market
        self._store = store
        self._client = client
        self._account = account
        self._say = say
        self._now_ms = now_ms
        self._rounds = Rounds()
        self._done: set[int] = set()

    def wake(self) -> None:
        """Look again, after events of the chain were applied."""
        self._rounds.wake()

    async def run(self) -> None:
        """Take what is left until cancelled."""
        await self._rounds.repeat(self._round)

    async def _round(self) -> float:
        try:
            await asyncio.to_thread(self.take)
        except (ChainUnavailable, StaleCall) as problem:
            self._say(f"the grid's takes wait for the chain: {problem}")
        return self._sleep_s()

    def take(self) -> None:
        """Take all that is due now, each order whole."""
        for window in self._windows():
            if self._now_s() < window.bid_end_s - LAST_S:
                continue
            for order in self._store.open_orders(window.window_id):
                if self._suits(order):
                    self._take(order)

    def _suits(self, order: OrderRow) -> bool:
        if order.peer == self._account.address or order.order_id in self._done:
            return False
        if order.is_offer:
            return order.price_gwei_per_kwh <= self._market.feed_in_gwei_per_kwh
        if order.price_gwei_per_kwh < self._market.retail_gwei_per_kwh:
            return False
        accepted = self._store.accepted_sellers() if order.only_accepted else {}
        return not order.only_accepted or self._account.address in accepted.get(order.peer, ())

    def _take(self, order: OrderRow) -> None:
        """A refusal is final: the order was taken meanwhile, or the grid cannot pay."""
        try:
            self._client.take(
                self._account, order.order_id, order.remaining_uwh, order.price_gwei_per_kwh
            )
        except ContractRefused as refusal:
            self._say(f"the grid does not take order {order.order_id}: {refusal}")
        else:
            self._say(f"nobody took order {order.order_id}: the grid does")
        self._done.add(order.order_id)

    def _windows(self) -> list[WindowRow]:
        now_s = self._now_s()
        return [
            window
            for window in self._store.live_windows(now_s)
            if not window.has_book and window.bid_start_s <= now_s < window.clear_by_s
        ]

    def _sleep_s(self) -> float:
        left_s = [window.bid_end_s - LAST_S - self._now_s() for window in self._windows()]
        return min([LONGEST_SLEEP_S, *(max(one, RETRY_S) for one in left_s)])

    def _now_s(self) -> float:
        return self._now_ms() / 1000
