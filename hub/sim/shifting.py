"""Load that moves within its day: prices and what may move enter, the moved load leaves, in W.

Two kinds answer a price, by `answer` = clip(elasticity (mean - price) / mean, -1, 1) with the mean
of the day, so positive where energy is cheap:
- a peer's elastic share e of what it takes: load (1 + e answer), scaled so that the day keeps its
  energy;
- the shiftable share of each appliance, which may run when it did not: that share of what it draws
  leaves dear slots by -answer and joins cheap ones by answer x room. The room of a slot is what the
  appliance draws there less than its power. As much leaves as can join.
Both together keep each day's energy and the house's limits, and leave a scheduled vehicle what it
takes of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hub.sim.community import Community

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Days = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Movable:
    """What may move: of each peer a share, of each shiftable appliance W per slot and their room.

    `owner` is the place of each appliance's peer.
    """

    base_w: Values
    elastic_share: Values
    owner: Places
    shiftable_w: Values
    room_w: Values
    least_w: Values
    most_w: Values

    @property
    def is_nothing(self) -> bool:
        """Return whether no peer's load answers a price."""
        return not self.elastic_share.any() and not self.owner.size

    @classmethod
    def of(cls, community: Community) -> Movable:
        """Return what may move of a community's [[peer]] entries and of the like."""
        base_w, peers = community.explicit.load_w, community.peers
        clock = community.clock
        owners, shiftable, room = [], [], []
        for place, peer in enumerate(peers):
            for one in peer.appliances:
                if not (one.is_on and one.shiftable_share > 0):
                    continue
                ran = one.share_of_slots(clock.minutes_of_day, clock.slot_minutes)
                owners.append(place)
                shiftable.append(one.power_w * one.shiftable_share * ran)
                room.append(one.power_w * np.maximum(1 - ran, 0.0))
        owner = np.array(owners, dtype=np.intp)
        empty = np.zeros((clock.slots, 0))
        shiftable_w = np.column_stack(shiftable) if owners else empty
        # A house whose load is cut off at its limit has less to move than its appliances would.
        in_all_w = _by_owner(shiftable_w, owner, len(peers))
        drawn = np.divide(base_w, in_all_w, out=np.ones_like(base_w), where=in_all_w > base_w)
        return cls(
            base_w=base_w,
            elastic_share=np.array([peer.elastic_share for peer in peers]),
            owner=owner,
            shiftable_w=shiftable_w * drawn[:, owner],
            room_w=np.column_stack(room) if owners else empty,
            least_w=np.array([peer.load_min_w for peer in peers]),
            most_w=np.array([peer.load_max_w for peer in peers]),
        )

    def answer_w(
        self, price: Values, elasticity: float, days: Days, vehicle_w: Values | None = None
    ) -> Values:
        """Return each peer's load in W when it has answered the price of each slot.

        `vehicle_w`: (slots, peers or more), what vehicles take beside it.
        """
        moved_w, most_w = (
            np.empty_like(self.base_w),
            np.broadcast_to(self.most_w, self.base_w.shape),
        )
        if vehicle_w is not None:
            most_w = most_w - vehicle_w[:, : self.base_w.shape[1]]
        for rows in _rows_of(days):
            mean = float(price[rows].mean())
            relative = (mean - price[rows]) / mean if mean > 0 else np.zeros(int(rows.sum()))
            answer = np.clip(elasticity * relative, -1.0, 1.0)[:, None]
            moved_w[rows] = self._of_day(rows, answer, most_w[rows])
        return moved_w

    def _of_day(self, rows: npt.NDArray[np.bool_], answer: Values, most_w: Values) -> Values:
        shiftable_w = self.shiftable_w[rows]
        peers = self.base_w.shape[1]
        fixed_w = self.base_w[rows] - _by_owner(shiftable_w, self.owner, peers)
        elastic_w = fixed_w * (1 + answer * self.elastic_share)
        before, after = fixed_w.sum(axis=0), elastic_w.sum(axis=0)
        elastic_w *= np.divide(before, after, out=np.ones_like(after), where=after > 0)
        shifted_w = shiftable_w + _moves(shiftable_w, self.room_w[rows], answer)
        wanted_w = elastic_w + _by_owner(shifted_w, self.owner, peers)
        return _within(wanted_w, self.least_w, most_w)


def _moves(shiftable_w: Values, room_w: Values, answer: Values) -> Values:
    """Return what joins (positive) and leaves each slot of a day."""
    leaving_w, joining_w = shiftable_w * np.maximum(-answer, 0.0), room_w * np.maximum(answer, 0.0)
    leaving, joining = leaving_w.sum(axis=0), joining_w.sum(axis=0)
    moved = np.minimum(leaving, joining)
    joined = np.divide(moved, joining, out=np.zeros_like(moved), where=joining > 0)
    left = np.divide(moved, leaving, out=np.zeros_like(moved), where=leaving > 0)
    moves: Values = joining_w * joined - leaving_w * left
    return moves


def _within(wanted_w: Values, least_w: Values, most_w: Values) -> Values:
    """Keep a day within the house's limits; what one slot cannot take, or must, others make up.

    They can: the day's energy is what it was when every slot kept the limits.
    """
    kept_w = np.minimum(wanted_w, most_w)
    over = (wanted_w - kept_w).sum(axis=0)
    if over.any():
        room_w = np.where(over > 0, most_w - kept_w, 0.0)
        kept_w = kept_w + _shares(room_w) * over
    raised_w = np.maximum(kept_w, least_w)
    under = (raised_w - kept_w).sum(axis=0)
    if under.any():
        raised_w = raised_w - _shares(np.where(under > 0, raised_w - least_w, 0.0)) * under
    return raised_w


def _shares(values: Values) -> Values:
    total = values.sum(axis=0)
    return np.divide(values, total, out=np.zeros_like(values), where=total > 0)


def _by_owner(values_w: Values, owner: Places, peers: int) -> Values:
    found = np.zeros((len(values_w), peers))
    np.add.at(found.T, owner, values_w.T)
    return found


def _rows_of(days: Days) -> Iterator[npt.NDArray[np.bool_]]:
    _, day = np.unique(days, return_inverse=True)
    for number in range(int(day.max()) + 1):
        yield day == number
