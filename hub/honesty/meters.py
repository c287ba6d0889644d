"""Both meters of each delivery enter, the nodes that disagree again and again leave. Pure.

One disagreement does not tell who is wrong, and the contract holds what is disputed. Several in a
row do: the honest meter agrees with others in between. Two that only ever meet each other are both
under suspicion, and a person has to look. A meter that counted less and says itself that it lost
samples meanwhile is more likely overtaxed than lying: it takes three times as many, or as many
among its last deliveries where it agreed in between, for whoever says so must not be believed for
ever.
"""

from __future__ import annotations

import collections
from dataclasses import dataclass

from hub.oracle.disputes import LOSSES

IN_A_ROW = 3
GAPS_COUNT = 3  # times as many, while gaps explain them
EXCUSED_AMONG = 24  # deliveries of a node
REMEMBERED = 256  # deliveries of which one final came


@dataclass(frozen=True)
class Final:
    """What one side's meter counted of a delivery."""

    node: str
    energy_uwh: int
    reason: str | None
    has_gaps: bool = False  # the node said that it lost samples while this was metered


class MeterPairs:
    """`loss_permille`: of what the seller gave; `block_uwh`: by which any two meters may differ."""

    def __init__(self, loss_permille: int, block_uwh: int) -> None:
        self._loss_permille = loss_permille
        self._block_uwh = block_uwh
        self._first: collections.OrderedDict[str, dict[str, Final]] = collections.OrderedDict()
        self._row: collections.Counter[str] = collections.Counter()  # weighed
        self._count: collections.Counter[str] = collections.Counter()
        self._excused: dict[str, collections.deque[bool]] = {}

    def hear(self, delivery_id: str, role: str, final: Final) -> dict[str, str]:
        """Take in a final; return what is said of each node that has disagreed too often."""
        pair = self._first.setdefault(delivery_id, {})
        if role in pair:
            return {}
        pair[role] = final
        while len(self._first) > REMEMBERED:
            self._first.popitem(last=False)
        if len(pair) < 2 or any(one.reason in LOSSES for one in pair.values()):
            return {}  # a board that lost power knows less than it gave: no lie
        seller, buyer = pair["seller"], pair["buyer"]
        allowed_uwh = seller.energy_uwh * self._loss_permille // 1000 + self._block_uwh
        gap_uwh = seller.energy_uwh - buyer.energy_uwh
        if -(2 * self._block_uwh + seller.energy_uwh // 100) <= gap_uwh <= allowed_uwh:
            for one in (seller, buyer):
                self._row[one.node] = self._count[one.node] = 0
                self._note(one.node, is_excused=False)
            return {}
        return self._disagree(seller, buyer)

    def _disagree(self, seller: Final, buyer: Final) -> dict[str, str]:
        lower = min((seller, buyer), key=lambda one: one.energy_uwh)
        found = {}
        for own, other in ((seller, buyer), (buyer, seller)):
            self._row[own.node] += 1 if lower.has_gaps else GAPS_COUNT
            self._count[own.node] += 1
            excused = self._note(own.node, own is lower and lower.has_gaps)
            last = f"last {own.energy_uwh} against {other.energy_uwh} uWh of {other.node}"
            if self._row[own.node] >= IN_A_ROW * GAPS_COUNT:
                found[own.node] = (f"its meter disagrees with others in {self._count[own.node]} "
                                   f"deliveries in a row, {last}")  # fmt: skip
            elif excused >= IN_A_ROW * GAPS_COUNT:
                found[own.node] = (f"its meter counted less than others in {excused} of "
                                   f"{len(self._excused[own.node])} deliveries, each time with "
                                   f"samples lost, {last}")  # fmt: skip
        return found

    def _note(self, node: str, is_excused: bool) -> int:
        """Remember a delivery of a node; return how many of its last ones lost samples excused."""
        row = self._excused.setdefault(node, collections.deque(maxlen=EXCUSED_AMONG))
        row.append(is_excused)
        return sum(row)

    def forget(self, node: str) -> None:
        """Begin anew with a node that a person has released."""
        self._row[node] = self._count[node] = 0
        self._excused.pop(node, None)
