"""Nested communities: orders and positions at three levels, and that all of it adds up."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.market.community import Tariff
from hub.market.nesting import HybridTerms, clear_hybrid, settle_hybrid
from hub.market.records import MarketRefusal, Order
from tests.host.market.books import KWH, assert_lawful, gwei, order, random_books

TARIFF = Tariff(gwei(".30"), gwei(".10"))
COMMUNITY = {f"peer-{n}": "north" if n % 2 else "south" for n in range(1, 5)}


def test_hybrid_trades_inside_then_between_then_with_the_grid() -> None:
    orders = [
        order("B1", "peer-1", 5, 20),
        order("S1", "peer-3", 2, 10),  # same community: takes 2 of B1 at (20 + 10)/2
        order("S2", "peer-2", 2, 12),  # the other one: 2 more at (20 + 12 + 4)/2, the seller 14
        order("S3", "peer-2", 1, 18),  # 20 - 18 is less than the fee: to the grid
    ]
    done = clear_hybrid(orders, COMMUNITY, HybridTerms(Tariff(30, 8), "uniform", 4))
    (inside,) = done.inside["north"].trades
    assert (inside.offer, inside.energy_uwh, inside.buy_gwei_per_kwh) == ("S1", 2, 15)
    (between,) = done.between.trades
    assert (between.buyer, between.seller, between.energy_uwh) == ("peer-1", "peer-2", 2)
    assert (between.buy_gwei_per_kwh, between.sell_gwei_per_kwh) == (18, 14)
    grid = [(one.order_id, one.energy_uwh, one.price_gwei_per_kwh) for one in done.grid]
    assert grid == [("B1", 1, 30), ("S3", 1, 8)]


def test_hybrid_refuses_when_a_peer_has_no_community() -> None:
    with pytest.raises(MarketRefusal, match="nobody belongs to no community"):
        clear_hybrid([order("B1", "nobody", 1, 1)], COMMUNITY, HybridTerms(TARIFF, "uniform"))


@given(random_books(), st.sampled_from(["uniform", "midpoint", "continuous"]), st.integers(0, 4))
def test_hybrid_places_all_energy_once_when_book_is_any(
    orders: list[Order], mechanism: str, fee: int
) -> None:
    done = clear_hybrid(orders, COMMUNITY, HybridTerms(TARIFF, mechanism, fee))
    moved_uwh: Counter[object] = Counter()
    for clearing in (*done.inside.values(), done.between):
        for trade in clearing.trades:
            moved_uwh[trade.bid] += trade.energy_uwh
            moved_uwh[trade.offer] += trade.energy_uwh
    for one in done.grid:
        moved_uwh[one.order_id] += one.energy_uwh
    assert moved_uwh == {one.order_id: one.energy_uwh for one in orders}
    for name, clearing in done.inside.items():
        assert_lawful([one for one in orders if COMMUNITY[one.peer] == name], clearing)
    for trade in done.between.trades:
        assert COMMUNITY[trade.buyer] != COMMUNITY[trade.seller]
        assert trade.buy_gwei_per_kwh - trade.sell_gwei_per_kwh == fee


def test_hybrid_prices_let_communities_share_when_one_is_long() -> None:
    # North has 4 kWh over, south lacks 4: m = (.30 + .10)/2 = .20 between them, no grid.
    positions = {"north": {"n1": 6 * KWH, "n2": -2 * KWH}, "south": {"s1": -4 * KWH}}
    done = settle_hybrid(positions, HybridTerms(TARIFF, "mid-market-rate"))
    assert done.exchanged_uwh == 4 * KWH
    assert done.communities["south"].cost_wei == {"s1": 4 * KWH * gwei(".20")}
    # Inside north m = (.30 + .20)/2 = .25; n1 sells 2 there and 4 outside at .20, so it gets
    # (2 x .25 + 4 x .20)/6 = .21666... rounded down; the grid account keeps the rest.
    north = done.communities["north"]
    assert north.cost_wei == {"n1": -6 * KWH * 216_666_666, "n2": 2 * KWH * gwei(".25")}
    rest_wei = 1_300_000_000 * KWH - 6 * KWH * 216_666_666
    assert (done.grid_cost_wei, done.residual_wei) == (-rest_wei, rest_wei)
    assert done.operator_wei == 0


def test_hybrid_prices_leave_the_exchange_when_the_fee_eats_the_gain() -> None:
    positions = {"north": {"n1": 4 * KWH}, "south": {"s1": -4 * KWH}}
    done = settle_hybrid(positions, HybridTerms(TARIFF, "mid-market-rate", gwei(".20")))
    assert done.exchanged_uwh == 0
    assert done.communities["south"].cost_wei == {"s1": 4 * KWH * gwei(".30")}
    assert done.communities["north"].cost_wei == {"n1": -4 * KWH * gwei(".10")}


def test_hybrid_refuses_when_the_fee_is_negative() -> None:
    with pytest.raises(MarketRefusal, match="fee must not be negative"):
        HybridTerms(TARIFF, "uniform", -1)


members = st.dictionaries(st.sampled_from("abcd"), st.integers(-(10**10), 10**10), max_size=4)


@given(
    st.dictionaries(st.sampled_from(["north", "south", "east"]), members),
    st.sampled_from(["mid-market-rate", "supply-demand-ratio", "bill-sharing"]),
    st.integers(0, 250),
    st.integers(1, 200),
)
def test_hybrid_settlement_balances_to_the_wei_when_positions_are_any(
    positions: dict[str, dict[str, int]], mechanism: str, fee: int, spread: int
) -> None:
    terms = HybridTerms(Tariff(100 + spread, 100), mechanism, fee)
    done = settle_hybrid(positions, terms)
    paid = sum(sum(one.cost_wei.values()) for one in done.communities.values())
    assert paid == done.operator_wei - (done.grid_cost_wei)
    assert done.operator_wei == done.exchanged_uwh * fee
    assert done.residual_wei >= 0
    for one in done.communities.values():
        if mechanism != "bill-sharing":
            assert one.prices.buy_gwei_per_kwh <= terms.tariff.retail
