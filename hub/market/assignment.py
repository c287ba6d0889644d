"""Who may trade with whom at what gain enters, the assignment of energy with most gain leaves.

For books where a gain belongs to a pair and merit order is not enough: a transportation problem,
solved exactly in integers. Bids enter one by one, each by shortest augmenting paths on reduced
costs, so that what is assigned is optimal for the bids so far: the Hungarian method for
transportation, J. Munkres, J. SIAM 5 (1957), doi:10.1137/0105003, with Dijkstra's search as in
Edmonds and Karp, J. ACM 19 (1972), doi:10.1145/321694.321699.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arc = tuple[int, int]  # bid, offer

WIDEST_COST = 2**59  # three of them still add up within int64


def assign(gain: Mapping[Arc, int], demand: Sequence[int], supply: Sequence[int]) -> dict[Arc, int]:
    """Return the energy of each pair that trades; most gain first, then most energy.

    `gain[i, j]`: per unit of energy, any integer; pairs not in it may not trade. `demand[i]` and
    `supply[j]`: the most that bid i and offer j take part with. Equal gains: the lower numbers.
    """
    if not gain:
        return {}
    costs, forbidden = _costs(gain, len(demand), len(supply))
    network = _Network(costs, list(supply), farthest=2 * forbidden)
    for bid, energy_uwh in enumerate(demand):
        network.place(bid, energy_uwh)
    nobody = len(supply)
    return {
        (bid, offer): amount
        for (bid, offer), amount in sorted(network.flow.items())
        if amount and offer != nobody
    }


def _costs(gain: Mapping[Arc, int], bids: int, offers: int) -> tuple[Any, int]:
    """Return costs, a row a bid, and the cost of forbidden pairs; the last column costs nothing.

    That column is trading with nobody. A path changes energy by at most one unit for each unit it
    carries, so twice the gain plus one for trading at all puts gain first and energy second.
    Python integers where 64 bits do not do.
    """
    widest = (2 * max(map(abs, gain.values())) + 1) * (2 * min(bids, offers) + 2)
    forbidden = max(widest, WIDEST_COST) * 2
    costs = np.full((bids, offers + 1), forbidden, np.int64 if widest < WIDEST_COST else object)
    costs[:, offers] = 0
    for (bid, offer), one in gain.items():
        if one >= 0:
            costs[bid, offer] = -2 * one - 1
    return costs, forbidden


@dataclass
class _Search:
    """Distances from one bid by reduced cost: to offers, and to bids that offers lead back to."""

    distance: Any
    via: Any
    is_done: Any
    bid_distance: dict[int, int]
    came_from: dict[int, int] = field(default_factory=dict)


class _Network:
    """The flow so far. Reduced costs are never below 0, and 0 where energy flows."""

    def __init__(self, costs: Any, room: list[int], farthest: int) -> None:
        self.costs = costs
        self.farthest = farthest
        self.room = room
        self.nobody = len(room)
        self.flow: dict[Arc, int] = {}
        self.bids_of: list[set[int]] = [set() for _ in room]
        self.bid_potential = [0] * len(costs)
        self.potential = np.zeros(len(room) + 1, dtype=costs.dtype)

    def place(self, bid: int, energy_uwh: int) -> None:
        """Assign all energy of a bid, to offers or to nobody."""
        self.bid_potential[bid] = int((self.costs[bid] - self.potential).min())
        while energy_uwh:
            search, last = self._search(bid)
            self._raise_potentials(search, int(search.distance[last]))
            energy_uwh -= self._send(search, last, energy_uwh)

    def _search(self, bid: int) -> tuple[_Search, int]:
        """Look for the nearest offer with room, or nobody."""
        columns = len(self.potential)
        search = _Search(
            np.full(columns, self.farthest, dtype=self.costs.dtype),
            np.full(columns, -1),
            np.zeros(columns, dtype=bool),
            {bid: 0},
        )
        self._expand(search, bid)
        while True:
            open_columns = np.flatnonzero(~search.is_done)
            offer = int(open_columns[search.distance[open_columns].argmin()])
            if offer == self.nobody or self.room[offer]:
                return search, offer
            search.is_done[offer] = True
            for other in sorted(self.bids_of[offer]):
                if other not in search.bid_distance:
                    search.bid_distance[other] = int(search.distance[offer])
                    search.came_from[other] = offer
                    self._expand(search, other)

    def _expand(self, search: _Search, bid: int) -> None:
        """Shorten the ways to offers that lead over a bid."""
        start = search.bid_distance[bid] - self.bid_potential[bid]
        reach = self.costs[bid] - self.potential + start
        is_nearer = (reach < search.distance) & ~search.is_done
        search.distance[is_nearer] = reach[is_nearer]
        search.via[is_nearer] = bid

    def _raise_potentials(self, search: _Search, length: int) -> None:
        for bid, distance in search.bid_distance.items():
            self.bid_potential[bid] += length - distance
        self.potential[search.is_done] -= length - search.distance[search.is_done]

    def _send(self, search: _Search, last: int, energy_uwh: int) -> int:
        """Send along the path to an offer as much as fits; return how much."""
        gained, given_up = self._path(search, last)
        amount = energy_uwh if last == self.nobody else min(energy_uwh, self.room[last])
        amount = min([amount, *(self.flow[arc] for arc in given_up)])
        if last != self.nobody:
            self.room[last] -= amount
        for arc in gained:
            self.flow[arc] = self.flow.get(arc, 0) + amount
            if arc[1] != self.nobody:
                self.bids_of[arc[1]].add(arc[0])
        for arc in given_up:
            self.flow[arc] -= amount
            if not self.flow[arc]:
                self.bids_of[arc[1]].discard(arc[0])
        return amount

    def _path(self, search: _Search, last: int) -> tuple[list[Arc], list[Arc]]:
        """Return the pairs that gain energy along a path, and those that give it up."""
        gained: list[Arc] = []
        given_up: list[Arc] = []
        offer = last
        while True:
            bid = int(search.via[offer])
            gained.append((bid, offer))
            if bid not in search.came_from:
                return gained, given_up
            offer = search.came_from[bid]
            given_up.append((bid, offer))
