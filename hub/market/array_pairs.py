"""A book as arrays enters, its welfare-maximal matching without self-trade leaves as arrays.

The same matching as merit.py, which states and proves it. Here every pair of a bid and an offer is
a stretch of the energy axis: the ends of the bids and of the offers on it cut it into trades.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hub.market.untangle import Pairing, exchange_partners

if TYPE_CHECKING:
    from hub.market.arrays import BookArrays, Integers

WIDEST_KEY = 2**62
MANY_OWN = 12  # more than one self-trade in so many is worth copying columns to lists


@dataclass(frozen=True)
class ArrayPart:
    """Trades of one part of the market in merit order: positions in the book, and energy."""

    bid: Integers
    offer: Integers
    energy_uwh: Integers


def match_arrays(book: BookArrays) -> tuple[ArrayPart, ...]:
    """Return the matching in one part, or in two where a peer is dominant."""
    bids = _merit_order(book, np.flatnonzero(book.is_bid), is_descending=True)
    offers = _merit_order(book, np.flatnonzero(~book.is_bid), is_descending=False)
    bid_rank, offer_rank, energy_uwh = _pair(book, bids, offers)
    buyer, seller = book.peer[bids[bid_rank]], book.peer[offers[offer_rank]]
    own = np.flatnonzero(buyer == seller)
    if len(own) == 0:
        return (ArrayPart(bids[bid_rank], offers[offer_rank], energy_uwh),)
    pairing = Pairing(bid_rank, offer_rank, energy_uwh, buyer, seller)
    peer = _dominant_peer(pairing, len(book.peer))
    if peer is None:
        bid_rank, offer_rank, energy_uwh = _untangle(pairing, own)
        return (ArrayPart(bids[bid_rank], offers[offer_rank], energy_uwh),)
    is_own_bid, is_own_offer = book.peer[bids] == peer, book.peer[offers] == peer
    return (
        _part(book, bids[is_own_bid], offers[~is_own_offer]),
        _part(book, bids[~is_own_bid], offers[is_own_offer]),
    )


def _part(book: BookArrays, bids: Integers, offers: Integers) -> ArrayPart:
    bid_rank, offer_rank, energy_uwh = _pair(book, bids, offers)
    return ArrayPart(bids[bid_rank], offers[offer_rank], energy_uwh)


def _merit_order(book: BookArrays, orders: Integers, *, is_descending: bool) -> Integers:
    """Return the positions of one side's orders by price, time and id rank."""
    if len(orders) == 0:
        return orders
    price = book.price_gwei_per_kwh[orders]
    cost = price.max() - price if is_descending else price - price.min()
    delay = book.placed_at_ms[orders]
    first, last = int(delay.min()), int(delay.max())
    if (int(cost.max()) + 1) * (last - first + 1) >= WIDEST_KEY:
        keys = (delay, cost) if book.id_rank is None else (book.id_rank[orders], delay, cost)
        return orders[np.lexsort(keys)]
    key = cost * (last - first + 1) + (delay - first)
    order = np.argsort(key)
    _break_ties(order, key, orders if book.id_rank is None else book.id_rank[orders])
    return orders[order]


def _break_ties(order: Integers, key: Integers, id_rank: Integers) -> None:
    """Sort stretches of equal keys by id rank, in place."""
    ordered = key[order]
    is_equal = ordered[1:] == ordered[:-1]
    if not is_equal.any():
        return
    is_tied = np.zeros(len(order), dtype=bool)
    is_tied[1:] |= is_equal
    is_tied[:-1] |= is_equal
    tied = order[is_tied]
    order[is_tied] = tied[np.lexsort((id_rank[tied], key[tied]))]


def _pair(
    book: BookArrays, bids: Integers, offers: Integers
) -> tuple[Integers, Integers, Integers]:
    """Return ranks of bid and offer and the energy of each trade."""
    bid_ends = np.cumsum(book.energy_uwh[bids])
    offer_ends = np.cumsum(book.energy_uwh[offers])
    matched_uwh = _matched_uwh(book, (bids, bid_ends), (offers, offer_ends))
    if matched_uwh == 0:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none
    own_ends = bid_ends[: np.searchsorted(bid_ends, matched_uwh)]
    ends = np.concatenate(
        [own_ends, offer_ends[: np.searchsorted(offer_ends, matched_uwh)], [matched_uwh]]
    )
    merged = np.argsort(ends, kind="stable")  # two sorted runs: linear
    ends = ends[merged]
    # Trades end where bids or offers end. All ends before one are below it: those of bids among
    # them are the bids that were used up, the others offers. Two that coincide are one trade's.
    first = np.flatnonzero(np.append(True, ends[1:] != ends[:-1]))
    is_bid_end = merged < len(own_ends)
    bid_rank: Integers = (np.cumsum(is_bid_end) - is_bid_end)[first]
    return bid_rank, first - bid_rank, np.diff(ends[first], prepend=0)


