"""What a kWh between peers is worth at least and at most: tariffs and a market's charges enter, the
prices between which nobody loses leave.

A buyer saves the retail price and pays the network fee; a seller gives up the feed-in tariff of all
that it sells, of which only what is not lost on the way is paid for. So a trade gains where
    price >= feed-in / kept   and   price <= retail - fee,
and there is no such price where the fee eats the gain. Community prices are formed between these
two, published formulas with other names for retail and feed-in; without fee and losses they are
the tariffs. A charge by distance is a pair's own: `reach_km` says how far a price carries.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.sim.community import Community, Tariff
from hub.sim.scenario import Market

Values = npt.NDArray[np.float64]
M_PER_KM = 1000.0


def arriving_share(market: Market) -> float:
    """Return which part of the energy sold between peers reaches the buyer."""
    return 1 - market.loss_permille / 1000


def worth(market: Market, tariff: Tariff) -> Tariff:
    """Return what a kWh that arrives saves its buyer, and costs its seller, in each slot."""
    retail = tariff.retail - market.network_eur_per_kwh
    return Tariff(retail, tariff.feed_in / arriving_share(market), tariff.co2_kg_per_kwh)


def gains(market: Market, tariff: Tariff) -> npt.NDArray[np.bool_]:
    """Return in which slots peers can trade at all without a loss to one of them."""
    inside = worth(market, tariff)
    return inside.retail >= inside.feed_in


def ways_km(community: Community) -> Values:
    """Return the distances between all peers, beeline; NaN where a place is not known."""
    places_m = np.full((community.size, 2), np.nan)
    for number, peer in enumerate(community.peers):
        if peer.position_m is not None:
            places_m[number] = peer.position_m
    apart_m = places_m[:, None, :] - places_m[None, :, :]
    return np.hypot(apart_m[..., 0], apart_m[..., 1]) / M_PER_KM


def reach_km(market: Market, retail: float, price: float) -> float:
    """Return how far energy at a price may come before its buyer loses; `retail` is its worth."""
    return (retail - price) / market.network_eur_per_kwh_km
