"""Where peers are enters, what moving energy between them costs leaves.

A charge that grows with distance makes near partners better ones and pays the network they use:
T. Baroche, P. Pinson, R. Le Goff Latimier, H. Ben Ahmed, "Exogenous cost allocation in peer-to-peer
electricity markets", IEEE Trans. Power Syst. 34 (2019), doi:10.1109/TPWRS.2019.2896654.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hub.market.records import MarketRefusal


@dataclass(frozen=True)
class DistanceCharge:
    """A charge by straight-line distance, to be used as `Rules.charge`.

    `place_m`: coordinates of each peer in metres. `gwei_per_kwh_per_km`: what one kWh over one km
    costs; charges are rounded up to whole gwei/kWh, distances down to whole metres.
    """

    place_m: Mapping[str, tuple[int, int]]
    gwei_per_kwh_per_km: int

    def __call__(self, buyer: str, seller: str) -> int:
        """Return the charge in gwei/kWh. Raises MarketRefusal for a peer without a place."""
        for peer in (buyer, seller):
            if peer not in self.place_m:
                raise MarketRefusal(f"the network does not know where {peer} is")
        (x, y), (other_x, other_y) = self.place_m[buyer], self.place_m[seller]
        distance_m = math.isqrt((x - other_x) ** 2 + (y - other_y) ** 2)
        return -(-distance_m * self.gwei_per_kwh_per_km // 1000)


@dataclass(frozen=True)
class FeederCharge:
    """A charge by the length of the cable between two peers on a radial feeder.

    `parent`: of each node the next one towards the transformer and the metres between; the
    transformer itself has none.
    """

    parent: Mapping[str, tuple[str, int]]
    gwei_per_kwh_per_km: int

    def __call__(self, buyer: str, seller: str) -> int:
        """Return the charge in gwei/kWh. Raises MarketRefusal when no cable joins the two."""
        above_buyer, above_seller = self._way_up(buyer), self._way_up(seller)
        shared = [
            far + above_seller[node] for node, far in above_buyer.items() if node in above_seller
        ]
        if not shared:
            raise MarketRefusal(f"no cable joins {buyer} and {seller}")
        return -(-min(shared) * self.gwei_per_kwh_per_km // 1000)

    def _way_up(self, peer: str) -> dict[str, int]:
        """Return the metres from a peer to every node above it."""
        way, node, far_m = {peer: 0}, peer, 0
        while node in self.parent:
            node, step_m = self.parent[node]
            far_m += step_m
            if node in way:
                raise MarketRefusal(f"the feeder runs in a circle at {node}")
            way[node] = far_m
        return way
