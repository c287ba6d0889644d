"""The bidding rule: pure decisions, and whole windows of agents in a market without a chain."""

from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.agent.bidding import (
    GIVE_IN_S,
    Accept,
    Cancel,
    CounterSeen,
    MarketView,
    OrderSeen,
    PostBid,
    PostOffer,
    Take,
    decide,
    takeable_uwh,
)
from hub.agent.forecast import Forecast
from hub.agent.preferences import Preferences

MIN_UWH = 34_723
MAX_UWH = 52_084
SELLER = Preferences(140_000_000, MIN_UWH, MAX_UWH, is_prosumer=True)
BUYER = Preferences(260_000_000, MIN_UWH, MAX_UWH, is_prosumer=False)
PLENTY = Forecast(0, 0, 0, surplus_uwh=10**6, need_uwh=10**6)
RICH_WEI = 10**18


def view(peer: str, *orders: OrderSeen, **changes: object) -> MarketView:
    plain = MarketView(peer, 10, 0, 60, 90, orders, has_traded=False, available_wei=RICH_WEI)
    return dataclasses.replace(plain, **changes)


def offer(order_id: int, peer: str, energy_uwh: int, price: int, age_s: int = 0) -> OrderSeen:
    return OrderSeen(order_id, peer, True, energy_uwh, price, age_s)


def bid(order_id: int, peer: str, energy_uwh: int, price: int, age_s: int = 0) -> OrderSeen:
    return OrderSeen(order_id, peer, False, energy_uwh, price, age_s)


def test_prosumer_offers_when_the_book_is_empty():
    assert decide(view("a"), PLENTY, SELLER) == [PostOffer(MAX_UWH, 140_000_000)]


def test_consumer_bids_when_the_book_is_empty():
    assert decide(view("b"), PLENTY, BUYER) == [PostBid(MAX_UWH, 260_000_000)]


def test_consumer_takes_the_cheapest_offer_when_several_fit():
    orders = [offer(1, "a", 40_000, 200_000_000), offer(2, "c", 40_000, 150_000_000)]
    assert decide(view("b", *orders), PLENTY, BUYER) == [Take(2, 40_000, 150_000_000)]


def test_prosumer_takes_the_dearest_bid_when_several_fit():
    orders = [bid(1, "b", 40_000, 200_000_000), bid(2, "d", 40_000, 250_000_000)]
    assert decide(view("a", *orders), PLENTY, SELLER) == [Take(2, 40_000, 250_000_000)]


def test_consumer_bids_itself_when_every_offer_is_too_dear():
    dear = offer(1, "a", 40_000, 270_000_000)
    assert decide(view("b", dear), PLENTY, BUYER) == [PostBid(MAX_UWH, 260_000_000)]


def test_agent_does_nothing_when_it_has_traded_or_expects_too_little():
    assert decide(view("a", has_traded=True), PLENTY, SELLER) == []
    little = Forecast(0, 0, 0, surplus_uwh=MIN_UWH - 1, need_uwh=MIN_UWH - 1)
    assert decide(view("a"), little, SELLER) == []
    assert decide(view("a"), None, SELLER) == []


def test_agent_trades_the_floor_when_the_forecast_shows_less():
    wish = dataclasses.replace(SELLER, floor_uwh=MIN_UWH)
    assert decide(view("a"), None, wish) == []  # without a meter it never sells
    nothing = Forecast(0, 0, 0, 0, 0)
    assert decide(view("a"), nothing, wish) == [PostOffer(MIN_UWH, 140_000_000)]


def test_agent_posts_nothing_but_still_takes_when_bids_are_over():
    assert decide(view("b", now_s=60), PLENTY, BUYER) == []
    standing = offer(1, "a", 40_000, 200_000_000)
    assert decide(view("b", standing, now_s=60), PLENTY, BUYER) == [Take(1, 40_000, 200_000_000)]
    assert decide(view("b", standing, now_s=90), PLENTY, BUYER) == []


def test_agent_leaves_its_order_alone_when_nothing_fits():
    assert decide(view("a", offer(1, "a", 40_000, 140_000_000)), PLENTY, SELLER) == []


def test_newer_order_gives_way_at_once_when_two_cross():
    standing, own = bid(1, "b", 40_000, 260_000_000), offer(2, "a", 45_000, 140_000_000)
    expected = [Cancel(2), Take(1, 40_000, 260_000_000)]
    assert decide(view("a", standing, own), PLENTY, SELLER) == expected
    assert decide(view("b", standing, own), PLENTY, BUYER) == []


def test_older_order_gives_way_when_its_patience_is_over():
    own, newer = bid(1, "b", 40_000, 260_000_000), offer(2, "a", 45_000, 140_000_000, age_s=3)
    expected = [Cancel(1), Take(2, 45_000, 140_000_000)]
    assert decide(view("b", own, newer), PLENTY, BUYER) == expected


def test_bid_is_cut_to_the_balance_when_money_is_short():
    short_wei = 40_000 * 260_000_000 + 1
    assert decide(view("b", available_wei=short_wei), PLENTY, BUYER) == [
        PostBid(40_000, 260_000_000)
    ]
    assert decide(view("b", available_wei=MIN_UWH * 260_000_000 - 1), PLENTY, BUYER) == []


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**5))
def test_part_leaves_nothing_or_a_whole_trade_when_it_is_taken(left_uwh, wanted_uwh, least_uwh):
    part = takeable_uwh(left_uwh, wanted_uwh, least_uwh)
    rest = left_uwh - part
    assert part == 0 or (least_uwh <= part <= wanted_uwh and (rest == 0 or rest >= least_uwh))


