"""The trades of a run as columns: a detailed `Outcome` enters, who sold what to whom leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hub.sim.book import Pair
from hub.sim.community import W_PER_KW
from hub.sim.origins import Mix
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
    def of(cls, outcome: Outcome) -> Trades:
        """Return the trades of a run with details."""
        pairs = outcome.pairs if outcome.pairs else _paired(outcome)
        return cls(
            np.array([one.slot for one in pairs], dtype=np.int64),
            np.array([one.seller for one in pairs], dtype=np.int64),
            np.array([one.buyer for one in pairs], dtype=np.int64),
            np.array([one.energy_kwh for one in pairs]),
            np.array([one.price_eur_per_kwh for one in pairs]),
            _sources(outcome, pairs),
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
    mix = _mix(outcome) if community.wishes.asks_for_origins else None
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


def _mix(outcome: Outcome) -> Mix:
    """Return what the peers' energy came from in every slot of the run."""
    details = outcome.details
    other_w = details["generation"] - details["pv"]
    return Mix.of(outcome.community, 0, details["pv"], other_w, details["battery"])


def _sources(outcome: Outcome, pairs: Sequence[Pair]) -> list[str]:
    """Return what each trade's energy came from: what the book knew, else the largest of the
    seller's sources then."""
    mix = _mix(outcome)
    main = lru_cache(maxsize=1)(mix.main)  # pairs come slot by slot
    return [pair.source or main(pair.slot)[pair.seller] for pair in pairs]
