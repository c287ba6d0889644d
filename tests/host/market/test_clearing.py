"""Uniform price, pay-as-bid and midpoint: the reference book, the edges, and what always holds."""

from __future__ import annotations

import copy
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.market.clearing import CLEAR, clear_midpoint, clear_pay_as_bid, clear_uniform
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

MATCHED = [("B1", "S1", 3), ("B1", "S2", 1), ("B2", "S2", 3), ("B3", "S3", 2)]
# 3 (.28 - .11) + 1 (.28 - .15) + 3 (.24 - .15) + 2 (.20 - .19) = .51 + .13 + .27 + .02
WELFARE_WEI = 930_000_000 * 10**9


def paid_wei(clearing: object) -> int:
    return sum(trade.paid_wei for trade in clearing.trades)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("k", "price"), [("1/2", ".195"), ("0", ".19"), ("1", ".20")])
def test_uniform_prices_all_trades_at_k_of_the_last_pair_when_book_crosses(
    k: str, price: str
) -> None:
    clearing = clear_uniform(book(BIDS, OFFERS), Fraction(k))  # the last pair is .20 and .19
    assert traded(clearing) == MATCHED
    assert {trade.buy_gwei_per_kwh for trade in clearing.trades} == {gwei(price)}
    assert clearing.price_exact == gwei(price)
    assert clearing.energy_uwh == 9 * KWH
    assert clearing.welfare_wei == WELFARE_WEI
    assert paid_wei(clearing) == 9 * KWH * gwei(price)


def test_uniform_pays_1755_when_nine_kwh_cost_195() -> None:
    assert paid_wei(clear_uniform(book(BIDS, OFFERS))) == 1_755_000_000 * 10**9


def test_pay_as_bid_prices_each_trade_at_its_bid_when_book_crosses() -> None:
    clearing = clear_pay_as_bid(book(BIDS, OFFERS))
    assert traded(clearing) == MATCHED
    prices = [gwei(price) for price in (".28", ".28", ".24", ".20")]
    assert [trade.buy_gwei_per_kwh for trade in clearing.trades] == prices
    # 4 x .28 + 3 x .24 + 2 x .20 = 1.12 + .72 + .40
    assert paid_wei(clearing) == 2_240_000_000 * 10**9
    assert clearing.welfare_wei == WELFARE_WEI
    assert clearing.price_exact is None


def test_midpoint_prices_each_trade_halfway_when_book_crosses() -> None:
    clearing = clear_midpoint(book(BIDS, OFFERS))
    assert traded(clearing) == MATCHED
    prices = [gwei(price) for price in (".195", ".215", ".195", ".195")]
    assert [trade.buy_gwei_per_kwh for trade in clearing.trades] == prices
    # 3 x .195 + .215 + 3 x .195 + 2 x .195 = 8 x .195 + .215
    assert paid_wei(clearing) == 1_775_000_000 * 10**9


def test_unmatched_lists_what_is_left_when_book_clears() -> None:
    rests = {one.order_id: one.energy_uwh for one in clear_uniform(book(BIDS, OFFERS)).unmatched}
    assert rests == {"B3": 3 * KWH, "B4": 2 * KWH, "S4": 6 * KWH}


def test_uniform_trades_all_when_bid_equals_offer() -> None:
    clearing = clear_uniform(book([(".20", 5)], [(".20", 5)]))
    assert traded(clearing) == [("B1", "S1", 5)]
    assert clearing.price_exact == gwei(".20")
    assert clearing.unmatched == ()
    assert clearing.welfare_wei == 0


def test_uniform_trades_nothing_when_bid_is_below_offer() -> None:
    clearing = clear_uniform(book([(".10", 5)], [(".20", 5)]))
    assert clearing.trades == ()
    assert clearing.price_exact is None
    assert len(clearing.unmatched) == 2


def test_uniform_serves_the_earlier_first_when_bids_tie() -> None:
    clearing = clear_uniform(book([(".30", 2), (".30", 2)], [(".10", 3)]))
    assert traded(clearing) == [("B1", "S1", 2), ("B2", "S1", 1)]
    assert clearing.price_exact == gwei(".20")


def test_uniform_serves_the_lower_id_when_price_and_time_tie() -> None:
    orders = [order("B10", "x", 2, 9, 5), order("B9", "y", 2, 9, 5), order("S1", "z", 2, 1)]
    assert [trade.bid for trade in clear_uniform(orders).trades] == ["B9"]


