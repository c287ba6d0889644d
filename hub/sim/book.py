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
from hub.sim.community import Community, Tariff

Values = npt.NDArray[np.float64]

NANO = 1e9
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
    community: Community, start: int, deficit_w: Values, offered_w: Values, tariff: Tariff
) -> list[Pair]:
    """Clear the book of each slot of a block that starts at slot `start`.

    `offered_w` is what the sellers' surplus brings to the buyers, losses deducted.
    """
    prices = limit_prices(community, start, tariff)
    pairs: list[Pair] = []
    for row in range(len(deficit_w)):
        positions_w = deficit_w[row] - offered_w[row]
        own_prices = (prices[0][row], prices[1][row])
        orders = _orders(community, start + row, positions_w, own_prices)
        for trade in _clear(community, orders).trades:
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


def _orders(
    community: Community, slot: int, positions_w: Values, prices: tuple[Values, Values]
) -> list[Order]:
    """Return one order a peer, in random order of time; `prices` are bids and asks in EUR/kWh."""
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
                max(0, round(float(prices[0 if is_bid else 1][peer]) * NANO)),
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


def limit_prices(community: Community, start: int, tariff: Tariff) -> tuple[Values, Values]:
    """Return what each peer bids and asks in EUR/kWh, (slots, peers).

    The limits are the peer's wishes, without them the retail tariff less the network fee and the
    feed-in tariff. Truthful peers order at them; zero-intelligence ones (Gode and Sunder, 1993,
    doi:10.1086/261868) at random between them and the grid's other price.
    """
    market, shape = community.market, (len(tariff.retail), community.size)
    highest = np.empty(shape)
    lowest = np.empty(shape)
    highest[:] = (tariff.retail - market.network_eur_per_kwh)[:, None]
    lowest[:] = tariff.feed_in[:, None]
    for place, peer in enumerate(community.peers):
        wishes = peer.preferences
        if wishes.highest_buying_eur_per_kwh is not None:
            highest[:, place] = np.minimum(highest[:, place], wishes.highest_buying_eur_per_kwh)
        if wishes.lowest_selling_eur_per_kwh is not None:
            lowest[:, place] = np.maximum(lowest[:, place], wishes.lowest_selling_eur_per_kwh)
    if market.bidding == "truthful":
        return highest, lowest
    bids, asks = np.empty(shape), np.empty(shape)
    for row in range(shape[0]):
        chance = np.random.default_rng([market.seed, 1, start + row])
        low, high = tariff.feed_in[row], tariff.retail[row]
        bids[row] = highest[row] - chance.random(community.size) * np.maximum(highest[row] - low, 0)
        asks[row] = lowest[row] + chance.random(community.size) * np.maximum(high - lowest[row], 0)
    return bids, asks
