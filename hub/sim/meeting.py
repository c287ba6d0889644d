"""Who meets whom in a block under a community price: what each buys and what arrives enters, pairs
leave, and what of it remains where the way of some would cost more than it gains.

A buyer pays the operator for the way (`network_eur_per_kwh_km`). Where a price plus that charge is
above retail the two do not trade: both turn to the grid. So nobody loses by trading, and near
neighbours are paired before far ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hub.sim.book import Pair
from hub.sim.community import W_PER_KW, Community, Tariff
from hub.sim.origins import Mix
from hub.sim.pairing import Reach, pair_up
from hub.sim.worth import reach_km, ways_km

Values = npt.NDArray[np.float64]

ROUNDING_EUR = 2e-9  # per kWh: both prices of a book are whole nano-euros


@dataclass(frozen=True)
class Shared:
    """What some peers share in a block, (slots, peers) in W: what each needs, what of each would
    arrive, what it bought and what of it arrived; and the price of each slot in EUR/kWh."""

    need_w: Values
    offer_w: Values
    bought_w: Values
    arrived_w: Values
    price: Values


class Meeting:
    """Pairs the peers of one community, slot by slot."""

    def __init__(self, community: Community) -> None:
        self._community = community
        self._rate = community.market.network_eur_per_kwh_km
        self._km = ways_km(community) if self._rate > 0 else None

    def of(
        self,
        start: int,
        chosen: npt.NDArray[np.bool_] | slice,
        shared: Shared,
        retail: Values,
        mix: Mix | None = None,
    ) -> tuple[Shared, list[Pair]]:
        """Pair what the chosen share in a block from slot `start` on; `retail`: what a kWh is worth
        to a buyer at most; `mix`: what it comes from, where anyone asks.

        Where some are too far apart, what was theirs goes to those who are near enough. Return what
        is shared after all.
        """
        kwh_per_w = self._community.clock.slot_hours / W_PER_KW
        need, offer, bought, arrived = (
            self._energies(chosen, power_w) * kwh_per_w
            for power_w in (shared.need_w, shared.offer_w, shared.bought_w, shared.arrived_w)
        )
        pairs: list[Pair] = []
        for row in np.flatnonzero(bought.any(axis=1)).tolist():
            reach = self._reach(float(retail[row]), float(shared.price[row]))
            sources = () if mix is None else mix.main(row)
            met = _Met(np.zeros_like(need[row]), np.zeros_like(need[row]), {})
            met.add(pair_up(self._community, arrived[row], bought[row], reach, sources))
            if reach is not None:
                left = offer[row] - met.arrived, need[row] - met.bought
                met.add(pair_up(self._community, *left, reach, sources))
                bought[row], arrived[row] = met.bought, met.arrived
            price = float(shared.price[row])
            pairs += [Pair(start + row, *who, kwh, price) for who, kwh in met.pairs.items()]
        if self._km is None:
            return shared, pairs
        bought_w, arrived_w = bought[:, chosen] / kwh_per_w, arrived[:, chosen] / kwh_per_w
        return replace(shared, bought_w=bought_w, arrived_w=arrived_w), pairs

    def _energies(self, chosen: npt.NDArray[np.bool_] | slice, values: Values) -> Values:
        """Return the values of the chosen in their places among all peers."""
        found = np.zeros((len(values), self._community.size))
        found[:, chosen] = values
        return found

    def _reach(self, retail: float, price: float) -> Reach | None:
        if self._km is None:
            return None
        return Reach(self._km, reach_km(self._community.market, retail, price))

    def charge(self, pair: Pair) -> float:
        """Return what a pair's buyer pays for the way, in EUR/kWh."""
        return 0.0 if self._km is None else self._rate * float(self._km[pair.seller, pair.buyer])

    def fee(self, start: int, pairs: list[Pair], shape: tuple[int, ...]) -> Values:
        """Return what each buyer pays for the ways of a block's trades, in EUR/h."""
        fee = np.zeros(shape)
        for one in pairs:
            per_h = one.energy_kwh / self._community.clock.slot_hours
            fee[one.slot - start, one.buyer] += per_h * self.charge(one)
        return fee


@dataclass(frozen=True)
class _Met:
    """Who met in a slot, seller and buyer, and how much; what of each arrived and was bought."""

    bought: Values
    arrived: Values
    pairs: dict[tuple[int, int], float]

    def add(self, found: list[tuple[int, int, float]]) -> None:
        for seller, buyer, energy_kwh in found:
            self.pairs[seller, buyer] = self.pairs.get((seller, buyer), 0.0) + energy_kwh
            self.arrived[seller] += energy_kwh
            self.bought[buyer] += energy_kwh


def is_gaining(
    pair: Pair, row: int, inside: Tariff, charge: Callable[[Pair], float] | None
) -> bool:
    """Tell whether neither of a book's pair loses; `inside` as of `hub.sim.worth.worth`."""
    price, way = pair.price_eur_per_kwh, pair.fee_eur_per_kwh
    if charge is not None:
        way += charge(pair)
    return bool(
        inside.feed_in[row] - ROUNDING_EUR <= price
        and price + way <= inside.retail[row] + ROUNDING_EUR
    )
