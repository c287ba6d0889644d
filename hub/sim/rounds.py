"""Who shares at a community price in which order: a community and its prices enter, rounds leave.

In a hybrid market each community shares first, then all of them between each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hub.sim.community import Community, Tariff
from hub.sim.scenario import Market
from hub.sim.worth import arriving_share

Values = npt.NDArray[np.float64]
Members = npt.NDArray[np.bool_]
Chosen = Members | slice
"""Which columns of (slots, peers)."""


@dataclass(frozen=True)
class Round:
    """Who shares, on which terms, and between which prices."""

    chosen: Chosen
    terms: Market
    inside: Tariff


def rounds_of(
    community: Community, inside: Tariff, net_w: Callable[[Members], Values]
) -> list[Round]:
    """Return the rounds of a block; `inside` as of `hub.sim.worth.worth`, `net_w` gives the deficit
    of some members less what their surplus would bring, per slot."""
    market, traders = community.market, community.wishes.traders
    everybody = slice(None) if traders is None else traders
    if market.design == "community":
        return [Round(everybody, market, inside)]
    if market.design != "hybrid":
        return []
    members = _members(community, traders)
    limits = _tariffs_inside([net_w(one) for one in members], inside)
    own = [Round(one, market, prices) for one, prices in zip(members, limits, strict=True)]
    return [*own, Round(everybody, _between(market), inside)]


def _members(community: Community, traders: Members | None) -> list[Members]:
    """Return the trading members of each community as a mask over all peers."""
    names = np.array(community.communities)
    everybody = np.ones(community.size, dtype=bool) if traders is None else traders
    return [(names == name) & everybody for name in dict.fromkeys(community.communities)]


def _tariffs_inside(net_w: list[Values], tariff: Tariff) -> list[Tariff]:
    """Return the tariffs that each community's own price is formed between.

    A community with a deficit buys from the others at the middle of the grid's prices before it
    buys from the grid, so its retail price is the mean of the two; likewise its feed-in price when
    it has a surplus: as `hub.market.nesting.settle_hybrid`.
    """
    deficit_w = sum((np.maximum(one, 0.0) for one in net_w), np.zeros(len(tariff.retail)))
    surplus_w = sum((np.maximum(-one, 0.0) for one in net_w), np.zeros(len(tariff.retail)))
    middle = (tariff.retail + tariff.feed_in) / 2
    met_w = np.minimum(deficit_w, surplus_w)
    retail = tariff.retail + ratio(met_w, deficit_w, 0.0) * (middle - tariff.retail)
    feed_in = tariff.feed_in + ratio(met_w, surplus_w, 0.0) * (middle - tariff.feed_in)
    return [
        Tariff(
            np.where(one > 0, retail, tariff.retail),
            np.where(one > 0, tariff.feed_in, feed_in),
            tariff.co2_kg_per_kwh,
        )
        for one in net_w
    ]


def _between(market: Market) -> Market:
    """Return the terms between communities: bilateral, at the middle of the grid's prices."""
    return Market(mechanism="mid-market-rate", loss_permille=market.loss_permille)


def ratio(above: Values, below: Values, otherwise: float) -> Values:
    """Return above / below, `otherwise` where there is nothing below."""
    return np.divide(above, below, out=np.full(len(above), otherwise), where=below > 0)


def net_of(deficit_w: Values, surplus_w: Values, market: Market) -> Values:
    """Return the deficit of some peers, (slots, peers), less what their surplus would bring."""
    return deficit_w.sum(axis=1) - arriving_share(market) * surplus_w.sum(axis=1)
