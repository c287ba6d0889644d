"""Order books inside the simulator: positions of a block enter, cleared trades leave.

Every slot has one sealed or continuous book, cleared by the exact functions that the hub uses.
Prices enter it as nano-euro per kWh, which has the scale of gwei per kWh; energies as uWh.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from hub.errors import BadInput
from hub.market.clearing import CLEAR, clear_pro_rata
from hub.market.network import DistanceCharge
from hub.market.preferences import Rules, clear_preferred
from hub.market.records import Clearing, MarketRefusal, Order
from hub.sim.bidding import NANO, Bidders
from hub.sim.community import Community, Tariff
from hub.sim.orders import MCAFEE, PREFERRED, UWH_PER_WH, orders_of, peer_of
from hub.sim.origins import Mix

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Energy that reached a buyer from a seller in a slot (of the run), and its price.

    `source`: where the book knew it; empty is the seller's mix then. `fee_eur_per_kwh`: what
    the buyer pays beside the price to the network operator, where the clearing decides it.
    """

    slot: int
    seller: int
    buyer: int
    energy_kwh: float
    price_eur_per_kwh: float
    source: str = ""
    fee_eur_per_kwh: float = 0.0


def clear_slots(
    bidders: Bidders,
    community: Community,
    start: int,
    positions_w: tuple[Values, Values],
    tariff: Tariff,
    mix: Mix | None = None,
) -> list[Pair]:
    """Clear the book of each slot of a block that starts at slot `start`.

    `positions_w`: the buyers' deficit, and what the sellers' surplus brings them, losses deducted.
    `mix`: what it comes from; None where nobody asks.
    """
    pairs: list[Pair] = []
    for row in range(len(positions_w[0])):
        slot = start + row
        position_w = positions_w[0][row] - positions_w[1][row]
        prices = bidders.prices(slot, tariff, row, position_w > 0)
        orders = orders_of(community, slot, position_w, prices.tolist(), (mix, row))
        clearing = _clear(community, slot, orders)
        if bidders.has_learners:
            _tell(bidders, community, orders, clearing)
        pairs += _pairs(community, slot, orders, clearing)
    return pairs


def _pairs(
    community: Community, slot: int, orders: Sequence[Order], clearing: Clearing
) -> Iterator[Pair]:
    """Return who met whom; what several orders of two peers trade at one price is one pair."""
    has_units = community.market.mechanism == MCAFEE
    is_divided = has_units or community.market.mechanism == PREFERRED
    source = {one.order_id: one.preference.origin for one in orders} if is_divided else {}
    of_two: dict[tuple[int, int, str, int, int], int] = {}
    for trade in clearing.trades:
        key = (
            peer_of(community, trade.offer),
            peer_of(community, trade.bid),
            source.get(trade.offer, ""),
            trade.sell_gwei_per_kwh,
            # `settle` books charges by distance itself.
            trade.buy_gwei_per_kwh - trade.sell_gwei_per_kwh if has_units else 0,
        )
        of_two[key] = of_two.get(key, 0) + trade.energy_uwh
    for (seller, buyer, origin, price, surplus), energy_uwh in of_two.items():
        kwh = energy_uwh / UWH_PER_WH / 1000
        yield Pair(slot, seller, buyer, kwh, price / NANO, origin, surplus / NANO)


def _tell(
    bidders: Bidders, community: Community, orders: Sequence[Order], clearing: Clearing
) -> None:
    """Tell every peer what came of its orders, and all of them what energy traded at."""
    left: dict[int, int] = {}
    for order in orders:
        peer = peer_of(community, order.order_id)
        left[peer] = left.get(peer, 0) + order.energy_uwh
    prices: dict[int, int] = {}
    paid = energy = 0
    for trade in clearing.trades:
        for peer, price in (
            (peer_of(community, trade.bid), trade.buy_gwei_per_kwh),
            (peer_of(community, trade.offer), trade.sell_gwei_per_kwh),
        ):
            left[peer] -= trade.energy_uwh
            prices[peer] = int(price)
        paid += trade.energy_uwh * int(trade.sell_gwei_per_kwh)
        energy += trade.energy_uwh
    bidders.learn(left, prices, paid // energy if energy else None)


def _clear(community: Community, slot: int, orders: list[Order]) -> Clearing:
    mechanism = community.market.mechanism
    if mechanism == PREFERRED:
        try:
            return clear_preferred(orders, _rules(community))
        except MarketRefusal as refusal:
            where = f"{community.path}, [market], mechanism: {community.clock.label(slot)}"
            raise BadInput(f"{where}: {refusal}") from refusal
    if mechanism == "uniform":
        # Truthful peers ask the same: who is tied shares, instead of who happened to be first.
        return clear_pro_rata(orders, Fraction(community.market.k).limit_denominator(1_000_000))
    return CLEAR[mechanism](orders)


def _rules(community: Community) -> Rules:
    """Return own community first, and the charge by distance (which `settle` books as a fee)."""
    homes = {
        name: home
        for name, home in zip(community.names, community.communities, strict=True)
        if home
    }
    rate = community.market.network_eur_per_kwh_km
    if rate == 0:
        return Rules(community_of=homes)
    place_m = {
        peer.name: (round(peer.position_m[0]), round(peer.position_m[1]))
        for peer in community.peers
        if peer.position_m is not None
    }
    return Rules(DistanceCharge(place_m, round(rate * NANO)), homes)
