"""A book and a fee enter, bilateral trades between the best bids and offers leave.

A pair (b, o) is feasible if b - o >= g. The buyer pays (b + o + g)/2 rounded down, the seller gets
that less g: the pair halves its gain after the fee, and the fee of each kWh is exactly g. It is the
midpoint auction of Chatterjee and Samuelson (doi:10.1287/opre.31.5.835) on bids lowered by g, so
the matching maximises welfare less fees.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from hub.market.merit import match_orders
from hub.market.records import Clearing, MarketRefusal, Match, Order, check_book, conclude, priced


def clear_bilateral(orders: Sequence[Order], fee_gwei_per_kwh: int = 0) -> Clearing:
    """Clear in pairs with a fee to the operator, which is the clearing's `surplus_wei`.

    Raises MarketRefusal on equal ids or a negative fee.
    """
    check_book(orders)
    if fee_gwei_per_kwh < 0:
        raise MarketRefusal(f"the fee must not be negative, not {fee_gwei_per_kwh} gwei/kWh")
    parts = match_orders(orders, fee_gwei_per_kwh)
    matches = [match for part in parts for match in part.matches]
    trades = [
        priced(match, halfway(match, fee_gwei_per_kwh), fee_gwei_per_kwh) for match in matches
    ]
    return conclude("bilateral", orders, matches, trades)


def halfway(match: Match, charge_gwei_per_kwh: int) -> Fraction:
    """Return what the buyer pays when both halve the gain after the charge."""
    prices = match.bid.price_gwei_per_kwh + match.offer.price_gwei_per_kwh
    return Fraction(prices + charge_gwei_per_kwh, 2)
