"""A pairing with self-trades enters, one of the same accepted amounts without them leaves.

A self-trade of peer p and a trade that p has no part in exchange their offers. Neither result is a
self-trade of anyone, and every order keeps its amount. While b_p + s_p <= Q such trades hold at
least as much energy as p's self-trades, so the exchange always finds its partner (merit.py). The
nearest later trade is taken, then the search wraps round; it passes a trade of p at most twice for
each p, so the whole is linear in the number of trades.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class Pairing:
    """Trades as columns: ranks of bid and offer in merit order, energy, and whose orders they are.

    Peers are names or codes; the columns are lists, or NumPy arrays that `Columns` lets grow.
    """

    bid: Any
    offer: Any
    energy_uwh: Any
    buyer: Any
    seller: Any

    def add(self, bid: int, offer: int, energy_uwh: int, buyer: Any, seller: Any) -> None:
        """Append one trade."""
        self.bid.append(bid)
        self.offer.append(offer)
        self.energy_uwh.append(energy_uwh)
        self.buyer.append(buyer)
        self.seller.append(seller)

    def has_part(self, at: int, peer: Any) -> bool:
        """Tell whether `peer` buys or sells in the trade at a position."""
        return bool(self.buyer[at] == peer or self.seller[at] == peer)


def untangle(pairing: Pairing) -> Pairing:
    """Return a new pairing of the same orders without self-trade; no peer may be dominant.

    Trades are sorted by bid, then offer; a pair that meets twice is one trade.
    """
    mended = Pairing(
        list(pairing.bid),
        list(pairing.offer),
        list(pairing.energy_uwh),
        list(pairing.buyer),
        list(pairing.seller),
    )
    own = [at for at, buyer in enumerate(mended.buyer) if buyer == mended.seller[at]]
    exchange_partners(mended, own)
    return _in_order(mended)


def exchange_partners(pairing: Pairing, own: Sequence[int]) -> None:
    """Mend the self-trades at the positions `own`, in place; new trades are appended."""
    cursors: dict[Any, _Cursor] = {}
    for at in own:
        peer = pairing.buyer[at]
        # An exchange for another peer may have mended this one already.
        if pairing.seller[at] != peer:
            continue
        cursor = cursors.setdefault(peer, _Cursor())
        while pairing.seller[at] == peer:
            _exchange(pairing, at, cursor.find(pairing, peer, at))


@dataclass
class _Cursor:
    """Where the search for trades without one peer stands."""

    at: int = 0
    has_wrapped: bool = False

    def find(self, pairing: Pairing, peer: Any, start: int) -> int:
        """Return the next position without `peer`, from `start` on at first."""
        if not self.has_wrapped:
            self.at = max(self.at, start)
        while self.at == len(pairing.bid) or pairing.has_part(self.at, peer):
            self.at += 1
            if self.at >= len(pairing.bid):
                self.at, self.has_wrapped = 0, True
        return self.at


def _exchange(pairing: Pairing, own: int, other: int) -> None:
    """Exchange the offers of two trades; what the larger has more stays where it was."""
    offers = (pairing.offer[own], pairing.offer[other])
    sellers = (pairing.seller[own], pairing.seller[other])
    energy_uwh = min(pairing.energy_uwh[own], pairing.energy_uwh[other])
    for at, new in ((own, 1), (other, 0)):
        if pairing.energy_uwh[at] == energy_uwh:
            pairing.offer[at], pairing.seller[at] = offers[new], sellers[new]
        else:
            pairing.energy_uwh[at] -= energy_uwh
            pairing.add(pairing.bid[at], offers[new], energy_uwh, pairing.buyer[at], sellers[new])


def _in_order(pairing: Pairing) -> Pairing:
    result = Pairing([], [], [], [], [])
    columns = (pairing.bid, pairing.offer, pairing.energy_uwh, pairing.buyer, pairing.seller)
    for bid, offer, energy_uwh, buyer, seller in sorted(zip(*columns, strict=True)):
        if result.bid and (result.bid[-1], result.offer[-1]) == (bid, offer):
            result.energy_uwh[-1] += energy_uwh
        else:
            result.add(bid, offer, energy_uwh, buyer, seller)
    return result
