"""Fills of a frozen book: what the contract would refuse never comes out, and nothing is lost."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.market.clearing import clear_mcafee, clear_midpoint, clear_uniform
from hub.market.community import Tariff
from hub.market.frozen_book import MCAFEE, MIDPOINT, UNIFORM, BookRules, clear_frozen
from hub.market.records import BID, OFFER, Order, Preference
from tests.host.thorough import examples

LEAST = 10
ANY_SIZE = st.integers(LEAST, 60)
EVERY_SIZE = st.integers(1, 60)
TARIFF = Tariff(retail=300, feed_in=100)


def order(number, side, energy_uwh, price, priority=0, partners=None, peer=None):
    preference = Preference(priority=priority, partners=partners)
    return Order(number, peer or f"p{number}", side, energy_uwh, price, number, preference)


@st.composite
def books(draw, energies=ANY_SIZE):
    """Books in which every peer stands on one side."""
    rows = draw(
        st.lists(
            st.tuples(st.booleans(), energies, st.integers(1, 12), st.integers(0, 2)), max_size=9
        )
    )
    return [
        order(number, BID if is_bid else OFFER, energy_uwh, price, priority)
        for number, (is_bid, energy_uwh, price, priority) in enumerate(rows, 1)
    ]


def left_of(orders, cleared):
    left = {one.order_id: one.energy_uwh for one in orders}
    for fill in cleared.fills:
        left[fill.bid.order_id] -= fill.energy_uwh
        left[fill.offer.order_id] -= fill.energy_uwh
    return left


def rank(one):
    """The contract's order of one side: see `_rank` of contracts/src/Clearing.sol."""
    price = one.price_gwei_per_kwh
    return (price if one.side == BID else -price, one.preference.priority)


def check_as_the_contract_does(orders, cleared, rules):
    """Each fill, and what the closing pass asks of a strict book."""
    left = left_of(orders, cleared)
    assert all(fill.energy_uwh >= rules.least_uwh for fill in cleared.fills)
    assert all(energy_uwh >= 0 for energy_uwh in left.values())
    total_uwh = sum(fill.energy_uwh for fill in cleared.fills)
    assert not rules.capacity_uwh or total_uwh <= rules.capacity_uwh
    best = {}
    for side, name in ((BID, "bid"), (OFFER, "offer")):
        filled = [getattr(fill, name) for fill in cleared.fills]
        over = [
            one
            for one in orders
            if one.side == side
            and left[one.order_id] >= rules.least_uwh
            and one.preference.partners is None
        ]
        best[side] = sorted(over, key=rank)
        if filled and over:
            assert max(map(rank, over)) <= min(map(rank, filled)), f"better {name} skipped"
    return left, best, total_uwh


@settings(max_examples=examples(300))
@given(books(), st.sampled_from([0, 25, 70]), st.integers(0, 1000))
def test_uniform_fills_are_those_the_contract_takes(orders, capacity_uwh, k):
    rules = BookRules(UNIFORM, LEAST, capacity_uwh, k)
    cleared = clear_frozen(orders, rules)
    _, best, total_uwh = check_as_the_contract_does(orders, cleared, rules)
    has_room = not capacity_uwh or capacity_uwh - total_uwh >= LEAST
    if has_room and best[BID] and best[OFFER]:
        bid, offer = best[BID][-1], best[OFFER][-1]
        assert bid.price_gwei_per_kwh < offer.price_gwei_per_kwh, "trades left"
    for fill in cleared.fills:
        price = cleared.sell_gwei_per_kwh
        assert fill.offer.price_gwei_per_kwh <= price <= fill.bid.price_gwei_per_kwh
    if cleared.fills:
        low = max(fill.offer.price_gwei_per_kwh for fill in cleared.fills)
        high = min(fill.bid.price_gwei_per_kwh for fill in cleared.fills)
        assert cleared.sell_gwei_per_kwh == low + (high - low) * k // 1000


@settings(max_examples=examples(200))
@given(books(energies=EVERY_SIZE), st.integers(0, 1000))
def test_uniform_is_the_markets_own_clearing_when_no_rest_is_too_small(orders, k):
    orders = [order(o.order_id, o.side, o.energy_uwh, o.price_gwei_per_kwh) for o in orders]
    cleared = clear_frozen(orders, BookRules(UNIFORM, 1, k_permille=k))
    wanted = clear_uniform(orders, Fraction(k, 1000))
    assert sum(fill.energy_uwh for fill in cleared.fills) == wanted.energy_uwh
    if wanted.trades:
        assert cleared.sell_gwei_per_kwh == wanted.trades[0].sell_gwei_per_kwh


