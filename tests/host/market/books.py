"""Books that the market's tests share: readable ones, random ones, and what must hold of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import strategies as st

from hub.market.records import BID, OFFER, Clearing, Order

KWH = 10**9  # uWh
EUR = 10**9  # gwei: prices of .28 per kWh become 280,000,000 gwei/kWh

# The order book of the facts: price, kWh.
BIDS = [(".28", 4), (".24", 3), (".20", 5), (".14", 2)]
OFFERS = [(".11", 3), (".15", 4), (".19", 2), (".25", 6)]


def gwei(price: str) -> int:
    """Return a price of text such as ".28" in gwei/kWh."""
    return int(Decimal(price) * EUR)


def book(bids: Sequence[tuple[str, int]], offers: Sequence[tuple[str, int]]) -> list[Order]:
    """Return orders B1, B2, ... and S1, S2, ... of different peers, placed in this order."""
    sides = [(BID, "B", bids), (OFFER, "S", offers)]
    return [
        Order(f"{letter}{number}", f"peer-{letter}{number}", side, kwh * KWH, gwei(price), number)
        for side, letter, rows in sides
        for number, (price, kwh) in enumerate(rows, start=1)
    ]


def order(order_id: str, peer: str, energy_uwh: int, price: int, placed_at_ms: int = 0) -> Order:
    """Return a bid when the id starts with B, else an offer."""
    side = BID if order_id.startswith("B") else OFFER
    return Order(order_id, peer, side, energy_uwh, price, placed_at_ms)


def traded(clearing: Clearing) -> list[tuple[object, object, int]]:
    """Return bid, offer and kWh (whole ones) of every trade."""
    return [(trade.bid, trade.offer, trade.energy_uwh // KWH) for trade in clearing.trades]


@st.composite
def random_books(
    draw: st.DrawFn, most: int = 12, peers: int = 4, energies: st.SearchStrategy[int] | None = None
) -> list[Order]:
    """Draw a book in which few peers hold many orders, so that self-trades are frequent."""
    energy = st.integers(1, 9) if energies is None else energies
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from([BID, OFFER]),
                st.integers(1, peers),
                energy,
                st.integers(0, 12),
                st.integers(0, 3),
            ),
            max_size=most,
        )
    )
    return [
        Order(number, f"peer-{peer}", side, energy_uwh, price, placed_at_ms)
        for number, (side, peer, energy_uwh, price, placed_at_ms) in enumerate(rows, start=1)
    ]


def assert_lawful(orders: Sequence[Order], clearing: Clearing) -> None:
    """Check what holds of every mechanism.

    No self-trade, energies kept and accounted for, both sides within their limits, nobody pays
    less than the other side gets, welfare as stated.
    """
    of = {order.order_id: order for order in orders}
    moved_uwh: Counter[object] = Counter()
    welfare_wei = 0
    for trade in clearing.trades:
        bid, offer = of[trade.bid], of[trade.offer]
        assert (bid.side, offer.side) == (BID, OFFER)
        assert (trade.buyer, trade.seller) == (bid.peer, offer.peer)
        assert trade.buyer != trade.seller
        assert trade.energy_uwh > 0
        assert trade.buy_gwei_per_kwh <= trade.buy_exact <= bid.price_gwei_per_kwh
        assert offer.price_gwei_per_kwh <= trade.sell_gwei_per_kwh <= trade.buy_gwei_per_kwh
        moved_uwh[trade.bid] += trade.energy_uwh
        moved_uwh[trade.offer] += trade.energy_uwh
        welfare_wei += trade.energy_uwh * (bid.price_gwei_per_kwh - offer.price_gwei_per_kwh)
    assert clearing.welfare_wei == welfare_wei
    rest_uwh = {rest.order_id: rest.energy_uwh for rest in clearing.unmatched}
    assert all(rest > 0 for rest in rest_uwh.values())
    for one in orders:
        assert moved_uwh[one.order_id] + rest_uwh.get(one.order_id, 0) == one.energy_uwh
