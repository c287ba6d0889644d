"""Register readings of a board enter, totals that never fall leave: energy is a difference of two.

A register falls back by what a power cut took, at most what was metered since its last save; it
then catches up with itself and is counted once. A register that starts further back than that is
another: a board was replaced or erased. Then its total goes on from where it was, by what the new
register rises from its first value on. So nothing is counted twice, and no reset costs a bill. The
same holds for a board that comes out of quarantine: what its registers say then is where they
stand, and what they jumped by is nobody's energy.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

# Boards save every 5 minutes (node/store.py) in two places in turn, so a damaged one costs two.
SAVED_AFTER_MS = 900_000

Values = Mapping[str, int | None]


@dataclass(frozen=True)
class Totals:
    """Where the registers of one node stand. `bases`: what to add to a register, 0 if not there."""

    boot_id: int | None = None
    values: Values = field(default_factory=dict)
    bases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Heard:
    """What was heard of one boot: the first and the highest value of each register or None.

    `is_anew`: it is the first after a quarantine.
    """

    boot_id: int
    first: Values
    highest: Values
    is_anew: bool = False


def add(totals: Totals, heard: Iterable[Heard], floor: Values) -> Totals:
    """Take in what was heard, in its order. `floor`: totals that were certainly saved by then."""
    for one in heard:
        totals = _add_boot(totals, one, floor)
    return totals


def _add_boot(totals: Totals, heard: Heard, floor: Values) -> Totals:
    values, bases = dict(totals.values), dict(totals.bases)
    for name, highest in heard.highest.items():
        if highest is None:
            values.setdefault(name, None)
            continue
        known, first = values.get(name), heard.first[name]
        assert first is not None
        if known is None:
            values[name] = highest
            continue
        saved, base = floor.get(name), bases.get(name, 0)
        is_another = heard.boot_id != totals.boot_id and saved is not None and base + first < saved
        if is_another or heard.is_anew:
            base = bases[name] = known - first
        values[name] = max(known, base + highest)
    return Totals(heard.boot_id, values, bases)


def bounded(totals: Totals, before: Values, after: Values) -> Totals:
    """Keep totals that come late between those known of the times before and after."""
    values = dict(totals.values)
    for name, value in values.items():
        if value is None:
            continue
        least, most = before.get(name), after.get(name)
        if most is not None:
            value = min(value, most)
        values[name] = value if least is None else max(value, least)
    return replace(totals, values=values)
