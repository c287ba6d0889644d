"""A community's cleared book enters, what the grid takes of it leaves: at feed-in and retail. Pure.

The grid takes what is left, so it stands on one side of a book: it buys when no bid is left that
the book's price would have served, and sells when no such offer is. The contract checks that
(contracts/src/SkippedOrders.sol). It meets orders at its own price only, as those of houses are
that take part at whatever price their community gets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.market.frozen_book import BookRules, FrozenClearing
from hub.market.records import BID, Order, OrderId


@dataclass(frozen=True)
class Rest:
    """What the grid takes of one order: it sells to a bid, buys from an offer."""

    order: Order
    energy_uwh: int


@dataclass(frozen=True)
class GridRest:
    """What the grid takes, and the book's prices: the grid's where no two peers met."""

    fills: tuple[Rest, ...]
    sell_gwei_per_kwh: int
    buy_gwei_per_kwh: int


def grid_rest(
    orders: Sequence[Order], cleared: FrozenClearing, rules: BookRules, grid: str
) -> GridRest:
    """Return what the grid, a peer of that name, takes of a book after its peers' fills."""
    sell, buy = cleared.sell_gwei_per_kwh, cleared.buy_gwei_per_kwh
    if rules.tariff is None:
        return GridRest((), sell, buy)
    left_uwh = {order.order_id: order.energy_uwh for order in orders}
    for fill in cleared.fills:
        left_uwh[fill.bid.order_id] -= fill.energy_uwh
        left_uwh[fill.offer.order_id] -= fill.energy_uwh
    price_for_offers = sell if cleared.fills else rules.tariff.retail
    left = [order for order in orders if left_uwh[order.order_id] >= rules.least_uwh]
    free = [order for order in left if order.preference.partners is None]
    bid_waits = any(one.side == BID and one.price_gwei_per_kwh >= buy for one in free)
    offer_waits = any(
        one.side != BID and one.price_gwei_per_kwh <= price_for_offers for one in free
    )
    feed_in, retail = max(rules.tariff.feed_in, 1), rules.tariff.retail
    if bid_waits and offer_waits:  # nobody may trade with the grid while peers could
        return GridRest((), sell, buy)
    takes_bids = not offer_waits
    price = retail if takes_bids else feed_in
    willing = [
        order
        for order in left
        if (order.side == BID) == takes_bids
        and order.price_gwei_per_kwh == price
        and order.peer != grid
        and (order.preference.partners is None or grid in order.preference.partners)
    ]
    room_uwh = rules.capacity_uwh or sum(order.energy_uwh for order in orders)
    room_uwh -= sum(fill.energy_uwh for fill in cleared.fills)
    fills = _take(willing, left_uwh, room_uwh, rules.least_uwh)
    if fills and not cleared.fills:
        sell = buy = price
    return GridRest(tuple(fills), sell, buy)


def _take(
    willing: Sequence[Order], left_uwh: Mapping[OrderId, int], room_uwh: int, least_uwh: int
) -> list[Rest]:
    """Take the orders of the highest class first, then the oldest, as far as the bus has room."""
    fills = []
    by_class = sorted(willing, key=lambda one: (-one.preference.priority, one.placed_at_ms))
    for order in by_class:
        energy_uwh = min(left_uwh[order.order_id], room_uwh)
        if energy_uwh >= least_uwh:
            fills.append(Rest(order, energy_uwh))
            room_uwh -= energy_uwh
    return fills
