"""A book of equal quantities enters, a truthful clearing leaves.

R. P. McAfee, "A dominant strategy double auction", J. Econ. Theory 56 (1992),
doi:10.1016/0022-0531(92)90091-U. With k efficient trades and p = (b_{k+1} + o_{k+1})/2: if p lies
between o_k and b_k, all k trade at p. Otherwise the last pair is left out, buyers pay b_k, sellers
get o_k, and the difference stays with the market. Without a (k+1)-th bid and offer there is no p.

McAfee's theorem is about single units, so books of unequal quantities are refused. It is also
about peers with one order each: a peer with several can gain by shading, and where one is dominant
(merit.py) each of its two markets is cleared on its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from hub.market.amounts import rounded_down
from hub.market.merit import Part, match_fully, match_orders
from hub.market.records import Clearing, MarketRefusal, Match, Order, Trade, check_book, conclude


def clear_mcafee(orders: Sequence[Order]) -> Clearing:
    """Clear so that truth is each single order's best bid.

    Raises MarketRefusal on equal ids and on a book whose orders are not all of one quantity.
    """
    check_book(orders)
    _check_quantities(orders)
    kept: list[Match] = []
    trades: list[Trade] = []
    for part in match_orders(orders):
        matches, buy, sell = _clear_part(part)
        kept += matches
        trades += [_trade(match, buy, sell) for match in matches]
    return conclude("mcafee", orders, kept, trades)


def _check_quantities(orders: Sequence[Order]) -> None:
    for order in orders:
        if order.energy_uwh != orders[0].energy_uwh:
            raise MarketRefusal(
                f"mcafee needs equal quantities: order {order.order_id} has {order.energy_uwh} "
                f"uWh, order {orders[0].order_id} has {orders[0].energy_uwh} uWh; "
                "split the orders into equal ones or use uniform"
            )


def _clear_part(part: Part) -> tuple[list[Match], Fraction, Fraction]:
    """Return who trades, the buyers' price and the sellers' price."""
    efficient = len(part.matches)
    if efficient == 0:
        return [], Fraction(0), Fraction(0)
    lowest_bid = part.bids[efficient - 1].price_gwei_per_kwh
    highest_offer = part.offers[efficient - 1].price_gwei_per_kwh
    if efficient < min(len(part.bids), len(part.offers)):
        next_bid, next_offer = part.bids[efficient], part.offers[efficient]
        price = Fraction(next_bid.price_gwei_per_kwh + next_offer.price_gwei_per_kwh, 2)
        if highest_offer <= price <= lowest_bid:
            return part.matches, price, price
    reduced = match_fully(part.bids[: efficient - 1], part.offers[: efficient - 1])
    return reduced, Fraction(lowest_bid), Fraction(highest_offer)


def _trade(match: Match, buy: Fraction, sell: Fraction) -> Trade:
    bid, offer = match.bid, match.offer
    prices = rounded_down(buy), rounded_down(sell)
    return Trade(bid.order_id, offer.order_id, bid.peer, offer.peer, match.energy_uwh, *prices, buy)
