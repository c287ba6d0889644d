"""Prices that agents ask: between limit and best, and a margin that learns."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.agent.bidding import MarketView, OrderSeen, PostBid, PostOffer, Take, decide
from hub.agent.forecast import Forecast
from hub.agent.preferences import Preferences
from hub.agent.pricing import Pricing
from hub.agent.strategies import FIRST_MARGIN_PERMILLE, hoped_for, learn, quote
from hub.errors import BadInput

FEED_IN, RETAIL = 100_000_000, 300_000_000
SELLER = Preferences(
    140_000_000,
    34_723,
    52_084,
    is_prosumer=True,
    strategy="adaptive",
    best_gwei_per_kwh=RETAIL,
)
BUYER = dataclasses.replace(
    SELLER, limit_gwei_per_kwh=260_000_000, is_prosumer=False, best_gwei_per_kwh=FEED_IN
)
PRICES = st.integers(0, 10**9)
MARGINS = st.integers(0, 1000)


@given(limit=PRICES, grid=PRICES, margin=MARGINS, is_selling=st.booleans())
def test_a_price_is_never_beyond_the_limit_nor_better_than_hoped_for(
    limit, grid, margin, is_selling
):
    best = hoped_for(limit, grid, is_selling=is_selling)
    price = quote(limit, best, margin)
    assert min(limit, best) <= price <= max(limit, best)
    assert price >= limit if is_selling else price <= limit


@given(margin=MARGINS, limit=PRICES, best=PRICES, price=st.none() | PRICES)
def test_a_margin_grows_when_all_has_traded_and_shrinks_when_not(margin, limit, best, price):
    grown = learn(margin, limit, best, is_done=True, price=price)
    shrunk = learn(margin, limit, best, is_done=False, price=price)
    assert 0 <= shrunk < margin < grown <= 1000 or margin in (0, 1000)
    assert 0 <= shrunk <= margin <= grown <= 1000


def test_an_agent_comes_down_to_its_limit_when_nobody_trades():
    pricing = Pricing("a", SELLER)
    asked = []
    for window in range(40):
        asked.append(pricing.asking(window))
        pricing.note(window, ["a"], [])
    # It begins at 300 permille of the way from 0.14 to 0.30: 0.188.
    assert asked[0] == 188_000_000
    assert asked == sorted(asked, reverse=True)
    assert asked[-1] == 140_000_000


def test_an_agent_asks_more_when_it_trades_and_learns_nothing_when_it_ordered_nothing():
    pricing = Pricing("a", SELLER)
    pricing.note(1, ["b"], [])
    pricing.note(2, ["b"], [])
    assert pricing.margin_permille == FIRST_MARGIN_PERMILLE
    pricing.note(2, ["a"], [188_000_000])
    pricing.note(3, [], [])
    assert pricing.asking(3) > 188_000_000


def test_a_buyer_bids_less_when_it_trades():
    pricing = Pricing("b", BUYER)
    first = pricing.asking(1)
    pricing.note(1, [], [first])
    pricing.note(2, [], [])
    assert FEED_IN <= pricing.asking(2) < first < 260_000_000


def test_truthful_agents_ask_their_limit_and_random_ones_the_same_after_a_restart():
    assert Pricing("a", dataclasses.replace(SELLER, strategy="truthful")).asking(1) is None
    random = dataclasses.replace(SELLER, strategy="zero-intelligence")
    asked = [Pricing("a", random).asking(window) for window in range(50)]
    assert asked == [Pricing("a", random).asking(window) for window in range(50)]
    assert len(set(asked)) > 40
    assert all(140_000_000 <= price <= RETAIL for price in asked)


def test_an_unknown_strategy_is_refused_by_name():
    with pytest.raises(BadInput, match="strategy: 'greedy' is none of truthful"):
        dataclasses.replace(SELLER, strategy="greedy")


def view(now_s: int, *orders: OrderSeen) -> MarketView:
    return MarketView("a", now_s, 0, 60, 90, orders, has_traded=False, available_wei=10**18)


PLENTY = Forecast(0, 0, 0, surplus_uwh=10**6, need_uwh=10**6)


def test_an_agent_insists_on_its_price_for_half_of_the_bids_and_then_takes_what_it_can_get():
    asking = dataclasses.replace(SELLER, asking_gwei_per_kwh=200_000_000)
    low_bid = OrderSeen(1, "b", False, 52_084, 150_000_000)
    assert decide(view(29, low_bid), PLENTY, asking) == [PostOffer(52_084, 200_000_000)]
    assert decide(view(30, low_bid), PLENTY, asking) == [Take(1, 52_084, 150_000_000)]


def test_a_buyers_own_bid_is_at_its_asking_price():
    asking = dataclasses.replace(BUYER, asking_gwei_per_kwh=180_000_000)
    assert decide(view(10), PLENTY, asking) == [PostBid(52_084, 180_000_000)]
