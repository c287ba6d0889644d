"""Arrays clear like records: the same trades, prices, rests and welfare, also past 64 bits."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.market.arrays import MECHANISMS, ArrayClearing, BookArrays, clear_arrays
from hub.market.clearing import CLEAR, clear_uniform
from hub.market.exact_sums import sum_of_products
from hub.market.records import BID, OFFER, Clearing, MarketRefusal, Order
from tests.host.market.books import BIDS, OFFERS, book, random_books
from tests.host.thorough import examples


def as_arrays(orders: Sequence[Order], id_rank: Sequence[int] | None = None) -> BookArrays:
    codes: dict[str, int] = {}
    rows = [
        (codes.setdefault(o.peer, len(codes)), o.energy_uwh, o.price_gwei_per_kwh, o.placed_at_ms)
        for o in orders
    ]
    columns = np.array(rows, dtype=np.int64).reshape(len(orders), 4).T
    rank = None if id_rank is None else np.array(id_rank, dtype=np.int64)
    return BookArrays(np.array([o.side == BID for o in orders], dtype=bool), *columns, rank)


def assert_alike(orders: Sequence[Order], cleared: ArrayClearing, expected: Clearing) -> None:
    ids = [order.order_id for order in orders]
    columns = (cleared.bid, cleared.offer, cleared.energy_uwh, cleared.price_gwei_per_kwh)
    trades = [
        (ids[bid], ids[offer], energy_uwh, price)
        for bid, offer, energy_uwh, price in zip(*(c.tolist() for c in columns), strict=True)
    ]
    assert trades == [(t.bid, t.offer, t.energy_uwh, t.buy_gwei_per_kwh) for t in expected.trades]
    exact = [Fraction(n, cleared.price_denominator) for n in cleared.price_numerator.tolist()]
    assert exact == [t.buy_exact for t in expected.trades]
    left = zip(ids, cleared.unmatched_uwh.tolist(), strict=True)
    rests = [(rest.order_id, rest.energy_uwh) for rest in expected.unmatched]
    assert [(order_id, uwh) for order_id, uwh in left if uwh] == rests
    assert cleared.welfare_wei == expected.welfare_wei
    assert cleared.price_exact == expected.price_exact


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_arrays_clear_like_records_when_book_is_the_reference(mechanism: str) -> None:
    orders = book(BIDS, OFFERS)
    assert_alike(orders, clear_arrays(as_arrays(orders), mechanism), CLEAR[mechanism](orders))


@pytest.mark.parametrize("mechanism", MECHANISMS)
@given(orders=random_books(most=30, peers=5))
@settings(max_examples=examples(200))
def test_arrays_clear_like_records_when_peers_hold_both_sides(
    mechanism: str, orders: list[Order]
) -> None:
    assert_alike(orders, clear_arrays(as_arrays(orders), mechanism), CLEAR[mechanism](orders))


@given(random_books(most=30, peers=2), st.fractions(0, 1, max_denominator=99))
def test_arrays_price_like_records_when_k_is_any(orders: list[Order], k: Fraction) -> None:
    assert_alike(orders, clear_arrays(as_arrays(orders), "uniform", k), clear_uniform(orders, k))


@given(random_books(most=20), st.randoms(use_true_random=False))
def test_arrays_break_ties_by_id_when_ranks_are_given(orders: list[Order], random: object) -> None:
    shuffled = list(orders)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    ranks = [int(order.order_id) for order in shuffled]
    cleared = clear_arrays(as_arrays(shuffled, ranks), "midpoint")
    assert_alike(shuffled, cleared, CLEAR["midpoint"](shuffled))


@pytest.mark.parametrize("peers", [3, 40, 5_000])
def test_arrays_clear_like_records_when_book_is_large(peers: int) -> None:
    random = np.random.default_rng(7)
    orders = [
        Order(at, f"peer-{peer}", BID if is_bid else OFFER, energy_uwh, price, placed_at_ms)
        for at, (peer, is_bid, energy_uwh, price, placed_at_ms) in enumerate(
            zip(
                random.integers(0, peers, 20_000).tolist(),
                (random.random(20_000) < 0.5).tolist(),
                random.integers(34_723, 10**9, 20_000).tolist(),
                random.integers(100, 300, 20_000).tolist(),  # few prices: many ties
                random.integers(0, 1_000, 20_000).tolist(),
                strict=True,
            )
        )
    ]
    assert_alike(orders, clear_arrays(as_arrays(orders)), clear_uniform(orders))


@pytest.mark.parametrize("latest_ms", [2**40, 2**62])
def test_arrays_sum_welfare_exactly_when_it_exceeds_64_bits(latest_ms: int) -> None:
    # 1 GWh at the highest price: 10^15 x 2 x 10^12 = 2 x 10^27 wei. Times so far apart that price
    # and time do not fit into one key take the other way to sort.
    orders = [
        Order("B1", "x", BID, 10**15, 2 * 10**12, 0),
        Order("B2", "x", BID, 10**15, 2 * 10**12 - 1, latest_ms),
        Order("S1", "y", OFFER, 10**15, 0, latest_ms),
        Order("S2", "y", OFFER, 10**15, 0, 1),
    ]
    cleared = clear_arrays(as_arrays(orders))
    assert cleared.welfare_wei == 10**15 * (4 * 10**12 - 1)
    assert_alike(orders, cleared, clear_uniform(orders))


@given(st.lists(st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1)), max_size=9))
def test_sum_of_products_is_exact_when_products_overflow(pairs: list[tuple[int, int]]) -> None:
    columns = np.array(pairs, dtype=np.int64).reshape(len(pairs), 2).T
    assert sum_of_products(*columns) == sum(left * right for left, right in pairs)


def test_arrays_change_no_input_when_they_clear() -> None:
    orders = [Order(n, "x" if n % 3 else "y", BID if n % 2 else OFFER, 5, n, 0) for n in range(40)]
    arrays = as_arrays(orders)
    before = [arrays.peer.copy(), arrays.energy_uwh.copy(), arrays.price_gwei_per_kwh.copy()]
    clear_arrays(arrays)
    after = [arrays.peer, arrays.energy_uwh, arrays.price_gwei_per_kwh]
    assert all((one == other).all() for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("energy_uwh", 0, "energies must be positive"),
        ("energy_uwh", 2**62, "less than 2\\^62"),
        ("price_gwei_per_kwh", -1, "prices must be"),
        ("price_gwei_per_kwh", 2**41, "prices must be"),
        ("peer", 2, "peer codes"),
    ],
)
def test_arrays_refuse_when_a_value_is_out_of_range(column: str, value: int, words: str) -> None:
    columns = {name: np.array([0, 1], dtype=np.int64) for name in ("peer", "placed_at_ms")}
    columns |= {name: np.array([1, 1]) for name in ("energy_uwh", "price_gwei_per_kwh")}
    columns[column] = np.array([0, value])
    if column == "energy_uwh":
        columns[column][0] = 1
    with pytest.raises(MarketRefusal, match=words):
        BookArrays(np.array([True, False]), **columns)


def test_arrays_refuse_when_lengths_or_types_differ() -> None:
    two, three = np.array([0, 1]), np.array([0, 1, 1])
    with pytest.raises(MarketRefusal, match="differ in length"):
        BookArrays(np.array([True, False]), two, three, two, two)
    with pytest.raises(MarketRefusal, match="must be int64"):
        BookArrays(np.array([True, False]), two, two, two / 2, two)
    with pytest.raises(MarketRefusal, match="not one of uniform"):
        clear_arrays(as_arrays([]), "mcafee")