def window_of(houses: int, seed: int) -> list[tuple[str, str, int]]:
    """Play one window: agents look in random order, once a second, at a shared book."""
    draw = random.Random(seed)
    names = [f"house-{number}" for number in range(1, houses + 1)]
    wishes = {name: SELLER if int(name[6:]) % 2 else BUYER for name in names}
    amounts = {name: draw.randint(MIN_UWH, 2 * MAX_UWH) for name in names}
    starts = {name: draw.randint(0, 4) for name in names}
    book: dict[int, OrderSeen] = {}
    trades: list[tuple[str, str, int]] = []
    next_id = 1
    for now_s in range(20):
        for name in draw.sample(names, houses):
            if now_s < starts[name]:
                continue
            expected = Forecast(0, 0, 0, amounts[name], amounts[name])
            aged = [dataclasses.replace(one, age_s=one.age_s + now_s) for one in book.values()]
            has_traded = any(name in trade[:2] for trade in trades)
            seen = view(name, *aged, now_s=now_s, has_traded=has_traded)
            for action in decide(seen, expected, wishes[name]):
                if isinstance(action, Cancel):
                    del book[action.order_id]
                elif isinstance(action, Take):
                    order = book.pop(action.order_id)
                    assert MIN_UWH <= action.energy_uwh <= order.energy_uwh
                    trades.append((name, order.peer, action.energy_uwh))
                else:
                    is_offer = isinstance(action, PostOffer)
                    price = action.price_gwei_per_kwh
                    book[next_id] = OrderSeen(
                        next_id, name, is_offer, action.energy_uwh, price, -now_s
                    )
                    next_id += 1
    return trades


@pytest.mark.parametrize("houses", range(2, 10))
def test_every_consumer_trades_when_agents_meet_in_any_order(houses):
    for seed in range(50):
        trades = window_of(houses, seed)
        consumers = {name for trade in trades for name in trade[:2] if int(name[6:]) % 2 == 0}
        assert len(trades) == len(consumers) == houses // 2
        assert all(energy_uwh <= MAX_UWH for *_, energy_uwh in trades)


def test_agent_posts_once_and_takes_nothing_when_orders_are_cleared_together():
    cheap = offer(1, "a", 40_000, 150_000_000)
    assert decide(view("b", cheap, has_book=True), PLENTY, BUYER) == [PostBid(MAX_UWH, 260_000_000)]
    own = bid(2, "b", 40_000, 260_000_000)
    assert decide(view("b", cheap, own, has_book=True), PLENTY, BUYER) == []


def test_agent_accepts_other_terms_when_they_suit_its_limit():
    own = offer(1, "a", 40_000, 200_000_000)
    good = CounterSeen(7, is_selling=True, energy_uwh=40_000, price_gwei_per_kwh=140_000_000)
    poor = dataclasses.replace(good, counter_id=8, price_gwei_per_kwh=139_999_999)
    assert decide(view("a", own, counters=(poor, good)), PLENTY, SELLER) == [Accept(7)]
    assert decide(view("a", own, counters=(poor,)), PLENTY, SELLER) == []


def near_grid(wish, price):
    return dataclasses.replace(wish, grid_gwei_per_kwh=price)


def test_agent_comes_to_the_grids_price_when_nobody_took_its_order_in_time():
    seller = near_grid(SELLER, 100_000_000)
    own = offer(1, "a", 40_000, 140_000_000)
    assert decide(view("a", own, now_s=60 - GIVE_IN_S - 1), PLENTY, seller) == []
    given_in = decide(view("a", own, now_s=60 - GIVE_IN_S), PLENTY, seller)
    assert given_in == [Cancel(1), PostOffer(40_000, 100_000_000)]
    assert decide(view("a", own, now_s=60 - GIVE_IN_S), PLENTY, SELLER) == []
    at_its_price = dataclasses.replace(own, price_gwei_per_kwh=100_000_000)
    assert decide(view("a", at_its_price, now_s=55), PLENTY, seller) == []


def test_consumer_pays_the_grids_price_only_when_it_can():
    buyer = near_grid(BUYER, 300_000_000)
    own = bid(1, "b", 40_000, 260_000_000)
    late = view("b", own, now_s=55, available_wei=40_000 * 40_000_000)
    assert decide(late, PLENTY, buyer) == [Cancel(1), PostBid(40_000, 300_000_000)]
    poor = dataclasses.replace(late, available_wei=40_000 * 40_000_000 - 1)
    assert decide(poor, PLENTY, buyer) == []


def test_actions_are_sentences_when_a_person_reads_them():
    assert str(PostOffer(52_084, 164_000_000)) == "offers 52.084 mWh at 0.164 ETH/kWh"
    assert str(Take(7, 1_000, 200_000_000)) == "takes of order 7 1 mWh at 0.2 ETH/kWh or better"
    assert str(Cancel(7)) == "cancels order 7"
