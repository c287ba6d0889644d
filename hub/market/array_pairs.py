"""A book as arrays enters, its welfare-maximal matching without self-trade leaves as arrays.

The same matching as merit.py, which states and proves it. Here every pair of a bid and an offer is
a stretch of the energy axis: the ends of the bids and of the offers on it cut it into trades.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hub.market.untangle import Pairing, exchange_partners

if TYPE_CHECKING:
    from hub.market.arrays import BookArrays, Integers

WIDEST_KEY = 2**62


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
    peer = _dominant_peer(buyer, seller, energy_uwh)
    if peer is None:
        pairing = Pairing(bid_rank, offer_rank, energy_uwh, buyer, seller)
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
    order = np.argsort(key, kind="stable")
    if book.id_rank is not None:
        _break_ties(order, key, book.id_rank[orders])
    return orders[order]


def _break_ties(order: Integers, key: Integers, id_rank: Integers) -> None:
    """Sort stretches of equal keys by id rank, in place."""
    ordered = key[order]
    is_equal = ordered[1:] == ordered[:-1]
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
    ends = np.concatenate(
        [
            bid_ends[: np.searchsorted(bid_ends, matched_uwh)],
            offer_ends[: np.searchsorted(offer_ends, matched_uwh)],
            np.array([matched_uwh] if matched_uwh else [], dtype=np.int64),
        ]
    )
    ends.sort(kind="stable")  # merges the two sorted runs
    if len(ends):
        ends = ends[np.append(ends[1:] != ends[:-1], True)]
    bid_rank = np.searchsorted(bid_ends, ends)
    offer_rank = np.searchsorted(offer_ends, ends)
    return bid_rank, offer_rank, np.diff(ends, prepend=0)


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


def _dominant_peer(buyer: Integers, seller: Integers, energy_uwh: Integers) -> int | None:
    """Return the peer that buys and sells more than all energy matched, or None."""
    codes, place = np.unique(np.concatenate([buyer, seller]), return_inverse=True)
    moved_uwh = np.zeros(len(codes), dtype=np.int64)
    np.add.at(moved_uwh, place, np.concatenate([energy_uwh, energy_uwh]))
    most = int(moved_uwh.argmax())
    return int(codes[most]) if moved_uwh[most] > energy_uwh.sum() else None


class _Growing:
    """A column that takes appended values without being copied each time."""

    def __init__(self, base: Integers) -> None:
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

    def array(self) -> NDArray[np.int64]:
        """Return all values."""
        return np.concatenate([self.base, np.array(self.added, dtype=np.int64)])


def _untangle(pairing: Pairing, own: Integers) -> tuple[Integers, Integers, Integers]:
    """Do what `untangle.untangle` does; only bids that were touched are sorted again."""
    before = pairing.offer.copy()
    grown = Pairing(
        *(
            _Growing(column)
            for column in (
                pairing.bid,
                pairing.offer,
                pairing.energy_uwh,
                pairing.buyer,
                pairing.seller,
            )
        )
    )
    exchange_partners(grown, own.tolist())
    changed = grown.bid.base[grown.offer.base != before]
    touched = np.unique(np.concatenate([changed, np.array(grown.bid.added, dtype=np.int64)]))
    bid, offer, energy_uwh = (grown.bid.array(), grown.offer.array(), grown.energy_uwh.array())
    order = np.argsort(bid, kind="stable")
    bid, offer, energy_uwh = bid[order], offer[order], energy_uwh[order]
    again = np.flatnonzero(np.isin(bid, touched))
    resorted = again[np.lexsort((offer[again], bid[again]))]
    offer[again], energy_uwh[again] = offer[resorted], energy_uwh[resorted]
    starts = np.flatnonzero(np.append(True, (bid[1:] != bid[:-1]) | (offer[1:] != offer[:-1])))
    return bid[starts], offer[starts], np.add.reduceat(energy_uwh, starts)
