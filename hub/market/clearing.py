"""Sealed order books enter, clearings leave: uniform price, pay-as-bid and midpoint.

All three trade the same welfare-maximal, self-trade-free matching (merit.py) and differ in price.
With (b, o) the prices of a matched bid and offer:
- uniform: p = k b + (1 - k) o of the last matched pair, the k-double auction of Satterthwaite and
  Williams, "Bilateral trade with the sealed bid k-double auction", J. Econ. Theory 48 (1989),
  doi:10.1016/0022-0531(89)90121-X;
- pay-as-bid: each trade at its own bid; midpoint: each at (b + o)/2, the discriminatory k-double
  auction at k = 1/2 (Chatterjee and Samuelson, Oper. Res. 31 (1983), doi:10.1287/opre.31.5.835).
Fractions are rounded down, which keeps every price between offer and bid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from hub.market.bilateral import clear_bilateral
from hub.market.continuous import clear_continuous
from hub.market.mcafee import clear_mcafee
from hub.market.merit import match_orders
from hub.market.rationing import ration_margin
from hub.market.records import (
    HALF,
    Clearing,
    MarketRefusal,
    Match,
    Order,
    check_book,
    conclude,
    priced,
)

FINEST_K = 1_000_000


def check_k(k: Fraction) -> None:
    """Raise MarketRefusal unless k is between 0 and 1 with a denominator of at most 10^6."""
    if not 0 <= k <= 1 or k.denominator > FINEST_K:
        raise MarketRefusal(f"k must be between 0 and 1, in steps of 1/{FINEST_K:,}, not {k}")


def clear_uniform(orders: Sequence[Order], k: Fraction = HALF) -> Clearing:
    """Clear at one price for all. Raises MarketRefusal on equal ids or k outside 0 to 1.

    Where a peer is dominant (merit.py) its two markets may have no price in common: then each has
    its own, and the clearing's `price_exact` is None.
    """
    return _clear_at_one_price(orders, orders, k)


def clear_pro_rata(orders: Sequence[Order], k: Fraction = HALF) -> Clearing:
    """Clear at one price like `clear_uniform`, but orders tied at the margin share it pro rata."""
    return _clear_at_one_price(orders, ration_margin(orders), k)


def uniform_price(part: Sequence[Match], k: Fraction) -> Fraction:
    """Return k b + (1 - k) o of the lowest bid and the highest offer matched (0 without any)."""
    if not part:
        return Fraction(0)
    lowest_bid, highest_offer = _last_pair(part)
    return k * lowest_bid + (1 - k) * highest_offer


def clear_pay_as_bid(orders: Sequence[Order]) -> Clearing:
    """Clear with every trade at its bid. Raises MarketRefusal on equal ids."""
    return _clear_each("pay-as-bid", orders, lambda bid, offer: Fraction(bid))


def clear_midpoint(orders: Sequence[Order]) -> Clearing:
    """Clear with every trade halfway between its bid and offer. Raises MarketRefusal on equal ids.

    Who meets whom decides the prices here: the best bid meets the best offer.
    """
    return _clear_each("midpoint", orders, lambda bid, offer: Fraction(bid + offer, 2))


CLEAR: dict[str, Callable[[Sequence[Order]], Clearing]] = {
    "uniform": clear_uniform,
    "pay-as-bid": clear_pay_as_bid,
    "midpoint": clear_midpoint,
    "mcafee": clear_mcafee,
    "bilateral": clear_bilateral,
    "continuous": clear_continuous,
}
"""Every mechanism with its defaults, by the name that the command line and scenarios use."""


def _clear_at_one_price(
    orders: Sequence[Order], admitted: Sequence[Order], k: Fraction
) -> Clearing:
    """Clear the orders admitted; what they leave over of `orders` is unmatched."""
    check_book(orders)
    check_k(k)
    parts = [part.matches for part in match_orders(admitted)]
    matches = [match for part in parts for match in part]
    if _have_common_price(matches):
        parts = [matches]
    trades = []
    for part in parts:
        price = uniform_price(part, k)
        trades += [priced(match, price) for match in part]
    return conclude("uniform", orders, matches, trades)


def _clear_each(
    mechanism: str, orders: Sequence[Order], price: Callable[[int, int], Fraction]
) -> Clearing:
    check_book(orders)
    matches = [match for part in match_orders(orders) for match in part.matches]
    trades = [
        priced(match, price(match.bid.price_gwei_per_kwh, match.offer.price_gwei_per_kwh))
        for match in matches
    ]
    return conclude(mechanism, orders, matches, trades)


def _last_pair(matches: Sequence[Match]) -> tuple[int, int]:
    lowest_bid = min(match.bid.price_gwei_per_kwh for match in matches)
    return lowest_bid, max(match.offer.price_gwei_per_kwh for match in matches)


def _have_common_price(matches: Sequence[Match]) -> bool:
    if not matches:
        return False
    lowest_bid, highest_offer = _last_pair(matches)
    return lowest_bid >= highest_offer
