"""Orders that wait for the coordinator enter, its approvals and rejections leave.

On a site with automatic approval a rule decides at once; with manual approval a person does, on
the page or with `trueque hub review`. A rejection's reason stays in the store for the page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from eth_account.signers.local import LocalAccount

from hub import amounts
from hub.chain.client import MarketClient
from hub.chain.records import ChainUnavailable, ContractRefused, StaleCall
from hub.config_tables import Market
from hub.rounds import Rounds
from hub.site_clock import wall_ms
from hub.store import OrderRow, StatusRow, Store

SILENT_MS = 10_000  # five of a board's statuses
RETRY_S = 1.0
LONGEST_SLEEP_S = 30.0
ORDERS_PER_CALL = 50


def objection(order: OrderRow, market: Market, heard_ms_ago: int | None) -> str | None:
    """Return why the rule rejects an order, as a sentence; None: it approves.

    `heard_ms_ago`: since the last status of the peer's board, None when there was none.
    """
    low, high = market.feed_in_gwei_per_kwh, market.retail_gwei_per_kwh
    if not low <= order.price_gwei_per_kwh <= high:
        return (
            f"Its price of {amounts.price_text(order.price_gwei_per_kwh)} is not between the "
            f"grid's {amounts.price_text(low)} and {amounts.price_text(high)}."
        )
    if heard_ms_ago is None or heard_ms_ago > SILENT_MS:
        return "Its house's board is silent, so nothing could be delivered."
    return None


def pending(store: Store, now_s: float) -> list[OrderRow]:
    """Return the open orders that wait for the coordinator, oldest first."""
    windows = [
        window.window_id
        for window in store.live_windows(now_s)
        if window.needs_approval and now_s < window.clear_by_s
    ]
    found = [order for window_id in windows for order in store.open_orders(window_id)]
    return sorted(
        (order for order in found if not order.is_approved), key=lambda order: order.order_id
    )


def rejection_name(order_id: int) -> str:
    """Return under which name the store keeps why an order was rejected."""
    return f"rejection:{order_id}"


class Reviewer:
    """Reviews pending orders by the rule, until cancelled. Twice does nothing: the contract
    reviews an order once."""

    def __init__(
        self,
        market: Market,
        store: Store,
        client: MarketClient,
        account: LocalAccount,
        node_of: Mapping[str, str],
        say: Callable[[str], None] = lambda text: None,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        """`node_of`: the board of each peer (address)."""
        self._market = market
        self._store = store
        self._client = client
        self._account = account
        self._node_of = node_of
        self._say = say
        self._now_ms = now_ms
        self._rounds = Rounds()

    def wake(self) -> None:
        """Look again, after events of the chain were applied."""
        self._rounds.wake()

    async def run(self) -> None:
        """Review what is pending until cancelled."""
        await self._rounds.repeat(self._round)

    async def _round(self) -> float:
        try:
            all_done = await asyncio.to_thread(self.review)
        except (ChainUnavailable, StaleCall) as problem:
            self._say(f"reviewing orders waits for the chain: {problem}")
            all_done = False
        return LONGEST_SLEEP_S if all_done else RETRY_S

    def review(self) -> bool:
        """Review what is pending now; False when some must be looked at again."""
        waiting = pending(self._store, self._now_ms() / 1000)
        statuses = self._store.latest_statuses()
        verdicts = {
            order.order_id: objection(order, self._market, self._heard_ms_ago(order, statuses))
            for order in waiting
        }
        for order_id, reason in verdicts.items():
            if reason is not None:
                self._store.set_state(rejection_name(order_id), reason)
                self._say(f"order {order_id} is rejected: {reason}")
        approved = [order_id for order_id, reason in verdicts.items() if reason is None]
        rejected = [order_id for order_id, reason in verdicts.items() if reason is not None]
        return self._send(approved, True) & self._send(rejected, False)

    def _heard_ms_ago(self, order: OrderRow, statuses: Mapping[str, StatusRow]) -> int | None:
        status = statuses.get(self._node_of.get(order.peer, ""))
        return None if status is None else self._now_ms() - status.received_at_ms

    def _send(self, order_ids: list[int], is_approved: bool) -> bool:
        """Send reviews; a refusal means that an order was cancelled or reviewed meanwhile."""
        for at in range(0, len(order_ids), ORDERS_PER_CALL):
            try:
                self._client.review(
                    self._account, order_ids[at : at + ORDERS_PER_CALL], is_approved
                )
            except ContractRefused as refusal:
                self._say(f"a review was refused and is done again: {refusal}")
                return False
        return True