def test_uniform_rounds_down_and_keeps_the_fraction_when_price_is_a_half() -> None:
    clearing = clear_uniform([order("B1", "x", 1, 201), order("S1", "y", 1, 190)])
    assert clearing.trades[0].buy_gwei_per_kwh == 195
    assert str(clearing.price_exact) == "391/2"


@pytest.mark.parametrize("mechanism", sorted(CLEAR))
@pytest.mark.parametrize("letter", ["B", "S"])
def test_every_mechanism_trades_nothing_when_book_has_one_side(mechanism: str, letter: str) -> None:
    orders = [order(f"{letter}1", "x", 3, 9), order(f"{letter}2", "y", 3, 8)]
    clearing = CLEAR[mechanism](orders)
    assert clearing.trades == ()
    assert [rest.energy_uwh for rest in clearing.unmatched] == [3, 3]


@pytest.mark.parametrize("mechanism", sorted(CLEAR))
def test_every_mechanism_returns_nothing_when_book_is_empty(mechanism: str) -> None:
    clearing = CLEAR[mechanism]([])
    assert (clearing.trades, clearing.unmatched, clearing.welfare_wei) == ((), (), 0)


@pytest.mark.parametrize("mechanism", sorted(CLEAR))
def test_every_mechanism_refuses_when_ids_repeat(mechanism: str) -> None:
    with pytest.raises(MarketRefusal, match="order B1 is in the book twice"):
        CLEAR[mechanism]([order("B1", "x", 1, 1), order("B1", "y", 1, 1)])


@pytest.mark.parametrize("k", [Fraction(-1, 2), Fraction(3, 2), Fraction(1, 10**7)])
def test_uniform_refuses_when_k_is_out_of_range(k: Fraction) -> None:
    with pytest.raises(MarketRefusal, match="k must be between 0 and 1"):
        clear_uniform([], k)


@pytest.mark.parametrize(
    ("side", "energy_uwh", "price", "word"),
    [("buy", 1, 1, "side"), ("bid", 0, 1, "energy"), ("bid", -1, 1, "energy")]
    + [("bid", 1.5, 1, "energy"), ("bid", True, 1, "energy"), ("offer", 1, -1, "price")],
)
def test_order_refuses_when_a_field_is_wrong(
    side: str, energy_uwh: int, price: int, word: str
) -> None:
    with pytest.raises(MarketRefusal, match=word):
        Order("B1", "x", side, energy_uwh, price, 0)


@given(random_books(), st.fractions(0, 1, max_denominator=9))
def test_uniform_is_lawful_and_balanced_when_book_is_any(orders: list[Order], k: Fraction) -> None:
    before = copy.deepcopy(orders)
    clearing = clear_uniform(orders, k)
    assert orders == before
    assert_lawful(orders, clearing)
    assert clearing.surplus_wei == 0


@given(random_books())
def test_uniform_is_one_price_when_a_price_suits_all_matches(orders: list[Order]) -> None:
    of = {one.order_id: one.price_gwei_per_kwh for one in orders}
    trades = clear_uniform(orders).trades
    lowest_bid = min((of[trade.bid] for trade in trades), default=0)
    highest_offer = max((of[trade.offer] for trade in trades), default=0)
    if lowest_bid >= highest_offer:
        assert len({trade.buy_gwei_per_kwh for trade in trades}) <= 1
    else:
        assert len({trade.buy_gwei_per_kwh for trade in trades}) == 2


@given(random_books())
def test_pay_as_bid_and_midpoint_are_lawful_and_balanced_when_book_is_any(
    orders: list[Order],
) -> None:
    for clear in (clear_pay_as_bid, clear_midpoint):
        clearing = clear(orders)
        assert_lawful(orders, clearing)
        assert clearing.surplus_wei == 0


@given(random_books(), st.randoms(use_true_random=False))
def test_every_mechanism_clears_alike_when_the_book_is_shuffled(
    orders: list[Order], random: object
) -> None:
    shuffled = list(orders)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for mechanism in ("uniform", "pay-as-bid", "midpoint", "bilateral", "continuous"):
        assert CLEAR[mechanism](shuffled).trades == CLEAR[mechanism](orders).trades
