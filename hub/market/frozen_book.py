"""A frozen book and its rules enter, the fills that a contract will accept leave.

The contract (contracts/src/Clearing.sol) checks every fill and, where a window is strict, that no
better order was skipped and that the price is the one of the rule. What it asks of a clearing is
narrower than what `clearing` computes: no fill is smaller than the window's least, all fills
together fit the segment, a bid may name its sellers, and orders of a high priority class go first.
In a strict book the price ranks first and the class decides between equal prices; elsewhere the
class ranks first. A peer stands on one side of the book, so nobody meets itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hub.market.community import PRICE, Balance, Tariff
from hub.market.records import BID, Order, OrderId

UNIFORM, PAY_AS_BID, MIDPOINT, MCAFEE = "uniform", "pay-as-bid", "midpoint", "mcafee"
NO_PRICE_RULE = 1001


@dataclass(frozen=True)
class BookRules:
    """How a window's book is to be cleared; energies in uWh, prices in gwei/kWh.

    `capacity_uwh` 0: no limit. `k_permille` 1001: no rule, see `community`. `community`: the name
    of a community price, which a uniform book then gets from the tariff; its spread is a fee.
    """

    mechanism: str
    least_uwh: int
    capacity_uwh: int = 0
    k_permille: int = 500
    is_strict: bool = True
    community: str | None = None
    tariff: Tariff | None = None


@dataclass(frozen=True)
class Filled:
    """Energy of one bid and one offer."""

    bid: Order
    offer: Order
    energy_uwh: int


@dataclass(frozen=True)
class FrozenClearing:
    """All fills of a book, and its prices where it has some: what sellers get, what buyers pay."""

    fills: tuple[Filled, ...] = ()
    sell_gwei_per_kwh: int = 0
    buy_gwei_per_kwh: int = 0


def clear_frozen(orders: Sequence[Order], rules: BookRules) -> FrozenClearing:
    """Clear a book; no fills where nobody meets."""
    if rules.community is not None:
        return _clear_community(orders, rules)
    if rules.mechanism == MCAFEE:  # a bid that names its sellers is none of its bids
        orders = [order for order in orders if order.preference.partners is None]
    fills = _match(*_by_rank(orders, rules.is_strict), rules, _meets)
    if rules.mechanism == MCAFEE:
        return _clear_mcafee(orders, fills, rules)
    if not fills or rules.mechanism != UNIFORM:
        return FrozenClearing(tuple(fills))
    low = max(one.offer.price_gwei_per_kwh for one in fills)
    high = min(one.bid.price_gwei_per_kwh for one in fills)
    price = low + (high - low) * rules.k_permille // 1000
    return FrozenClearing(tuple(fills), price, price)


def _meets(bid: Order, offer: Order) -> bool:
    return bid.price_gwei_per_kwh >= offer.price_gwei_per_kwh


def _by_rank(orders: Sequence[Order], is_strict: bool) -> tuple[list[Order], list[Order]]:
    """Return bids and offers, the best first."""

    def rank(order: Order) -> tuple[object, ...]:
        price = order.price_gwei_per_kwh
        merit, first = (-price if order.side == BID else price), -order.preference.priority
        keys = (merit, first) if is_strict else (first, merit)
        return (*keys, order.placed_at_ms, str(order.order_id).zfill(20))

    ranked = sorted(orders, key=rank)
    bids = [order for order in ranked if order.side == BID]
    return bids, [order for order in ranked if order.side != BID]


def _match(
    bids: Sequence[Order],
    offers: Sequence[Order],
    rules: BookRules,
    meets: Callable[[Order, Order], bool],
) -> list[Filled]:
    """Let the best bid meet the best offer until they do not; rests too small are left."""
    left_uwh = {order.order_id: order.energy_uwh for order in (*bids, *offers)}
    room_uwh = rules.capacity_uwh or sum(order.energy_uwh for order in bids)
    fills: list[Filled] = []
    for bid in bids:
        while (left := min(left_uwh[bid.order_id], room_uwh)) >= rules.least_uwh:
            offer = _partner(bid, offers, left_uwh, rules, meets)
            if offer is None:
                break
            energy_uwh = min(left, left_uwh[offer.order_id])
            fills.append(Filled(bid, offer, energy_uwh))
            left_uwh[bid.order_id] -= energy_uwh
            left_uwh[offer.order_id] -= energy_uwh
            room_uwh -= energy_uwh
    return fills


def _partner(
    bid: Order,
    offers: Sequence[Order],
    left_uwh: Mapping[OrderId, int],
    rules: BookRules,
    meets: Callable[[Order, Order], bool],
) -> Order | None:
    """Return the best offer that has enough left and suits the bid.

    A strict book skips no offer: there, a bid that does not accept the best one is left.
    """
    partners = bid.preference.partners
    for offer in offers:
        if left_uwh[offer.order_id] < rules.least_uwh:
            continue
        is_accepted = partners is None or offer.peer in partners
        if is_accepted and offer.peer != bid.peer:
            return offer if meets(bid, offer) else None
        if rules.is_strict:
            return None
    return None


def _clear_mcafee(orders: Sequence[Order], fills: list[Filled], rules: BookRules) -> FrozenClearing:
    """Price all pairs halfway between the next two orders, or leave the last pair out."""
    if not fills:
        return FrozenClearing()
    bids, offers = _by_rank(orders, is_strict=True)
    filled = {one.bid.order_id for one in fills} | {one.offer.order_id for one in fills}
    low = max(one.offer.price_gwei_per_kwh for one in fills)
    high = min(one.bid.price_gwei_per_kwh for one in fills)
    next_bid = next((one for one in bids if one.order_id not in filled), None)
    next_offer = next((one for one in offers if one.order_id not in filled), None)
    if next_bid is not None and next_offer is not None:
        twice = next_bid.price_gwei_per_kwh + next_offer.price_gwei_per_kwh
        if 2 * low <= twice <= 2 * high:
            return FrozenClearing(tuple(fills), twice // 2, twice // 2)
    # Orders are of one quantity and met in the order of their ranks: the last pair is the worst.
    kept = fills[:-1]
    return FrozenClearing(tuple(kept), low, high) if kept else FrozenClearing()


def _clear_community(orders: Sequence[Order], rules: BookRules) -> FrozenClearing:
    """Clear at the community's prices, which follow from what is offered and wanted in it.

    Orders that these prices do not suit take no part, neither in the fills nor in the prices.
    """
    assert rules.tariff is not None and rules.community is not None
    taking = list(orders)
    while True:
        bids, offers = _by_rank(taking, is_strict=False)
        wanted_uwh = sum(order.energy_uwh for order in bids)
        offered_uwh = sum(order.energy_uwh for order in offers)
        if not wanted_uwh or not offered_uwh:
            return FrozenClearing()
        prices = PRICE[rules.community](Balance(offered_uwh, wanted_uwh), rules.tariff)
        sell, buy = prices.sell_gwei_per_kwh, prices.buy_gwei_per_kwh
        suited = [
            order
            for order in taking
            if (order.price_gwei_per_kwh >= buy if order.side == BID
                else order.price_gwei_per_kwh <= sell)
        ]  # fmt: skip
        if len(suited) == len(taking):
            break
        taking = suited
    fills = _match(bids, offers, rules, lambda bid, offer: True)
    return FrozenClearing(tuple(fills), sell, buy) if fills else FrozenClearing()
