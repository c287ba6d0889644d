"""McAfee's auction: his two cases, what it refuses, and that truth pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.market.mcafee import clear_mcafee
from hub.market.records import BID, OFFER, MarketRefusal, Order
from tests.host.market.books import assert_lawful, book, gwei, order, random_books, traded


def unit_book(bids: Sequence[str], offers: Sequence[str]) -> list[Order]:
    return book([(price, 1) for price in bids], [(price, 1) for price in offers])


@pytest.mark.parametrize(
    ("bids", "offers", "buy", "sell"),
    [
        # Three efficient trades; (.12 + .24)/2 = .18 lies outside .20 to .22, so one is left out.
        ([".30", ".25", ".22", ".12"], [".10", ".14", ".20", ".24"], ".22", ".20"),
        # No fourth pair to make a price from.
        ([".30", ".25", ".21"], [".10", ".14", ".20"], ".21", ".20"),
    ],
)
def test_mcafee_leaves_out_the_last_pair_when_the_next_gives_no_price(
    bids: list[str], offers: list[str], buy: str, sell: str
) -> None:
    clearing = clear_mcafee(unit_book(bids, offers))
    assert traded(clearing) == [("B1", "S1", 1), ("B2", "S2", 1)]
    assert {trade.buy_gwei_per_kwh for trade in clearing.trades} == {gwei(buy)}
    assert {trade.sell_gwei_per_kwh for trade in clearing.trades} == {gwei(sell)}
    assert clearing.surplus_wei == 2 * 10**9 * (gwei(buy) - gwei(sell))


def test_mcafee_trades_all_at_one_price_when_the_next_pair_gives_it() -> None:
    # k = 2: .25 >= .14. p = (.19 + .21)/2 = .20, between .14 and .25.
    clearing = clear_mcafee(unit_book([".30", ".25", ".19"], [".10", ".14", ".21"]))
    assert traded(clearing) == [("B1", "S1", 1), ("B2", "S2", 1)]
    assert clearing.price_exact == gwei(".20")
    assert clearing.surplus_wei == 0


def test_mcafee_trades_nothing_when_one_pair_has_no_next() -> None:
    assert clear_mcafee(unit_book([".30"], [".10"])).trades == ()


def test_mcafee_refuses_when_quantities_differ() -> None:
    with pytest.raises(MarketRefusal, match="order S1 has 2 uWh, order B1 has 1 uWh"):
        clear_mcafee([order("B1", "x", 1, 9), order("S1", "y", 2, 1)])


@given(random_books(energies=st.just(7)))
def test_mcafee_is_lawful_and_never_pays_in_when_book_is_any(orders: list[Order]) -> None:
    clearing = clear_mcafee(orders)
    assert_lawful(orders, clearing)
    assert clearing.surplus_wei >= 0


prices = st.lists(st.integers(0, 30), min_size=1, max_size=6)


def gain_of(peer: str, value: int, orders: list[Order]) -> int:
    """Return what a peer with one order gains by this book when its true price is `value`."""
    gain = 0
    for trade in clear_mcafee(orders).trades:
        if trade.buyer == peer:
            gain += value - trade.buy_gwei_per_kwh
        if trade.seller == peer:
            gain += trade.sell_gwei_per_kwh - value
    return gain


@given(prices, prices, st.data())
def test_mcafee_rewards_no_lie_when_every_peer_has_one_order(
    bids: list[int], offers: list[int], data: st.DataObject
) -> None:
    # Even prices, so that no price is rounded: rounding a half could reward a lie of one gwei.
    orders = [Order(f"B{at}", f"b{at}", BID, 1, 2 * p, at) for at, p in enumerate(bids)]
    orders += [Order(f"S{at}", f"s{at}", OFFER, 1, 2 * p, at) for at, p in enumerate(offers)]
    at = data.draw(st.integers(0, len(orders) - 1))
    truth = orders[at]
    lie = replace(truth, price_gwei_per_kwh=2 * data.draw(st.integers(0, 30)))
    with_lie = [*orders[:at], lie, *orders[at + 1 :]]
    value = truth.price_gwei_per_kwh
    assert gain_of(truth.peer, value, orders) >= gain_of(truth.peer, value, with_lie)
