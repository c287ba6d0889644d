"""Who meets whom in a block under a community price: what each buys and what arrives enters, pairs
leave, and what of it remains where the way of some would cost more than it gains.

A buyer pays the operator for the way (`network_eur_per_kwh_km`). Where a price plus that charge is
above retail the two do not trade: both turn to the grid. So nobody loses by trading, and near
neighbours are paired before far ones.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hub.sim.book import Pair
from hub.sim.community import W_PER_KW, Community, Tariff
from hub.sim.origins import Mix
from hub.sim.pairing import Reach, pair_up
from hub.sim.worth import reach_km, ways_km

Values = npt.NDArray[np.float64]

NANO_EUR = 2e-9  # prices of books are whole nano-euros


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
        shared: tuple[Values, Values, Values],
        retail: Values,
        mix: Mix | None = None,
    ) -> tuple[tuple[Values, Values, Values], list[Pair]]:
        """Pair what the chosen share in a block from slot `start` on: bought and arrived in W, and
        the price; `retail`: what a kWh is worth to a buyer at most; `mix`: what it comes from,
        where anyone asks. Return what is left of it."""
        price = shared[2]
        bought_w, arrived_w = np.zeros((2, len(price), self._community.size))
        bought_w[:, chosen], arrived_w[:, chosen] = shared[:2]
        kwh_per_w = self._community.clock.slot_hours / W_PER_KW
        pairs: list[Pair] = []
        for row in np.flatnonzero(bought_w.any(axis=1)).tolist():
            found = pair_up(
                self._community,
                arrived_w[row] * kwh_per_w,
                bought_w[row] * kwh_per_w,
                self._reach(float(retail[row]), float(price[row])),
                () if mix is None else mix.main(row),
            )
            pairs += [Pair(start + row, *one, float(price[row])) for one in found]
        if self._km is None:
            return shared, pairs
        bought_w[:], arrived_w[:] = 0.0, 0.0
        for one in pairs:
            bought_w[one.slot - start, one.buyer] += one.energy_kwh / kwh_per_w
            arrived_w[one.slot - start, one.seller] += one.energy_kwh / kwh_per_w
        return (bought_w[:, chosen], arrived_w[:, chosen], price), pairs

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


def is_gaining(
    pair: Pair, row: int, inside: Tariff, charge: Callable[[Pair], float] | None
) -> bool:
    """Tell whether neither of a book's pair loses; `inside` as of `hub.sim.worth.worth`."""
    price, way = pair.price_eur_per_kwh, pair.fee_eur_per_kwh
    if charge is not None:
        way += charge(pair)
    return bool(
        inside.feed_in[row] - NANO_EUR <= price and price + way <= inside.retail[row] + NANO_EUR
    )
