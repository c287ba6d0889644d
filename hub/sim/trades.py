"""The trades of a run as columns: a detailed `Outcome` enters, who sold what to whom leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hub.sim.book import Pair
from hub.sim.community import W_PER_KW
from hub.sim.mixes import Mixes, mix_of
from hub.sim.outcome import Outcome
from hub.sim.pairing import pair_up

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trades:
    """All trades of a run as columns; `seller` and `buyer` are places in the community."""

    slot: Places
    seller: Places
    buyer: Places
    energy_kwh: Values
    price_eur_per_kwh: Values
    source: list[str]

    @classmethod
    def of(cls, outcome: Outcome, mixes: Mixes | None = None) -> Trades:
        """Return the trades of a run with details, one row for each source of a trade's energy."""
        known = mixes or Mixes(outcome)
        rows = [
            (one, one.energy_kwh * share, source)
            for one in outcome.pairs or _paired(outcome)
            for source, share in _sources(known, one)
        ]
        return cls(
            np.array([one.slot for one, _, _ in rows], dtype=np.int64),
            np.array([one.seller for one, _, _ in rows], dtype=np.int64),
            np.array([one.buyer for one, _, _ in rows], dtype=np.int64),
            np.array([energy for _, energy, _ in rows]),
            np.array([one.price_eur_per_kwh for one, _, _ in rows]),
            [source for _, _, source in rows],
        )

    def matrix_kwh(self, size: int) -> Values:
        """Return the energy between peers, rows sellers, columns buyers."""
        matrix = np.zeros((size, size))
        np.add.at(matrix, (self.seller, self.buyer), self.energy_kwh)
        return matrix


def _paired(outcome: Outcome) -> list[Pair]:
    details, community = outcome.details, outcome.community
    hours = community.clock.slot_hours
    kept = 1 - community.market.loss_permille / 1000
    mix = mix_of(outcome) if community.wishes.asks_for_origins else None
    pairs: list[Pair] = []
    for slot in np.flatnonzero(outcome.slots["bought"] > 0):
        bought = details["bought"][slot] * hours / W_PER_KW
        sold = details["sold"][slot] * (kept * hours / W_PER_KW)
        price = np.divide(
            details["paid"][slot] * hours, bought, out=np.zeros_like(bought), where=bought > 0
        )
        sources = () if mix is None else mix.main(int(slot))
        for seller, buyer, energy_kwh in pair_up(community, sold, bought, sources=sources):
            pairs.append(Pair(int(slot), seller, buyer, energy_kwh, float(price[buyer])))
    return pairs


def _sources(mixes: Mixes, pair: Pair) -> list[tuple[str, float]]:
    """Return what a trade's energy came from: what the book knew, else the seller's mix then."""
    return [(pair.source, 1.0)] if pair.source else mixes.shares(pair.seller, pair.slot)
