"""A book enters, the same book with its margin shared pro rata leaves.

Where the last matched price level of one side has more energy than is left for it, the first come
take it all by default. Here each order of that level keeps the share of its energy that fits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from hub.market.amounts import apportion
from hub.market.merit import match_orders, merit_order
from hub.market.records import Order, OrderId


def ration_margin(orders: Sequence[Order]) -> list[Order]:
    """Return the orders with the energy of tied marginal ones cut to their share.

    Energy and welfare matched stay the same. An order cut to nothing is left out. A book with a
    dominant peer (merit.py) is returned as it is: there the order of time decides.
    """
    parts = match_orders(orders)
    if len(parts) != 1 or not parts[0].matches:
        return list(orders)
    matched_uwh: dict[OrderId, int] = defaultdict(int)
    for match in parts[0].matches:
        matched_uwh[match.bid.order_id] += match.energy_uwh
        matched_uwh[match.offer.order_id] += match.energy_uwh
    lowest_bid = min(match.bid.price_gwei_per_kwh for match in parts[0].matches)
    highest_offer = max(match.offer.price_gwei_per_kwh for match in parts[0].matches)
    allowed_uwh = {order.order_id: order.energy_uwh for order in orders}
    for side, price in zip(merit_order(orders), (lowest_bid, highest_offer), strict=True):
        level = [order for order in side if order.price_gwei_per_kwh == price]
        total_uwh = sum(matched_uwh[order.order_id] for order in level)
        shares = apportion(total_uwh, [order.energy_uwh for order in level])
        allowed_uwh.update(
            (order.order_id, share) for order, share in zip(level, shares, strict=True)
        )
    rationed = [
        replace(order, energy_uwh=allowed_uwh[order.order_id])
        for order in orders
        if allowed_uwh[order.order_id]
    ]
    return rationed if len(match_orders(rationed)) == 1 else list(orders)
