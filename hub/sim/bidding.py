"""The peers' prices in a book: limits and what the last slots brought enter, bids and asks leave.

A peer's limits are its wishes, without them the retail tariff less the network fee and the feed-in
tariff. `[market] bidding`, or a peer's own preference, says what it makes of them
(`hub.agent.strategies`, the rules of the bench's agents).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.agent.strategies import (
    ADAPTIVE,
    FIRST_MARGIN_PERMILLE,
    TRUTHFUL,
    WHOLE,
    ZERO_INTELLIGENCE,
    hoped_for,
    learn,
    quote,
)
from hub.sim.community import Community, Tariff
from hub.sim.wishes import NANO
from hub.sim.worth import arriving_share

Values = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


class Bidders:
    """All peers' bidding; adaptive ones learn from slot to slot, so slots come in their order."""

    def __init__(self, community: Community) -> None:
        self._community = community
        own = [wishes.bidding or community.market.bidding for wishes in community.wishes.of]
        self._strategies = own
        self.has_learners = ADAPTIVE in own
        self.margin_permille = np.full(community.size, FIRST_MARGIN_PERMILLE, dtype=np.int64)
        self._terms: dict[int, tuple[int, int]] = {}  # of each learner's order: limit and best

    def prices(self, slot: int, tariff: Tariff, row: int, is_bid: npt.NDArray[np.bool_]) -> Numbers:
        """Return what each peer bids or asks in slot `slot` of the run, in nano-euro per kWh.

        `tariff` is that of a block whose row `row` the slot is.
        """
        retail, feed_in = float(tariff.retail[row]), float(tariff.feed_in[row])
        limits = self._limits(slot, (retail, feed_in), is_bid)
        if self._strategies.count(TRUTHFUL) == len(self._strategies):
            return limits
        chance = np.random.default_rng([self._community.market.seed, 1, slot])
        drawn = chance.integers(0, WHOLE, self._community.size, endpoint=True)
        best = (_nano(feed_in), _nano(retail))  # of a buyer, of a seller
        self._terms.clear()
        for peer, strategy in enumerate(self._strategies):
            if strategy == TRUTHFUL:
                continue
            is_selling = not bool(is_bid[peer])
            limit = int(limits[peer])
            hope = hoped_for(limit, best[is_selling], is_selling=is_selling)
            if strategy == ZERO_INTELLIGENCE:
                margin = int(drawn[peer])
            else:
                margin = int(self.margin_permille[peer])
                self._terms[peer] = (limit, hope)
            limits[peer] = quote(limit, hope, margin)
        return limits

    def learn(self, left_uwh: dict[int, int], prices: dict[int, int], mean: int | None) -> None:
        """Take what came of a slot: of each peer that ordered, the energy left and its price.

        `mean` is the price at which others traded, for those who had no part.
        """
        for peer, left in left_uwh.items():
            if peer in self._terms:
                self.margin_permille[peer] = learn(
                    int(self.margin_permille[peer]),
                    *self._terms[peer],
                    is_done=left == 0,
                    price=prices.get(peer, mean),
                )

    def _limits(
        self, slot: int, grid: tuple[float, float], is_bid: npt.NDArray[np.bool_]
    ) -> Numbers:
        retail, feed_in = grid
        highest = max(retail - self._community.market.network_eur_per_kwh, 0.0)
        lowest = feed_in / arriving_share(self._community.market)  # paid for what arrives alone
        found = np.where(is_bid, _nano(highest), _nano(lowest))
        self._community.wishes.limit(found, slot, is_bid)
        return np.maximum(found, 0)


def _nano(price_eur_per_kwh: float) -> int:
    return max(0, round(price_eur_per_kwh * NANO))
