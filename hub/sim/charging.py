"""How an electric vehicle charges: when it is at home, its need and what room there is enter; power
in each slot, bounds for a clever charge, and what could not be served leave.

A stay begins with an arrival (or with the run) and needs the same energy each time. Energies are at
the house's meter, charging losses included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Minutes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MINUTES_OF_DAY = 24 * 60
HALF_A_DAY = 12 * 60


@dataclass(frozen=True)
class Stays:
    """When a vehicle is plugged in, slot by slot.

    `number`: which stay it is, 0 before the first; `begins`, `ends`: first and last slot of each;
    `is_whole`: those that the run neither begins nor ends in the middle of.
    """

    is_home: Flags
    number: Minutes
    begins: Minutes
    ends: Minutes
    is_whole: Flags


def stays_of(arrival: int, departure: int, minutes_of_day: Minutes, slot_minutes: int) -> Stays:
    """Return the stays of who is at home from arrival to departure, from a slot's start on."""
    is_home = at_home(arrival, departure, minutes_of_day)
    since = (minutes_of_day - arrival) % MINUTES_OF_DAY
    before = np.concatenate([[False], is_home[:-1]])
    # Who never leaves needs the same again each day; a clock that is set back is no new day.
    is_next_day = np.concatenate([[False], since[:-1] - since[1:] > HALF_A_DAY])
    is_first = is_home & (~before | is_next_day)
    begins = np.flatnonzero(is_first)
    number = np.cumsum(is_first)
    is_last = is_home & np.concatenate([~is_home[1:] | is_first[1:], [True]])
    ends = np.flatnonzero(is_last)
    length = (departure - arrival) % MINUTES_OF_DAY or MINUTES_OF_DAY
    is_whole = (since[begins] < slot_minutes) | (begins > 0)
    is_whole &= (ends < len(is_home) - 1) | (since[ends] + slot_minutes >= length)
    return Stays(is_home, number, begins, ends, is_whole)


def at_home(arrival: int, departure: int, minutes_of_day: Minutes) -> Flags:
    """Return in which slots a vehicle is plugged in from their start; always, if it leaves as it
    comes."""
    if arrival == departure:
        return np.ones(len(minutes_of_day), dtype=bool)
    if arrival <= departure:
        return (minutes_of_day >= arrival) & (minutes_of_day < departure)
    return (minutes_of_day >= arrival) | (minutes_of_day < departure)


def charge_at_once(stays: Stays, need_wh: float, most_w: Values, hours: float) -> Values:
    """Return the power in W of who charges as fast as it may until the stay's need is served.

    `most_w`: what it could draw in each slot, zero while it is away.
    """
    if not stays.begins.size:
        return np.zeros_like(most_w)
    could_wh = np.cumsum(most_w) * hours
    before_wh = could_wh - most_w * hours
    of_stay_wh = np.concatenate([[0.0], before_wh[stays.begins]])[stays.number]
    drawn_wh = np.minimum(could_wh - of_stay_wh, need_wh) - np.minimum(
        before_wh - of_stay_wh, need_wh
    )
    return np.where(stays.is_home, np.maximum(drawn_wh, 0.0) / hours, 0.0)


def missing_wh(stays: Stays, need_wh: float, load_w: Values, hours: float) -> Values:
    """Return what each whole stay lacks of its need, however it was charged."""
    drawn_wh = np.bincount(stays.number, load_w * stays.is_home, len(stays.begins) + 1)[1:] * hours
    return np.maximum(need_wh - drawn_wh, 0.0)[stays.is_whole]
