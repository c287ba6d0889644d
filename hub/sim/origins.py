"""What energy comes from: powers of generators and batteries enter, sources of each peer leave.

What a peer sells in a slot has the mix of what it then generates and takes from its battery.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hub.market.amounts import apportion
from hub.sim.assets import GENERATED, GRID
from hub.sim.community import Community

Values = npt.NDArray[np.float64]
MW_PER_W = 1000


@dataclass(frozen=True)
class Mix:
    """Powers by source in a block of slots, (sources, slots, peers) in W, of `GENERATED`."""

    community: Community
    powers_w: Values

    @classmethod
    def of(
        cls, community: Community, start: int, pv_w: Values, other_w: Values, battery_w: Values
    ) -> Mix:
        """Return the mix of a block from slot `start` on.

        `pv_w`: what was not curtailed; `other_w`: wind and hydro; `battery_w`: positive charging.
        """
        hydro_w = _hydro_w(community, start, other_w)
        powers_w = [pv_w, other_w - hydro_w, hydro_w, -battery_w]
        return cls(community, np.maximum(powers_w, 0.0))

    def main(self, row: int) -> list[str]:
        """Return the largest source of each peer in a slot; the grid where it has none.

        Who sold by a forecast what it then did not have bought it there.
        """
        powers_w = self.powers_w[:, row]
        names = np.array([*GENERATED, GRID])
        largest = np.where(powers_w.any(axis=0), powers_w.argmax(axis=0), len(GENERATED))
        found: list[str] = names[largest].tolist()
        for place, own in self._declared():
            if found[place] != GRID:
                found[place] = own
        return found

    def parts(self, row: int, peer: int, energy_uwh: int) -> list[tuple[str, int]]:
        """Return how much of a peer's energy in a slot is of each source; exact."""
        powers_w = self.powers_w[:, row, peer]
        weights = [int(power_w * MW_PER_W) for power_w in powers_w.tolist()]
        if not any(weights):
            return [(GRID, energy_uwh)]
        own = self.community.wishes.of[peer].origin
        if own:
            return [(own, energy_uwh)]
        parts = zip(GENERATED, apportion(energy_uwh, weights), strict=True)
        return [(source, part_uwh) for source, part_uwh in parts if part_uwh]

    def _declared(self) -> list[tuple[int, str]]:
        return [(at, own.origin) for at, own in enumerate(self.community.wishes.of) if own.origin]


def _hydro_w(community: Community, start: int, other_w: Values) -> Values:
    """Return which part of wind and hydro is hydro."""
    hydro_w = np.zeros_like(other_w)
    for place, peer in enumerate(community.peers):
        if peer.hydro_w is None or not peer.hydro_is_on:
            continue
        stream_w = other_w[:, place]
        if peer.wind is not None:  # the run keeps their sum; a stream's power is known by itself
            own_w = peer.hydro_w.values(community.clock)[start : start + len(other_w)]
            stream_w = np.minimum(stream_w, own_w)
        hydro_w[:, place] = stream_w
    return hydro_w
