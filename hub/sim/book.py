"""Order books inside the simulator: positions of a block enter, cleared trades leave.

Every slot has one sealed or continuous book, cleared by the exact functions that the hub uses.
Prices enter it as nano-euro per kWh, which has the scale of gwei per kWh; energies as uWh, rounded
down, so that nobody trades more than it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from hub.market.clearing import CLEAR, clear_pro_rata
from hub.market.network import DistanceCharge
from hub.market.preferences import Rules, clear_preferred
from hub.market.records import BID, OFFER, Clearing, Order, Preference
from hub.sim.bidding import NANO, Bidders
from hub.sim.community import Community, Tariff

Values = npt.NDArray[np.float64]

UWH_PER_WH = 1e6


@dataclass(frozen=True)
class Pair:
    """Energy that reached a buyer from a seller in a slot (of the run), and its price."""

    slot: int
    seller: int
    buyer: int
    energy_kwh: float
    price_eur_per_kwh: float


def clear_slots(
    bidders: Bidders,
    community: Community,
    start: int,
    positions_w: tuple[Values, Values],
    tariff: Tariff,
) -> list[Pair]:
    """Clear the book of each slot of a block that starts at slot `start`.

    `positions_w`: the buyers' deficit, and what the sellers' surplus brings them, losses deducted.
    """
    pairs: list[Pair] = []
    for row in range(len(positions_w[0])):
        position_w = positions_w[0][row] - positions_w[1][row]
        prices = bidders.prices(start + row, tariff, row, position_w > 0)
        orders = _orders(community, start + row, position_w, prices.tolist())
        clearing = _clear(community, orders)
        if bidders.has_learners:
            _tell(bidders, orders, clearing)
        for trade in clearing.trades:
            assert isinstance(trade.offer, int) and isinstance(trade.bid, int)
            pairs.append(
                Pair(
                    start + row,
                    trade.offer,
                    trade.bid,
                    trade.energy_uwh / UWH_PER_WH / 1000,
                    trade.sell_gwei_per_kwh / NANO,
                )
            )
    return pairs


def _tell(bidders: Bidders, orders: list[Order], clearing: Clearing) -> None:
    """Tell every peer what came of its order, and all of them what energy traded at."""
    left = {int(order.order_id): order.energy_uwh for order in orders}
    prices: dict[int, int] = {}
    paid = energy = 0
    for trade in clearing.trades:
        for peer, price in (
            (int(trade.bid), trade.buy_gwei_per_kwh),
            (int(trade.offer), trade.sell_gwei_per_kwh),
        ):
            left[peer] -= trade.energy_uwh
            prices[peer] = int(price)
        paid += trade.energy_uwh * int(trade.sell_gwei_per_kwh)
        energy += trade.energy_uwh
    bidders.learn(left, prices, paid // energy if energy else None)


def _orders(community: Community, slot: int, positions_w: Values, prices: list[int]) -> list[Order]:
    """Return one order a peer, in random order of time; `prices` are in nano-euro per kWh."""
    chance = np.random.default_rng([community.market.seed, 2, slot])
    turn = chance.permutation(community.size)
    orders = []
    for peer, position_w in enumerate(positions_w.tolist()):
        is_bid = position_w > 0
        energy_uwh = int(abs(position_w) * community.clock.slot_hours * UWH_PER_WH)
        if energy_uwh == 0:
            continue
        orders.append(
            Order(
                peer,
                community.names[peer],
                BID if is_bid else OFFER,
                energy_uwh,
                prices[peer],
                int(turn[peer]),
                _preference(community, peer, is_bid),
            )
        )
    return orders


def _clear(community: Community, orders: list[Order]) -> Clearing:
    mechanism = community.market.mechanism
    if mechanism == "preferred":
        return clear_preferred(orders, _rules(community))
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


def _preference(community: Community, peer: int, is_bid: bool) -> Preference:
    if peer >= len(community.peers):
        return Preference()
    wishes = community.peers[peer].preferences
    if is_bid or not wishes.buyers:
        return Preference()
    return Preference(partners=frozenset(wishes.buyers))
