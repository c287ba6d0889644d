"""A book enters, its welfare-maximal matching without self-trade leaves.

Merit order: bids by price descending, offers ascending; ties by time, then by order id. The best
bid meets the best offer as long as it pays at least what the offer asks. That matching maximises
welfare, and among those the energy traded. A peer must not trade with itself:

Let Q be the energy matched, b_p and s_p what peer p buys and sells in it. Accepted amounts can be
paired without self-trade if and only if b_p + s_p <= Q for every p (Gale's supply-demand theorem:
two sellers together reach every buyer, p alone reaches Q - b_p). Since all b_p and s_p add to 2 Q,
at most one peer breaks that; call it dominant.

*No peer is dominant:* the accepted amounts stay, so welfare stays that of the book without the
ban; `untangle` exchanges partners. *Peer p is dominant:* by concavity the best permitted matching
has b_p + s_p = Q. Then others sell Q - s_p = b_p in total, all of it to p, and buy only from p: the
market is two markets that share no order, p's bids with the others' offers and the others' bids
with p's offers. Each is cleared by merit order, and neither can hold a self-trade.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hub.market.records import BID, Match, Order, OrderId
from hub.market.untangle import Pairing, untangle


def id_key(order_id: OrderId) -> tuple[int, str]:
    """Sort key of an id: shorter first, then alphabetical, so 9 < 10 and B9 < B10."""
    text = str(order_id)
    return len(text), text


def merit_order(orders: Sequence[Order]) -> tuple[list[Order], list[Order]]:
    """Return bids by price descending and offers ascending; ties by time, then id."""
    bids = [order for order in orders if order.side == BID]
    offers = [order for order in orders if order.side != BID]
    bids.sort(key=lambda o: (-o.price_gwei_per_kwh, o.placed_at_ms, id_key(o.order_id)))
    offers.sort(key=lambda o: (o.price_gwei_per_kwh, o.placed_at_ms, id_key(o.order_id)))
    return bids, offers


@dataclass(frozen=True)
class Part:
    """A market on its own: its orders in merit order, and who met whom."""

    bids: list[Order]
    offers: list[Order]
    matches: list[Match]


def match_orders(orders: Sequence[Order], charge_gwei_per_kwh: int = 0) -> tuple[Part, ...]:
    """Return the matching in one part, or in two where a peer is dominant.

    A bid and an offer may meet when the bid is above the offer by at least the charge.
    """
    bids, offers = merit_order(orders)
    pairing = _pair(bids, offers, charge_gwei_per_kwh)
    if not any(map(str.__eq__, pairing.buyer, pairing.seller)):
        return (_part(bids, offers, pairing),)
    peer = dominant_peer(pairing)
    if peer is None:
        return (_part(bids, offers, untangle(pairing)),)
    own_bids = [bid for bid in bids if bid.peer == peer]
    own_offers = [offer for offer in offers if offer.peer == peer]
    other_bids = [bid for bid in bids if bid.peer != peer]
    other_offers = [offer for offer in offers if offer.peer != peer]
    halves = ((own_bids, other_offers), (other_bids, own_offers))
    return tuple(_part(*half, _pair(*half, charge_gwei_per_kwh)) for half in halves)


def match_fully(bids: Sequence[Order], offers: Sequence[Order]) -> list[Match]:
    """Match bids and offers given in merit order; self-trades that cannot be mended are left out.

    That some cannot happens only where a peer is dominant.
    """
    pairing = _pair(bids, offers, 0)
    if dominant_peer(pairing) is None:
        pairing = untangle(pairing)
    matches = _part(bids, offers, pairing).matches
    return [match for match in matches if match.bid.peer != match.offer.peer]


def dominant_peer(pairing: Pairing) -> str | None:
    """Return the peer that buys and sells more than all energy matched, or None."""
    moved_uwh: Counter[str] = Counter()
    for buyer, seller, energy_uwh in zip(
        pairing.buyer, pairing.seller, pairing.energy_uwh, strict=True
    ):
        moved_uwh[buyer] += energy_uwh
        moved_uwh[seller] += energy_uwh
    peer, most_uwh = max(moved_uwh.items(), key=lambda item: item[1], default=("", 0))
    return peer if most_uwh > sum(pairing.energy_uwh) else None


def _pair(bids: Sequence[Order], offers: Sequence[Order], charge: int) -> Pairing:
    """Let the best remaining bid meet the best remaining offer while that pays."""
    pairing = Pairing([], [], [], [], [])
    bid_at = offer_at = bid_taken_uwh = offer_taken_uwh = 0
    while bid_at < len(bids) and offer_at < len(offers):
        bid, offer = bids[bid_at], offers[offer_at]
        if bid.price_gwei_per_kwh - offer.price_gwei_per_kwh < charge:
            break
        bid_left_uwh = bid.energy_uwh - bid_taken_uwh
        offer_left_uwh = offer.energy_uwh - offer_taken_uwh
        energy_uwh = min(bid_left_uwh, offer_left_uwh)
        pairing.add(bid_at, offer_at, energy_uwh, bid.peer, offer.peer)
        bid_taken_uwh += energy_uwh
        offer_taken_uwh += energy_uwh
        if energy_uwh == bid_left_uwh:
            bid_at, bid_taken_uwh = bid_at + 1, 0
        if energy_uwh == offer_left_uwh:
            offer_at, offer_taken_uwh = offer_at + 1, 0
    return pairing


def _part(bids: Sequence[Order], offers: Sequence[Order], pairing: Pairing) -> Part:
    columns = zip(pairing.bid, pairing.offer, pairing.energy_uwh, strict=True)
    matches = [Match(bids[bid], offers[offer], energy_uwh) for bid, offer, energy_uwh in columns]
    return Part(list(bids), list(offers), matches)
