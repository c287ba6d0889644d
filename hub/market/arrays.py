"""Order books as arrays enter, clearings as arrays leave, equal to those of `clearing`.

For books of 10^5 to 10^7 orders. Sorting costs most, so price and time are packed into one key
where they fit; everything after it is linear. Energies, prices and their sums are int64; a book
whose energy could overflow is refused, and welfare is summed in limbs (exact_sums.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hub.market.array_pairs import ArrayPart, match_arrays
from hub.market.clearing import check_k
from hub.market.exact_sums import sum_of_products
from hub.market.records import HALF, MarketRefusal

Integers: TypeAlias = NDArray[np.int64]

MECHANISMS = ("uniform", "pay-as-bid", "midpoint")
MOST_ENERGY_UWH = 2**62
HIGHEST_PRICE = 2**41  # prices times the finest denominator of k stay within int64


@dataclass(frozen=True)
class BookArrays:
    """A book, one element an order. `peer`: codes from 0 to below the number of orders.

    `id_rank` breaks ties of price and time, lowest first; without it the position does.
    Raises MarketRefusal when arrays differ in length or type, a code or amount is out of range, or
    all energies add up to 2^62 uWh or more.
    """

    is_bid: NDArray[np.bool_]
    peer: Integers
    energy_uwh: Integers
    price_gwei_per_kwh: Integers
    placed_at_ms: Integers
    id_rank: Integers | None = None

    def __post_init__(self) -> None:
        columns = [self.peer, self.energy_uwh, self.price_gwei_per_kwh, self.placed_at_ms]
        columns += [] if self.id_rank is None else [self.id_rank]
        if any(len(column) != len(self.is_bid) for column in columns):
            raise MarketRefusal("the arrays of a book differ in length")
        if any(column.dtype != np.int64 for column in columns):
            raise MarketRefusal("the arrays of a book must be int64")
        if len(self.is_bid) == 0:
            return
        if self.peer.min() < 0 or self.peer.max() >= len(self.peer):
            raise MarketRefusal("peer codes must be from 0 to below the number of orders")
        # As float, because the sum in question is the one that could overflow.
        if self.energy_uwh.min() <= 0 or self.energy_uwh.sum(dtype=float) >= MOST_ENERGY_UWH:
            raise MarketRefusal("energies must be positive and add up to less than 2^62 uWh")
        prices = self.price_gwei_per_kwh
        if prices.min() < 0 or prices.max() >= HIGHEST_PRICE:
            raise MarketRefusal("prices must be from 0 to 2^41 - 1 gwei/kWh")


@dataclass(frozen=True)
class ArrayClearing:
    """Trades as columns in merit order: positions of bid and offer in the book, energy, price.

    The exact price of trade t is `price_numerator[t] / price_denominator`. `unmatched_uwh`: what
    every order of the book has left. `price_exact`: the price of all, or None as in `Clearing`.
    """

    mechanism: str
    bid: Integers
    offer: Integers
    energy_uwh: Integers
    price_gwei_per_kwh: Integers
    price_numerator: Integers
    price_denominator: int
    unmatched_uwh: Integers
    welfare_wei: int
    price_exact: Fraction | None


def clear_arrays(book: BookArrays, mechanism: str = "uniform", k: Fraction = HALF) -> ArrayClearing:
    """Clear a book by one of `MECHANISMS`; `k` is of the uniform price."""
    check_k(k)
    if mechanism not in MECHANISMS:
        raise MarketRefusal(f"mechanism {mechanism!r} is not one of {', '.join(MECHANISMS)}")
    parts = match_arrays(book)
    bid, offer, energy_uwh = (
        np.concatenate([getattr(part, column) for part in parts])
        for column in ("bid", "offer", "energy_uwh")
    )
    bid_price = book.price_gwei_per_kwh[bid]
    offer_price = book.price_gwei_per_kwh[offer]
    numerator, denominator = _prices(mechanism, k, parts, bid_price, offer_price)
    unmatched_uwh = book.energy_uwh.copy()
    unmatched_uwh -= _moved_uwh(bid, energy_uwh, len(unmatched_uwh))
    unmatched_uwh -= _moved_uwh(offer, energy_uwh, len(unmatched_uwh))
    is_one_price = len(bid) > 0 and bool((numerator == numerator[0]).all())
    return ArrayClearing(
        mechanism,
        bid,
        offer,
        energy_uwh,
        numerator // denominator,
        numerator,
        denominator,
        unmatched_uwh,
        sum_of_products(energy_uwh, bid_price - offer_price),
        Fraction(int(numerator[0]), denominator) if is_one_price else None,
    )


def _prices(
    mechanism: str,
    k: Fraction,
    parts: tuple[ArrayPart, ...],
    bid_price: Integers,
    offer_price: Integers,
) -> tuple[Integers, int]:
    """Return exact prices as numerators over one denominator."""
    if mechanism == "pay-as-bid":
        return bid_price, 1
    if mechanism == "midpoint":
        return bid_price + offer_price, 2
    numerator = np.zeros(len(bid_price), dtype=np.int64)
    for trades in _price_groups(parts, bid_price, offer_price):
        lowest_bid, highest_offer = int(bid_price[trades].min()), int(offer_price[trades].max())
        numerator[trades] = k.numerator * lowest_bid + (k.denominator - k.numerator) * highest_offer
    return numerator, k.denominator


def _price_groups(
    parts: tuple[ArrayPart, ...], bid_price: Integers, offer_price: Integers
) -> list[slice]:
    """Return which trades share a uniform price: all where one suits all, else each part's."""
    if len(bid_price) == 0:
        return []
    if bid_price.min() >= offer_price.max():
        return [slice(0, len(bid_price))]
    ends = np.cumsum([0] + [len(part.bid) for part in parts])
    groups = [slice(start, end) for start, end in zip(ends[:-1], ends[1:], strict=True)]
    return [group for group in groups if group.start < group.stop]


def _moved_uwh(order: Integers, energy_uwh: Integers, orders: int) -> Integers:
    """Return the energy traded of every order (np.bincount would go through floats)."""
    moved_uwh = np.zeros(orders, dtype=np.int64)
    np.add.at(moved_uwh, order, energy_uwh)
    return moved_uwh
