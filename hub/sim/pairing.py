"""Who meets whom under a community price: what each sells and buys enters, pairs leave.

A community price decides how much each peer exchanges, not with whom. Buyers take from the
producers they chose first, in their order, then in a hybrid market inside their community; what is
left is paired in the order of the peers. So a slot has fewer pairs than peers, not their square.
Where the way costs, the nearest are paired instead, as far as a price carries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hub.sim.community import Community

Values = npt.NDArray[np.float64]
Take = Callable[[int, int], float]
SMALLEST_KWH = 1e-12


@dataclass(frozen=True)
class Reach:
    """How far peers are apart, (sellers, buyers), and how far energy may come."""

    km: Values
    most_km: float


def pair_up(
    community: Community,
    sold: Values,
    bought: Values,
    reach: Reach | None = None,
    sources: Sequence[str] = (),
) -> list[tuple[int, int, float]]:
    """Return (seller, buyer, energy) so that each sells and buys what is given; with `reach`, as
    much of it as those can who are near enough.

    `sources`: what each peer's energy then comes from, where anyone's wishes ask for it.
    """
    left_sold, left_bought = sold.copy(), bought.copy()
    found: list[tuple[int, int, float]] = []

    def take(seller: int, buyer: int) -> float:
        if reach is not None and not reach.km[seller, buyer] <= reach.most_km:
            return 0.0
        energy = float(min(left_sold[seller], left_bought[buyer]))
        if energy > SMALLEST_KWH:
            found.append((seller, buyer, energy))
            left_sold[seller] -= energy
            left_bought[buyer] -= energy
        return energy

    _chosen_first(community, left_bought, sources, take)

    def walk(sold: Values, bought: Values) -> None:
        if reach is None:
            _walk(sold, bought, take)
        else:
            _nearest_first(sold, bought, take, reach)

    if community.market.design == "hybrid":
        homes = np.array(community.communities)
        for name in dict.fromkeys(community.communities):
            inside = homes == name
            walk(left_sold * inside, left_bought * inside)
    walk(left_sold, left_bought)
    return found


def _chosen_first(
    community: Community, left_bought: Values, sources: Sequence[str], take: Take
) -> None:
    """Let buyers take from the producers they chose, in their order, while they need any."""
    for buyer, producers in community.wishes.producers.items():
        for producer in producers:
            for seller in community.wishes.places_of(producer):
                if left_bought[buyer] <= SMALLEST_KWH:
                    break
                if not producer.type or sources[seller] == producer.type:
                    take(seller, buyer)


def _nearest_first(sold: Values, bought: Values, take: Take, reach: Reach) -> None:
    """Pair sellers and buyers from the nearest two on; equally near ones in their order."""
    sellers, buyers = np.flatnonzero(sold > SMALLEST_KWH), np.flatnonzero(bought > SMALLEST_KWH)
    km = reach.km[np.ix_(sellers, buyers)]
    for place in np.argsort(km, axis=None, kind="stable").tolist():
        take(int(sellers[place // len(buyers)]), int(buyers[place % len(buyers)]))


def _walk(sold: Values, bought: Values, take: Take) -> None:
    """Pair sellers and buyers in order until one side is used up."""
    left_sold, left_bought = sold.copy(), bought.copy()
    sellers = iter(np.flatnonzero(left_sold > SMALLEST_KWH).tolist())
    buyers = iter(np.flatnonzero(left_bought > SMALLEST_KWH).tolist())
    selling, buying = next(sellers, -1), next(buyers, -1)  # -1 is nobody
    while selling >= 0 and buying >= 0:
        energy = take(selling, buying)
        left_sold[selling] -= energy
        left_bought[buying] -= energy
        if left_sold[selling] <= SMALLEST_KWH:
            selling = next(sellers, -1)
        if left_bought[buying] <= SMALLEST_KWH:
            buying = next(buyers, -1)
