"""What a house usually does: metered powers with their times in, the power to expect later out.

A day is cut into slots; each keeps a mean over the days seen, the newest counting most. A forecast
starts from the habit of the slots asked for and adds what is unusual now, the less the further
away they are. Before a day has passed there is no habit, and the latest power is what is expected.
"""

from __future__ import annotations

SLOTS_A_DAY = 24
NEWEST_PERMILLE = 500  # weight of the newest day in a slot's habit
# Of what is unusual now, what is left of it one slot later: clouds stay longer than kettles.
UNUSUAL_SUN_PERMILLE, UNUSUAL_LOAD_PERMILLE = 600, 450
LARGEST_FACTOR = 3  # of what is proportional (the sun), the unusual multiplies by at most this


class Habit:
    """One quantity of one house, in uW. `day_s`: how long a day takes, less on a fast bench."""

    def __init__(self, day_s: float, slots: int = SLOTS_A_DAY, *, is_proportional: bool) -> None:
        """`is_proportional`: a cloud takes a share of the sun; a kettle adds to a load."""
        self._slot_s = day_s / slots
        self._is_proportional = is_proportional
        self._usual_uw: list[int | None] = [None] * slots
        self._slot: int | None = None  # counted from time 0, not from midnight
        self._sum_uw = self._count = 0
        self._last: tuple[int, int, int | None] | None = None  # slot, its mean, its habit then

    def note(self, at_s: float, power_uw: int) -> None:
        """Take a metered power; times must not go back."""
        slot = int(at_s // self._slot_s)
        if slot != self._slot:
            self._close()
            self._slot, self._sum_uw, self._count = slot, 0, 0
        self._sum_uw += power_uw
        self._count += 1

    def expect(self, start_s: float, end_s: float) -> int | None:
        """Return the mean power to expect in [start_s, end_s); None before anything was noted."""
        now = self._now()
        if now is None:
            return None
        first = int(start_s // self._slot_s)
        last = max(first, int(-(-end_s // self._slot_s)) - 1)
        return sum(self._in_slot(slot, *now) for slot in range(first, last + 1)) // (
            last + 1 - first
        )

    def _now(self) -> tuple[int, int, int | None] | None:
        """Return the newest slot, its mean and its habit: of the running one where it has begun."""
        if self._slot is None or not self._count:
            return self._last
        return self._slot, self._sum_uw // self._count, self._usual(self._slot)

    def _usual(self, slot: int) -> int | None:
        return self._usual_uw[slot % len(self._usual_uw)]

    def _in_slot(self, slot: int, now: int, now_uw: int, usual_now_uw: int | None) -> int:
        usual_uw = self._usual(slot)
        if usual_uw is None or usual_now_uw is None:
            return now_uw
        stays = UNUSUAL_SUN_PERMILLE if self._is_proportional else UNUSUAL_LOAD_PERMILLE
        left = stays ** max(slot - now, 0)
        whole = 1000 ** max(slot - now, 0)
        if not self._is_proportional:
            return max(0, usual_uw + (now_uw - usual_now_uw) * left // whole)
        if usual_now_uw <= 0:
            return usual_uw
        most_uw = LARGEST_FACTOR * usual_uw
        unusual_uw = usual_uw * (now_uw - usual_now_uw) * left // (usual_now_uw * whole)
        return min(max(0, usual_uw + unusual_uw), most_uw)

    def _close(self) -> None:
        """Fold the slot that has ended into its habit."""
        if self._slot is None or not self._count:
            return
        mean_uw = self._sum_uw // self._count
        place = self._slot % len(self._usual_uw)
        before_uw = self._usual_uw[place]
        self._last = (self._slot, mean_uw, before_uw)
        self._usual_uw[place] = (
            mean_uw
            if before_uw is None
            else before_uw + (mean_uw - before_uw) * NEWEST_PERMILLE // 1000
        )
