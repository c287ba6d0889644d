"""Who meets whom under a community price: what each sells and buys enters, pairs leave.

A community price decides how much each peer exchanges, not with whom. Buyers take from the
producers they chose first, in their order; what is left is paired in the order of the peers. So a
slot has fewer pairs than peers, not their square.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.sim.community import Community

Values = npt.NDArray[np.float64]
SMALLEST_KWH = 1e-12


def pair_up(community: Community, sold: Values, bought: Values) -> list[tuple[int, int, float]]:
    """Return (seller, buyer, energy) so that each sells and buys what is given."""
    left_sold, left_bought = sold.copy(), bought.copy()
    found: list[tuple[int, int, float]] = []

    def take(seller: int, buyer: int) -> None:
        energy = min(left_sold[seller], left_bought[buyer])
        if energy > SMALLEST_KWH:
            found.append((seller, buyer, float(energy)))
            left_sold[seller] -= energy
            left_bought[buyer] -= energy

    place = {name: number for number, name in enumerate(community.names)}
    for buyer, peer in enumerate(community.peers):
        for producer in peer.preferences.producers:
            take(place[producer], buyer)
    sellers = iter(np.flatnonzero(left_sold > SMALLEST_KWH).tolist())
    buyers = iter(np.flatnonzero(left_bought > SMALLEST_KWH).tolist())
    # -1 is nobody: one side is used up.
    selling, buying = next(sellers, -1), next(buyers, -1)
    while selling >= 0 and buying >= 0:
        take(selling, buying)
        if left_sold[selling] <= SMALLEST_KWH:
            selling = next(sellers, -1)
        elif left_bought[buying] <= SMALLEST_KWH:
            buying = next(buyers, -1)
        else:
            break
    return found