def _matched_uwh(
    book: BookArrays, demand: tuple[Integers, Integers], supply: tuple[Integers, Integers]
) -> int:
    """Return the energy up to which bids pay at least what offers ask."""
    (bids, bid_ends), (offers, offer_ends) = demand, supply
    price = book.price_gwei_per_kwh
    below, above = 0, len(bids)  # the number of bids that find an offer lies between
    while below < above:
        middle = (below + above) // 2
        start_uwh = bid_ends[middle - 1] if middle else 0
        at = np.searchsorted(offer_ends, start_uwh, side="right")
        if at < len(offers) and price[offers[at]] <= price[bids[middle]]:
            below = middle + 1
        else:
            above = middle
    if below == 0:
        return 0
    limit = price[bids[below - 1]]
    affordable = np.searchsorted(price[offers], limit, side="right")
    return min(int(bid_ends[below - 1]), int(offer_ends[affordable - 1]))


def _dominant_peer(pairing: Pairing, orders: int) -> int | None:
    """Return the peer that buys and sells more than all energy matched, or None."""
    moved_uwh = np.zeros(orders, dtype=np.int64)  # peer codes are below the number of orders
    np.add.at(moved_uwh, pairing.buyer, pairing.energy_uwh)
    np.add.at(moved_uwh, pairing.seller, pairing.energy_uwh)
    most = int(moved_uwh.argmax())
    return most if moved_uwh[most] > pairing.energy_uwh.sum() else None


class _Growing:
    """A column that takes appended values without being copied each time."""

    def __init__(self, base: Any) -> None:
        self.base = base
        self.added: list[int] = []

    def __len__(self) -> int:
        return len(self.base) + len(self.added)

    def __getitem__(self, at: int) -> Any:
        return self.base[at] if at < len(self.base) else self.added[at - len(self.base)]

    def __setitem__(self, at: int, value: int) -> None:
        if at < len(self.base):
            self.base[at] = value
        else:
            self.added[at - len(self.base)] = value

    def append(self, value: int) -> None:
        """Add a value at the end."""
        self.added.append(value)

    def columns(self) -> tuple[Integers, Integers]:
        """Return what the base has become, and what was appended."""
        return np.asarray(self.base), np.array(self.added, dtype=np.int64)


def _untangle(pairing: Pairing, own: Integers) -> tuple[Integers, Integers, Integers]:
    """Do what `untangle.untangle` does; only bids that were touched are sorted again."""
    columns = (pairing.bid, pairing.offer, pairing.energy_uwh, pairing.buyer, pairing.seller)
    # Single elements of an array are slow to reach, copying all of it into a list takes its time.
    is_many = len(own) * MANY_OWN > len(pairing.bid)
    grown = Pairing(*(_Growing(one.tolist() if is_many else one.copy()) for one in columns))
    exchange_partners(grown, own.tolist())
    bid, added_bid = grown.bid.columns()
    offer, added_offer = grown.offer.columns()
    energy_uwh, added_uwh = grown.energy_uwh.columns()
    is_touched = np.zeros(int(bid[-1]) + 1, dtype=bool)
    is_touched[bid[offer != pairing.offer]] = True
    is_touched[added_bid] = True
    order = np.argsort(added_bid, kind="stable")
    at = np.searchsorted(bid, added_bid[order], side="right")
    bid = np.insert(bid, at, added_bid[order])
    offer = np.insert(offer, at, added_offer[order])
    energy_uwh = np.insert(energy_uwh, at, added_uwh[order])
    again = np.flatnonzero(is_touched[bid])
    resorted = again[np.lexsort((offer[again], bid[again]))]
    offer[again], energy_uwh[again] = offer[resorted], energy_uwh[resorted]
    is_first = np.append(True, (bid[1:] != bid[:-1]) | (offer[1:] != offer[:-1]))
    starts = np.flatnonzero(is_first)
    return bid[starts], offer[starts], np.add.reduceat(energy_uwh, starts)
