"""Bilateral trades with a fee, ties shared pro rata, and continuous matching."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.market.bilateral import clear_bilateral
from hub.market.clearing import clear_pro_rata, clear_uniform
from hub.market.continuous import clear_continuous
from hub.market.records import MarketRefusal, Order
from tests.host.market.books import (
    BIDS,
    KWH,
    OFFERS,
    assert_lawful,
    book,
    gwei,
    order,
    random_books,
    traded,
)


def test_bilateral_halves_the_gain_after_the_fee_when_pairs_are_feasible() -> None:
    clearing = clear_bilateral(book(BIDS, OFFERS), gwei(".03"))
    # B3 - S3 gains .20 - .19 = .01, less than the fee.
    assert traded(clearing) == [("B1", "S1", 3), ("B1", "S2", 1), ("B2", "S2", 3)]
    # (.28 + .11 + .03)/2 = .21, (.28 + .15 + .03)/2 = .23, (.24 + .15 + .03)/2 = .21
    expected = [(".21", ".18"), (".23", ".20"), (".21", ".18")]
    prices = [(trade.buy_gwei_per_kwh, trade.sell_gwei_per_kwh) for trade in clearing.trades]
    assert prices == [(gwei(buy), gwei(sell)) for buy, sell in expected]
    assert clearing.surplus_wei == 7 * KWH * gwei(".03")


def test_bilateral_keeps_both_limits_when_the_gain_is_the_fee() -> None:
    (trade,) = clear_bilateral([order("B1", "x", 1, 10), order("S1", "y", 1, 7)], 3).trades
    assert (trade.buy_gwei_per_kwh, trade.sell_gwei_per_kwh) == (10, 7)


def test_bilateral_refuses_when_the_fee_is_negative() -> None:
    with pytest.raises(MarketRefusal, match="fee must not be negative"):
        clear_bilateral([], -1)


@given(random_books(), st.integers(0, 6))
def test_bilateral_is_lawful_and_collects_the_fee_when_book_is_any(
    orders: list[Order], fee: int
) -> None:
    clearing = clear_bilateral(orders, fee)
    assert_lawful(orders, clearing)
    assert clearing.surplus_wei == clearing.energy_uwh * fee


def test_pro_rata_shares_the_margin_when_bids_tie() -> None:
    # 3 kWh for two bids of 2 kWh: 1.5 kWh each, at (.30 + .10)/2.
    clearing = clear_pro_rata(book([(".30", 2), (".30", 2)], [(".10", 3)]))
    shares = [(trade.bid, trade.energy_uwh) for trade in clearing.trades]
    assert shares == [("B1", 3 * KWH // 2), ("B2", 3 * KWH // 2)]
    assert clearing.price_exact == gwei(".20")
    assert [rest.energy_uwh for rest in clearing.unmatched] == [KWH // 2, KWH // 2]


@given(random_books())
def test_pro_rata_keeps_welfare_energy_and_price_when_book_is_any(orders: list[Order]) -> None:
    shared, in_turn = clear_pro_rata(orders), clear_uniform(orders)
    assert_lawful(orders, shared)
    assert shared.welfare_wei == in_turn.welfare_wei
    assert shared.energy_uwh == in_turn.energy_uwh
    assert shared.price_exact == in_turn.price_exact


def test_continuous_trades_at_the_resting_price_when_an_order_crosses() -> None:
    orders = [order("S1", "x", 2, 8, 1), order("S2", "y", 2, 5, 2), order("B1", "z", 3, 9, 3)]
    trades = clear_continuous(orders).trades
    found = [(trade.offer, trade.energy_uwh, trade.buy_gwei_per_kwh) for trade in trades]
    assert found == [("S2", 2, 5), ("S1", 1, 8)]


def test_continuous_passes_over_own_orders_when_they_are_best() -> None:
    orders = [order("S1", "x", 2, 1, 1), order("S2", "y", 2, 5, 2)]
    orders += [order("B1", "x", 2, 9, 3), order("B2", "z", 2, 9, 4)]
    trades = clear_continuous(orders).trades
    assert [(trade.bid, trade.offer) for trade in trades] == [("B1", "S2"), ("B2", "S1")]


def test_continuous_misses_welfare_when_the_dearer_bid_comes_last() -> None:
    # The early bid of 6 takes the only offer; a sealed book would have served the bid of 9.
    orders = [order("S1", "x", 1, 5, 1), order("B1", "y", 1, 6, 2), order("B2", "z", 1, 9, 3)]
    assert clear_continuous(orders).welfare_wei == 6 - 5
    assert clear_uniform(orders).welfare_wei == 9 - 5


@given(random_books())
def test_continuous_is_lawful_and_balanced_when_book_is_any(orders: list[Order]) -> None:
    clearing = clear_continuous(orders)
    assert_lawful(orders, clearing)
    assert clearing.surplus_wei == 0
    assert clearing.welfare_wei <= clear_uniform(orders).welfare_wei