@settings(max_examples=examples(200))
@given(books(energies=EVERY_SIZE))
def test_midpoint_is_the_markets_own_clearing_when_no_rest_is_too_small(orders):
    orders = [order(o.order_id, o.side, o.energy_uwh, o.price_gwei_per_kwh) for o in orders]
    cleared = clear_frozen(orders, BookRules(MIDPOINT, 1))
    paid_wei = sum(
        fill.energy_uwh * ((fill.bid.price_gwei_per_kwh + fill.offer.price_gwei_per_kwh) // 2)
        for fill in cleared.fills
    )
    assert paid_wei == sum(trade.paid_wei for trade in clear_midpoint(orders).trades)


@settings(max_examples=examples(300))
@given(books(energies=st.just(LEAST)))
def test_mcafee_is_the_markets_own_clearing(orders):
    orders = [order(o.order_id, o.side, LEAST, o.price_gwei_per_kwh) for o in orders]
    cleared = clear_frozen(orders, BookRules(MCAFEE, LEAST))
    wanted = clear_mcafee(orders).trades
    assert len(cleared.fills) == len(wanted)
    if wanted:
        prices = wanted[0].sell_gwei_per_kwh, wanted[0].buy_gwei_per_kwh
        assert (cleared.sell_gwei_per_kwh, cleared.buy_gwei_per_kwh) == prices


def test_rest_is_left_when_it_is_smaller_than_the_least_fill():
    orders = [order(1, OFFER, 15, 1), order(2, BID, 10, 9), order(3, BID, 10, 8)]
    cleared = clear_frozen(orders, BookRules(UNIFORM, LEAST))
    assert [(fill.bid.order_id, fill.energy_uwh) for fill in cleared.fills] == [(2, 10)]


def test_bid_that_names_its_sellers_waits_when_the_best_offer_is_another(tmp_path):
    named = order(3, BID, 10, 9, partners=frozenset({"p2"}))
    orders = [order(1, OFFER, 10, 1), order(2, OFFER, 10, 2), named]
    assert clear_frozen(orders, BookRules(UNIFORM, LEAST)).fills == ()
    loose = clear_frozen(orders, BookRules(UNIFORM, LEAST, is_strict=False))
    assert [fill.offer.order_id for fill in loose.fills] == [2]


def test_higher_class_is_served_first_in_a_community():
    rules = BookRules(UNIFORM, LEAST, is_strict=False, community="mid-market-rate", tariff=TARIFF)
    orders = [order(1, OFFER, 10, 100), order(2, BID, 10, 300), order(3, BID, 10, 300, priority=1)]
    cleared = clear_frozen(orders, rules)
    assert [fill.bid.order_id for fill in cleared.fills] == [3]


@pytest.mark.parametrize(
    ("offered_uwh", "wanted_uwh", "sell", "buy"),
    [
        (20, 20, 200, 200),  # in balance: both the middle
        (40, 20, 150, 200),  # half of the surplus goes to the grid at 100
        (20, 40, 200, 250),  # half of the need comes from the grid at 300
    ],
)
def test_community_prices_follow_from_what_is_offered_and_wanted(
    offered_uwh, wanted_uwh, sell, buy
):
    rules = BookRules(UNIFORM, LEAST, is_strict=False, community="mid-market-rate", tariff=TARIFF)
    orders = [order(1, OFFER, offered_uwh, 100), order(2, BID, wanted_uwh, 300)]
    cleared = clear_frozen(orders, rules)
    assert (cleared.sell_gwei_per_kwh, cleared.buy_gwei_per_kwh) == (sell, buy)
    assert [fill.energy_uwh for fill in cleared.fills] == [20]


def test_order_takes_no_part_when_the_community_price_does_not_suit_it():
    rules = BookRules(UNIFORM, LEAST, is_strict=False, community="mid-market-rate", tariff=TARIFF)
    orders = [order(1, OFFER, 10, 100), order(2, OFFER, 10, 250), order(3, BID, 10, 300)]
    cleared = clear_frozen(orders, rules)
    # Without the offer at 250 the community is in balance, at the middle of the tariffs.
    assert cleared.sell_gwei_per_kwh == cleared.buy_gwei_per_kwh == 200
    assert [fill.offer.order_id for fill in cleared.fills] == [1]
