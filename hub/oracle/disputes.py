"""Disputes that a power cut made: a trade's attempts enter, what both boards had told leaves. Pure.

A board that lost power signs what it had saved, which is less than it had told before. The contract
then holds the gap between both meters. What the two boards had authenticated to the hub is a fair
end; any other dispute is for a person, or for the split after resolve-by.
"""

from __future__ import annotations

from collections.abc import Sequence

from hub.oracle.records import ROLES, State
from hub.store import DeliveryRow

LOSSES = ("rebooted", "exception")  # reasons of a final that may know less than was told


def told_uwh(rows: Sequence[DeliveryRow]) -> int | None:
    """Return the lesser of what both boards told of all attempts; None when none lost anything."""
    states = [State.from_json(row.step) for row in rows]
    sides = [state.side(role) for state in states for role in ROLES]
    if not any(side.reason in LOSSES for side in sides):
        return None
    return min(sum(state.side(role).floor_uwh for state in states) for role in ROLES)
