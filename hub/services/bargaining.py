"""Counter-offers of peers and reviews of the coordinator: requests in, the contract's word out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub import amounts
from hub.coordinator.approval import pending, rejection_name
from hub.services.acting import Acting
from hub.services.order_rules import Refused, check_part
from hub.store import CounterRow, OrderRow

REJECTED_BY_HAND = "The coordinator rejected it."


class Bargaining(Acting):
    """Other terms for an order, until both sides agree; and orders that wait for approval."""

    def counters_to(self, peer_name: str) -> list[tuple[bool, str, CounterRow]]:
        """Return the counter-offers that a peer may accept: whether it would sell, to or from whom,
        and the terms."""
        address, names = self._account(peer_name).address, self._names()
        counters = self._store.counters()
        orders = self._store.orders_by_id(one.order_id for one in counters)
        found = []
        for one in counters:
            order = orders[one.order_id]
            is_maker = order.peer == address
            is_asked = one.peer == address if one.is_makers else is_maker
            if is_asked and order.remaining_uwh >= one.energy_uwh:
                other = one.peer if is_maker else order.peer
                found.append((order.is_offer == is_maker, names.get(other, other), one))
        return found

    def counter(self, peer_name: str, order_id: int, energy_uwh: int, price: int) -> int:
        """Answer another peer's order with other terms; return the counter-offer's id.

        A peer that would buy locks their cost. Raises TruequeError.
        """
        account, order = self._account(peer_name), self._open_order(order_id)
        if order.peer == account.address:
            raise Refused("That is your own order; change it by cancelling and posting anew.")
        self._check_joined(account, order)
        energy_uwh, price = self._check_answer(order, energy_uwh, price)
        if order.is_offer:
            self._check_money(peer_name, energy_uwh * price)
        counter_id = self._client.counter(account, order_id, energy_uwh, price)
        self._wait_for(lambda: self._stands(counter_id))
        return counter_id

    def counter_again(self, peer_name: str, counter_id: int, energy_uwh: int, price: int) -> None:
        """Replace a counter-offer's terms by the peer's own. Raises TruequeError."""
        account, standing = self._account(peer_name), self._standing(counter_id)
        order = self._open_order(standing.order_id)
        self._check_side(account, standing, order)
        energy_uwh, price = self._check_answer(order, energy_uwh, price)
        self._client.counter_again(account, counter_id, energy_uwh, price)
        self._wait_for(lambda: self._standing(counter_id) != standing)

    def accept(self, peer_name: str, counter_id: int) -> int:
        """Trade at the other side's terms as they stand; return the trade's id."""
        account, standing = self._account(peer_name), self._standing(counter_id)
        order = self._open_order(standing.order_id)
        self._check_side(account, standing, order)
        if self._is_own_word(account.address, standing):
            raise Refused("These are your own terms; the other side has to accept them.")
        trade_id = self._client.accept(
            account, counter_id, standing.energy_uwh, standing.price_gwei_per_kwh
        )
        self._wait_for(lambda: self.has_trade(trade_id))
        return trade_id

    def withdraw_counter(self, peer_name: str, counter_id: int) -> None:
        """End a counter-offer, as either side may; its lock is free. Raises TruequeError."""
        account, standing = self._account(peer_name), self._standing(counter_id)
        self._client.withdraw_counter(account, standing.counter_id)
        self._wait_for(lambda: not self._stands(counter_id))

    # The coordinator ------------------------------------------------------------------------

    def pending_orders(self) -> list[OrderRow]:
        """Return the orders that wait for the coordinator's approval, oldest first."""
        return pending(self._store, self.now_s())

    def rejection(self, order_id: int) -> str | None:
        """Return why the coordinator rejected an order, None when it did not."""
        reason: str | None = self._store.state(rejection_name(order_id))
        return reason

    def review(self, order_ids: Sequence[int], is_approved: bool) -> None:
        """Approve or reject orders by hand. Raises TruequeError."""
        waiting = {order.order_id for order in self.pending_orders()}
        missing = [str(one) for one in order_ids if one not in waiting]
        if missing or not order_ids:
            raise Refused(f"No approval is waited for by order {', '.join(missing) or '(none)'}.")
        if not is_approved:
            for order_id in order_ids:
                self._store.set_state(rejection_name(order_id), REJECTED_BY_HAND)
        self._client.review(self._keys.coordinator, list(order_ids), is_approved)
        self._wait_for(lambda: not waiting & {one.order_id for one in self.pending_orders()})

    # ----------------------------------------------------------------------------------------

    def _check_answer(self, order: OrderRow, energy_uwh: int, price: int) -> tuple[int, int]:
        energy_uwh = amounts.check_energy_uwh(energy_uwh)
        price = amounts.check_price_gwei_per_kwh(price)
        window = self._takeable(order)
        check_part(energy_uwh, order.remaining_uwh, window.min_energy_uwh)
        return energy_uwh, price

    def _stands(self, counter_id: int) -> bool:
        return any(one.counter_id == counter_id for one in self._store.counters())

    def _standing(self, counter_id: int) -> CounterRow:
        found = next((one for one in self._store.counters() if one.counter_id == counter_id), None)
        if found is None:
            raise Refused("That counter-offer does not stand any more.")
        return found

    def _check_side(self, account: Any, standing: CounterRow, order: OrderRow) -> None:
        if account.address not in (standing.peer, order.peer):
            raise Refused("That counter-offer is between two other houses.")

    @staticmethod
    def _is_own_word(address: str, standing: CounterRow) -> bool:
        return standing.is_makers != (address == standing.peer)
