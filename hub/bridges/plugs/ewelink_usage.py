"""A hundred days of a Sonoff plug's use: eWeLink's hexadecimal text in, energies by day out.

Six digits a day, today first: two hexadecimal digits of whole kWh, then four of which the second
and the fourth are the decimals: `000207` is 0.27 kWh.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from hub.bridges.foreign import BadAnswer

DIGITS = 6
MOST_DAYS = 100
UWH_PER_KWH = 10**9


@dataclass(frozen=True)
class Usage:
    """`days_uwh`: energy of each day, today first."""

    days_uwh: tuple[int, ...]

    def month_uwh(self, today: datetime.date) -> int:
        """Return the energy since the first of the month."""
        return sum(self.days_uwh[: today.day])


def read_usage(text: str) -> Usage:
    """Read it. Raises BadAnswer."""
    days = [text[place : place + DIGITS] for place in range(0, len(text), DIGITS)][:MOST_DAYS]
    try:
        return Usage(tuple(_day_uwh(day) for day in days))
    except ValueError:
        raise BadAnswer("the use of the last hundred days cannot be read") from None


def _day_uwh(day: str) -> int:
    if len(day) != DIGITS or not day.isascii() or not day.isalnum():
        raise ValueError(day)
    return int(day[:2], 16) * UWH_PER_KWH + int(day[3] + day[5]) * UWH_PER_KWH // 100
