"""What a peer gives is made of: a detailed run enters; its sources in each slot leave as shares.

Everything that a peer has in a slot (its generators, its battery, what it had to import to keep a
promise) is one mix, and what it sells, feeds in or stores elsewhere is of that mix in proportion.
A peer that declares an origin gives what it generates and stores under that name.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.sim.assets import GENERATED, GRID, PEERS, POOL
from hub.sim.origins import Mix
from hub.sim.outcome import Outcome

Values = npt.NDArray[np.float64]

SMALLEST_SHARE = 1e-9


class Mixes:
    """The mixes of a run's peers; each is computed once."""

    def __init__(self, outcome: Outcome) -> None:
        """Raises ValueError for a run without details."""
        if not outcome.details:
            raise ValueError("the sources of energy need a run with details")
        self._outcome = outcome
        self.generated_w = mix_of(outcome).powers_w  # of `GENERATED`, (sources, slots, peers)
        self._of: dict[int, tuple[list[str], Values]] = {}

    def shares(self, place: int, slot: int) -> list[tuple[str, float]]:
        """Return the sources of what a peer gives in a slot and their shares, which add up to 1."""
        if place not in self._of:
            self._of[place] = self._mix(place)
        names, shares = self._of[place]
        of_slot = shares[:, slot].tolist()
        return [one for one in zip(names, of_slot, strict=True) if one[1] > SMALLEST_SHARE]

    def _mix(self, place: int) -> tuple[list[str], Values]:
        details = self._outcome.details
        origin = self._outcome.community.wishes.of[place].origin
        own_w = self.generated_w[:, :, place]
        names = [*GENERATED]
        if origin:
            own_w, names = own_w.sum(axis=0, keepdims=True), [origin]
        besides = {GRID: "import", PEERS: "bought", POOL: "pool_drawn"}
        table = np.vstack([own_w, *(details[name][:, place] for name in besides.values())])
        names += besides
        total_w = table.sum(axis=0)
        shares = np.divide(table, total_w, out=np.zeros_like(table), where=total_w > 0)
        shares[names.index(GRID), total_w <= 0] = 1.0
        return names, shares


def mix_of(outcome: Outcome) -> Mix:
    """Return what the peers' energy came from in every slot of a run with details."""
    details = outcome.details
    other_w = details["generation"] - details["pv"]
    return Mix.of(outcome.community, 0, details["pv"], other_w, details["battery"])
