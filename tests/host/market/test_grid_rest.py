"""What the grid takes of a community's book: never what a peer could have had."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.market.community import Tariff
from hub.market.frozen_book import UNIFORM, BookRules, clear_frozen
from hub.market.grid_rest import grid_rest
from hub.market.records import BID, OFFER, Order, Preference

LEAST = 10
TARIFF = Tariff(retail=300, feed_in=100)
RULES = BookRules(UNIFORM, LEAST, 0, 1001, False, "mid-market-rate", TARIFF)


def order(number, side, energy_uwh, price, priority=0, partners=None):
    preference = Preference(priority=priority, partners=partners)
    return Order(number, f"p{number}", side, energy_uwh, price, number, preference)


def rest_of(orders, rules=RULES):
    return grid_rest(orders, clear_frozen(orders, rules), rules, "grid")


def taken(rest):
    return [(one.order.order_id, one.energy_uwh) for one in rest.fills]


def test_grid_buys_what_no_bid_is_left_for():
    rest = rest_of([order(1, OFFER, 50, 100), order(2, BID, 30, 300)])
    assert taken(rest) == [(1, 20)]
    assert 100 < rest.sell_gwei_per_kwh <= rest.buy_gwei_per_kwh < 300  # the community's prices


def test_grid_sells_what_no_offer_is_left_for():
    assert taken(rest_of([order(1, OFFER, 30, 100), order(2, BID, 50, 300)])) == [(2, 20)]


def test_books_price_is_the_grids_when_no_peers_meet():
    rest = rest_of([order(1, OFFER, 50, 100)])
    assert (taken(rest), rest.sell_gwei_per_kwh, rest.buy_gwei_per_kwh) == ([(1, 50)], 100, 100)
    rest = rest_of([order(1, BID, 50, 300)])
    assert (taken(rest), rest.sell_gwei_per_kwh, rest.buy_gwei_per_kwh) == ([(1, 50)], 300, 300)


def test_grid_leaves_orders_at_other_prices_than_its_own():
    rest = rest_of([order(1, OFFER, 50, 101)])
    assert (taken(rest), rest.sell_gwei_per_kwh) == ([], 0)


def test_grid_leaves_a_rest_that_is_smaller_than_any_trade():
    assert taken(rest_of([order(1, OFFER, 50, 100), order(2, BID, 50 - LEAST + 1, 300)])) == []


def test_grid_takes_no_more_than_the_bus_has_room_for_and_critical_loads_first():
    rules = BookRules(UNIFORM, LEAST, 70, 1001, False, "mid-market-rate", TARIFF)
    rest = rest_of([order(1, BID, 50, 300), order(2, BID, 50, 300, priority=1)], rules)
    assert taken(rest) == [(2, 50), (1, 20)]


def test_grid_sells_to_a_bid_that_names_its_sellers_only_when_it_is_one_of_them():
    named = order(1, BID, 50, 300, partners=frozenset({"p9"}))
    assert taken(rest_of([named])) == []
    named = order(1, BID, 50, 300, partners=frozenset({"grid"}))
    assert taken(rest_of([named])) == [(1, 50)]


ROWS = st.tuples(st.booleans(), st.integers(LEAST, 60), st.sampled_from([100, 180, 220, 300]))


@given(st.lists(ROWS, max_size=8), st.sampled_from([0, 40, 90]))
def test_grid_stands_on_one_side_and_nobody_waits_whom_the_price_would_serve(rows, capacity_uwh):
    orders = [
        order(number, BID if is_bid else OFFER, energy_uwh, price)
        for number, (is_bid, energy_uwh, price) in enumerate(rows, 1)
    ]
    rules = BookRules(UNIFORM, LEAST, capacity_uwh, 1001, False, "mid-market-rate", TARIFF)
    cleared = clear_frozen(orders, rules)
    rest = grid_rest(orders, cleared, rules, "grid")
    left = {one.order_id: one.energy_uwh for one in orders}
    for fill in cleared.fills:
        left[fill.bid.order_id] -= fill.energy_uwh
        left[fill.offer.order_id] -= fill.energy_uwh
    for one in rest.fills:
        left[one.order.order_id] -= one.energy_uwh
        assert one.energy_uwh >= LEAST
        assert one.order.price_gwei_per_kwh == (300 if one.order.side == BID else 100)
    assert all(energy_uwh >= 0 for energy_uwh in left.values())
    filled = [*(one.energy_uwh for one in cleared.fills), *(one.energy_uwh for one in rest.fills)]
    assert capacity_uwh == 0 or sum(filled) <= capacity_uwh
    sides = {one.order.side for one in rest.fills}
    assert len(sides) <= 1
    # As contracts/src/SkippedOrders.sol checks it at the end of the closing pass.
    free = [one for one in orders if left[one.order_id] >= LEAST]
    if sides == {OFFER}:
        buy = rest.buy_gwei_per_kwh
        assert not any(one.side == BID and one.price_gwei_per_kwh >= buy for one in free)
    if sides == {BID}:
        sell = rest.sell_gwei_per_kwh
        assert not any(one.side == OFFER and one.price_gwei_per_kwh <= sell for one in free)
