"""Orders of peers: validated requests in, orders and trades on the chain out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub import amounts
from hub.services import window_records
from hub.services.choosing import Choosing
from hub.services.order_rules import (
    Refused,
    check_limit,
    check_not_frozen,
    check_part,
    check_terms,
)
from hub.store import OrderRow


class Ordering(Choosing):
    """What a peer may do with orders. Amounts are integers; every refusal is a TruequeError."""

    def post_offer(self, peer_name: str, energy_uwh: int, price_gwei_per_kwh: int) -> int:
        """Offer energy in the open window; return the order's id. Raises TruequeError."""
        return self._post(peer_name, energy_uwh, price_gwei_per_kwh, self._client.offer)

    def post_bid(self, peer_name: str, energy_uwh: int, price_gwei_per_kwh: int) -> int:
        """Ask for energy; its cost is locked. Return the order's id. Raises TruequeError."""
        return self._post(peer_name, energy_uwh, price_gwei_per_kwh, self._client.bid)

    def post_bid_from_accepted(
        self, peer_name: str, energy_uwh: int, price_gwei_per_kwh: int
    ) -> int:
        """Ask for energy of the sellers alone that `accept_only` named. Raises TruequeError."""
        send = self._client.bid_from_accepted
        return self._post(peer_name, energy_uwh, price_gwei_per_kwh, send)

    def _post(
        self,
        peer_name: str,
        energy_uwh: int,
        price_gwei_per_kwh: int,
        send: Callable[[Any, int, int, int], int],
    ) -> int:
        account = self._account(peer_name)
        energy_uwh = amounts.check_energy_uwh(energy_uwh)
        price = amounts.check_price_gwei_per_kwh(price_gwei_per_kwh)
        window = self.window_now(peer_name)
        if window is None or window_records.phase_of(window, self.now_s()) != "bids":
            raise Refused("No window accepts orders at the moment.")
        check_terms(window, energy_uwh, price)
        if send != self._client.offer:  # a bid locks its cost
            self._check_money(peer_name, energy_uwh * price)
        order_id = send(account, window.window_id, energy_uwh, price)
        self._wait_for(lambda: self.has_order(order_id))
        return order_id

    def take(
        self,
        peer_name: str,
        order_id: int,
        energy_uwh: int | None = None,
        limit_gwei_per_kwh: int | None = None,
    ) -> int:
        """Take an order of another peer, all that is left without `energy_uwh`.

        The trade is at the order's price, which `limit_gwei_per_kwh` may bound. Returns the
        trade's id; raises TruequeError.
        """
        account = self._account(peer_name)
        order = self._open_order(order_id)
        if order.peer == account.address:
            raise Refused("That is your own order; cancel it instead.")
        self._check_joined(account, order)
        if not self._is_open_to(order, account.address):
            raise Refused("That house buys of producers that it chose; yours is none of them.")
        window = self._takeable(order)
        left_uwh = order.remaining_uwh
        energy_uwh = left_uwh if energy_uwh is None else amounts.check_energy_uwh(energy_uwh)
        check_part(energy_uwh, left_uwh, window.min_energy_uwh)
        limit = limit_gwei_per_kwh or order.price_gwei_per_kwh
        check_limit(order, limit)
        if order.is_offer:
            self._check_money(peer_name, energy_uwh * order.price_gwei_per_kwh)
        trade_id = self._client.take(account, order_id, energy_uwh, limit)
        self._wait_for(lambda: self.has_trade(trade_id))
        return trade_id

    def cancel(self, peer_name: str, order_id: int) -> None:
        """Withdraw one's own open order; a bid's money is free again. Raises TruequeError."""
        account = self._account(peer_name)
        order = self._open_order(order_id)
        if order.peer != account.address:
            raise Refused("Only the house that placed an order can cancel it.")
        window = self._store.window(order.window_id)
        if window is not None and window.has_book:
            check_not_frozen(window, self.now_s())
        self._client.cancel(account, order_id)
        self._wait_for(lambda: all(o.order_id != order_id for o in self._open_of(order)))

    def _open_of(self, order: OrderRow) -> list[OrderRow]:
        return self._store.open_orders(order.window_id)
