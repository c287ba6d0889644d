"""Who may trade with whom at what gain enters, the assignment of energy with most gain leaves.

For books where a gain belongs to a pair and merit order is not enough. A transportation problem,
solved exactly in integers as a min-cost flow by successive shortest paths with potentials: Edmonds
and Karp, J. ACM 19 (1972), doi:10.1145/321694.321699. Each path adds the energy with the greatest
gain left, so stopping where gains turn negative maximises total gain, and then energy.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Arc = tuple[int, int]  # bid, offer


def assign(gain: Mapping[Arc, int], demand: Sequence[int], supply: Sequence[int]) -> dict[Arc, int]:
    """Return the energy of each pair that trades.

    `gain[i, j]`: per unit of energy, any integer; pairs not in it may not trade. `demand[i]` and
    `supply[j]`: the most that bid i and offer j take part with. Equal gains: the lower numbers.
    """
    network = _Network(gain, list(demand), list(supply))
    while network.augment():
        pass
    return {arc: amount for arc, amount in sorted(network.flow.items()) if amount}


@dataclass
class _Network:
    """The flow so far, and potentials that keep every residual arc's reduced cost from below 0.

    Nodes: bids are 0..n-1, offers n..n+m-1. Costs are gains with the sign turned.
    """

    gain: Mapping[Arc, int]
    left: list[int]
    room: list[int]
    flow: dict[Arc, int] = field(default_factory=dict)
    offers_of: list[list[int]] = field(default_factory=list)
    bids_of: list[set[int]] = field(default_factory=list)
    potential: list[int] = field(default_factory=list)
    sink_potential: int = 0

    def __post_init__(self) -> None:
        self.offers_of = [[] for _ in self.left]
        self.bids_of = [set() for _ in self.room]
        self.potential = [0] * (len(self.left) + len(self.room))
        for bid, offer in sorted(self.gain):
            self.offers_of[bid].append(offer)
            node = len(self.left) + offer
            self.potential[node] = min(self.potential[node], -self.gain[bid, offer])
        self.sink_potential = min(self.potential, default=0)

    def augment(self) -> bool:
        """Send energy along the best path; return False when no path gains or breaks even."""
        distance, came_from, last, total = self._best_path()
        if last is None or total + self.sink_potential > 0:
            return False
        # A node farther than the sink keeps its reduced costs with the sink's distance.
        for node in range(len(self.potential)):
            self.potential[node] += min(distance.get(node, total), total)
        self.sink_potential += total
        self._send(self._path_to(last, came_from))
        return True

    def _best_path(self) -> tuple[dict[int, int], dict[int, int], int | None, int]:
        """Return distances, predecessors, the last offer of the best path and its length."""
        bids = len(self.left)
        distance = {bid: -self.potential[bid] for bid in range(bids) if self.left[bid]}
        came_from: dict[int, int] = {}
        queue = [(far, bid) for bid, far in distance.items()]
        heapq.heapify(queue)
        best, last = 0, None
        while queue:
            far, node = heapq.heappop(queue)
            if far > distance[node]:
                continue
            if last is not None and far >= best:
                break
            if node >= bids and self.room[node - bids]:
                to_sink = far + self.potential[node] - self.sink_potential
                if last is None or to_sink < best:
                    best, last = to_sink, node - bids
            for neighbour, cost in self._arcs(node):
                reach = far + cost + self.potential[node] - self.potential[neighbour]
                if reach < distance.get(neighbour, reach + 1):
                    distance[neighbour] = reach
                    came_from[neighbour] = node
                    heapq.heappush(queue, (reach, neighbour))
        return distance, came_from, last, best

    def _arcs(self, node: int) -> list[tuple[int, int]]:
        """Return where energy can still go from a node, and at what cost."""
        bids = len(self.left)
        if node < bids:
            return [(bids + offer, -self.gain[node, offer]) for offer in self.offers_of[node]]
        offer = node - bids
        return [(bid, self.gain[bid, offer]) for bid in sorted(self.bids_of[offer])]

    def _path_to(self, last: int, came_from: Mapping[int, int]) -> list[int]:
        path = [len(self.left) + last]
        while path[-1] in came_from:
            path.append(came_from[path[-1]])
        return path[::-1]

    def _send(self, path: Sequence[int]) -> None:
        """Send along bid, offer, bid, ... offer as much as fits."""
        bids = len(self.left)
        forward = [(path[at], path[at + 1] - bids) for at in range(0, len(path) - 1, 2)]
        backward = [(path[at + 1], path[at] - bids) for at in range(1, len(path) - 1, 2)]
        amount = min(self.left[path[0]], self.room[path[-1] - bids])
        amount = min([amount, *(self.flow[arc] for arc in backward)])
        self.left[path[0]] -= amount
        self.room[path[-1] - bids] -= amount
        for bid, offer in forward:
            self.flow[bid, offer] = self.flow.get((bid, offer), 0) + amount
            self.bids_of[offer].add(bid)
        for bid, offer in backward:
            self.flow[bid, offer] -= amount
            if not self.flow[bid, offer]:
                self.bids_of[offer].discard(bid)
