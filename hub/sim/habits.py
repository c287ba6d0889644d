"""The habits of many peers at once: metered powers of slots go in, the powers to expect come out.

The rule is that of the bench's agents, hub.agent.habits, in floats over an array of peers: a mean
for each hour of the day, the newest day counting half, and what is unusual now, the less the
further away the slot asked for is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.agent.habits import (
    LARGEST_FACTOR,
    NEWEST_PERMILLE,
    UNUSUAL_LOAD_PERMILLE,
    UNUSUAL_SUN_PERMILLE,
)

Values = npt.NDArray[np.float64]


class Habits:
    """One quantity of every peer, in W.

    A part of the run is named by its number, counted from the start, and its place in the day,
    which a clock change moves.
    """

    def __init__(self, size: int, places: int, *, is_proportional: bool) -> None:
        stays = UNUSUAL_SUN_PERMILLE if is_proportional else UNUSUAL_LOAD_PERMILLE
        self._stays, self._is_proportional = stays / 1000, is_proportional
        self._usual = np.full((places, size), np.nan)
        self._sum, self._count = np.zeros(size), 0
        self._number, self._place = -1, 0

    def note(self, number: int, place: int, power_w: Values) -> None:
        """Take the powers of a slot that has ended; numbers must not go back."""
        if number != self._number:
            self._close()
            self._number, self._place = number, place
            self._sum, self._count = np.zeros_like(power_w), 0
        self._sum = self._sum + power_w
        self._count += 1

    def expect(self, number: int, place: int) -> Values:
        """Return the powers to expect in a part of the run; something must have been noted."""
        now = self._sum / self._count
        usual, usual_now = self._usual[place], self._usual[self._place]
        left = self._stays ** max(number - self._number, 0)
        if self._is_proportional:
            share = np.divide(now - usual_now, usual_now, out=np.zeros_like(now),
                              where=usual_now > 0)  # fmt: skip
            found = np.clip(usual * (1 + share * left), 0.0, LARGEST_FACTOR * usual)
        else:
            found = np.maximum(usual + (now - usual_now) * left, 0.0)
        # Before a day has passed there is no habit: what is now goes on.
        return np.where(np.isnan(usual) | np.isnan(usual_now), now, found)

    def _close(self) -> None:
        """Fold the part that has ended into its habit."""
        if not self._count:
            return
        mean, before = self._sum / self._count, self._usual[self._place]
        folded = before + (mean - before) * (NEWEST_PERMILLE / 1000)
        self._usual[self._place] = np.where(np.isnan(before), mean, folded)
