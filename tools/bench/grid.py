"""The grid's side of the bus on the bench: a converter that takes and gives in any weather."""

from __future__ import annotations

import datetime

from tools.bench.battery import Battery
from tools.bench.house import House, Wiring
from tools.bench.profile import WEEK_HOURS, HomeProfile

NAME = "grid"
_ANY_MONDAY, _NOTHING = datetime.date(2017, 3, 27), [0.0] * WEEK_HOURS  # no home behind it


class _Feed(Battery):
    """What stands behind the converter is never full and never empty."""

    def step(self, current_a: float, duration_s: float) -> None:
        """Move nothing: the grid's state does not change."""


def grid_house(wiring: Wiring) -> House:
    """Return the grid's side, to its board a house like the others."""
    house = House(NAME, HomeProfile({_ANY_MONDAY: (_NOTHING, _NOTHING)}, has_pv=False), wiring)
    house.battery = _Feed(30.0, 0.5)
    return house
