"""Welfare is that of a linear programme that knows only limits and who may not meet whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.optimize import linprog

from hub.market.bilateral import clear_bilateral
from hub.market.clearing import clear_midpoint, clear_pay_as_bid, clear_uniform
from hub.market.merit import match_orders
from hub.market.records import BID, Clearing, Order
from tests.host.market.books import assert_lawful, order, random_books
from tests.host.thorough import examples


def linear_programme(orders: Sequence[Order], charge: int = 0) -> tuple[float, float]:
    """Return the greatest welfare less charges, and the most energy that reaches it."""
    bids = [one for one in orders if one.side == BID]
    offers = [one for one in orders if one.side != BID]
    pairs = [
        (at, to)
        for at, bid in enumerate(bids)
        for to, offer in enumerate(offers)
        if bid.peer != offer.peer
    ]
    if not pairs:
        return 0.0, 0.0
    gain = np.array(
        [bids[i].price_gwei_per_kwh - offers[j].price_gwei_per_kwh - charge for i, j in pairs]
    )
    limits = np.zeros((len(bids) + len(offers), len(pairs)))
    for column, (at, to) in enumerate(pairs):
        limits[at, column] = limits[len(bids) + to, column] = 1
    room = np.array([one.energy_uwh for one in bids + offers])
    best = linprog(-gain, A_ub=limits, b_ub=room, method="highs")
    # Small enough to choose among optima and too small to leave them: prices are integers.
    most = linprog(-gain - 1e-4, A_ub=limits, b_ub=room, method="highs")
    return -best.fun, float(most.x.sum())


@pytest.mark.parametrize("clear", [clear_uniform, clear_pay_as_bid, clear_midpoint])
@given(orders=random_books())
@settings(max_examples=examples(150))
def test_welfare_and_energy_are_maximal_when_peers_hold_both_sides(
    clear: Callable[[Sequence[Order]], Clearing], orders: list[Order]
) -> None:
    clearing = clear(orders)
    welfare, energy = linear_programme(orders)
    assert clearing.welfare_wei == pytest.approx(welfare)
    assert clearing.energy_uwh == pytest.approx(energy, abs=1e-6)


@given(random_books(most=16, peers=2))
def test_welfare_is_maximal_when_two_peers_hold_the_book(orders: list[Order]) -> None:
    assert clear_uniform(orders).welfare_wei == pytest.approx(linear_programme(orders)[0])


@given(random_books(most=40, peers=30))
def test_welfare_is_maximal_when_books_are_larger(orders: list[Order]) -> None:
    assert clear_uniform(orders).welfare_wei == pytest.approx(linear_programme(orders)[0])


@given(random_books())
def test_welfare_less_fees_is_maximal_when_trades_are_bilateral(orders: list[Order]) -> None:
    clearing = clear_bilateral(orders, 2)
    assert_lawful(orders, clearing)
    welfare, energy = linear_programme(orders, charge=2)
    assert clearing.welfare_wei - clearing.surplus_wei == pytest.approx(welfare)
    assert clearing.energy_uwh == pytest.approx(energy, abs=1e-6)


def test_uniform_exchanges_partners_when_the_best_pair_is_one_peer() -> None:
    # In merit order A would sell to itself. A's bid meets C and B's bid meets A instead: the same
    # four accepted orders, welfare (30 - 15) + (25 - 10) = 30, price (25 + 15)/2.
    orders = [order("B1", "A", 1, 30), order("B2", "B", 1, 25)]
    orders += [order("S1", "A", 1, 10), order("S2", "C", 1, 15)]
    clearing = clear_uniform(orders)
    assert [(t.bid, t.offer) for t in clearing.trades] == [("B1", "S2"), ("B2", "S1")]
    assert clearing.welfare_wei == 30
    assert clearing.price_exact == 20


def test_uniform_has_two_prices_when_one_peer_is_dominant() -> None:
    # A bids 30 and offers at 5, the others bid 10 and offer at 20. Banned from itself, A buys from
    # C between 20 and 30 and sells to B between 5 and 10: no price suits both trades.
    orders = [order("B1", "A", 1, 30), order("B2", "B", 1, 10)]
    orders += [order("S1", "A", 1, 5), order("S2", "C", 1, 20)]
    clearing = clear_uniform(orders)
    prices = {(t.bid, t.offer): t.buy_exact for t in clearing.trades}
    assert prices == {("B1", "S2"): 25, ("B2", "S1"): 7.5}
    assert clearing.price_exact is None
    assert clearing.welfare_wei == (30 - 20) + (10 - 5)


def test_uniform_trades_nothing_when_all_orders_are_of_one_peer() -> None:
    clearing = clear_uniform([order("B1", "A", 2, 30), order("S1", "A", 2, 10)])
    assert clearing.trades == ()
    assert [rest.energy_uwh for rest in clearing.unmatched] == [2, 2]


def test_match_orders_keeps_merit_order_when_no_peer_meets_itself() -> None:
    # A holds both sides, but its bid is first and its offer last.
    orders = [order("B1", "A", 2, 30), order("B2", "B", 2, 20)]
    orders += [order("S1", "C", 2, 10), order("S2", "A", 2, 15)]
    (part,) = match_orders(orders)
    pairs = [(match.bid.order_id, match.offer.order_id) for match in part.matches]
    assert pairs == [("B1", "S1"), ("B2", "S2")]
