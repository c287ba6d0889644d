"""Orders enter one by one in order of time, trades leave at once: continuous matching.

An order takes the best resting orders of the other side, best price first, then the earlier, then
the lower id, each at the resting order's price; what is left rests. An order passes over those of
its own peer, which stay in the book. The continuous double auction of Smith, J. Polit. Econ. 70
(1962), doi:10.1086/258609. Individually rational and budget balanced, but who comes first matters:
welfare is not maximal in general.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from hub.market.merit import id_key
from hub.market.records import BID, Clearing, Match, Order, Trade, check_book, conclude, priced


@dataclass(slots=True)
class _Resting:
    order: Order
    left_uwh: int

    def __lt__(self, other: _Resting) -> bool:
        return self._rank() < other._rank()

    def _rank(self) -> tuple[int, int, tuple[int, str]]:
        price = self.order.price_gwei_per_kwh
        signed = -price if self.order.side == BID else price
        return signed, self.order.placed_at_ms, id_key(self.order.order_id)


def clear_continuous(orders: Sequence[Order]) -> Clearing:
    """Match the orders as they came. Raises MarketRefusal on equal ids."""
    check_book(orders)
    bids: list[_Resting] = []
    offers: list[_Resting] = []
    matches: list[Match] = []
    trades: list[Trade] = []
    for order in sorted(orders, key=lambda o: (o.placed_at_ms, id_key(o.order_id))):
        own, others = (bids, offers) if order.side == BID else (offers, bids)
        incoming = _Resting(order, order.energy_uwh)
        for resting, energy_uwh in _take(incoming, others):
            pair = (order, resting) if order.side == BID else (resting, order)
            matches.append(Match(*pair, energy_uwh))
            trades.append(priced(matches[-1], Fraction(resting.price_gwei_per_kwh)))
        if incoming.left_uwh:
            heapq.heappush(own, incoming)
    return conclude("continuous", orders, matches, trades)


def _take(incoming: _Resting, others: list[_Resting]) -> list[tuple[Order, int]]:
    """Fill the incoming order from the heap of the other side; return whom it met."""
    taken: list[tuple[Order, int]] = []
    passed_over: list[_Resting] = []
    while incoming.left_uwh and others and _agree(incoming.order, others[0].order):
        best = others[0]
        if best.order.peer == incoming.order.peer:
            passed_over.append(heapq.heappop(others))
            continue
        energy_uwh = min(incoming.left_uwh, best.left_uwh)
        taken.append((best.order, energy_uwh))
        incoming.left_uwh -= energy_uwh
        best.left_uwh -= energy_uwh
        if not best.left_uwh:
            heapq.heappop(others)
    for resting in passed_over:
        heapq.heappush(others, resting)
    return taken


def _agree(one: Order, other: Order) -> bool:
    bid, offer = (one, other) if one.side == BID else (other, one)
    return bid.price_gwei_per_kwh >= offer.price_gwei_per_kwh
