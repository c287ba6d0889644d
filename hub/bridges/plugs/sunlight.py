"""When a flexible appliance runs: a house's readings go in, on or off comes out. Pure.

It is turned on when PV has exceeded the load by what the appliance takes, and off when the load,
the appliance among it, has exceeded PV. The hub's agents and those away follow the same rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SPAN_MS = 30_000  # readings of so long are averaged
LEAST_READINGS = 5
DWELL_MS = 60_000  # a compressor or a motor is not switched more often
USUAL_POWER_UW = 500_000_000  # of an appliance that has not run yet


def surplus_uw(readings: Sequence[Mapping[str, Any]], model_scale: int) -> int | None:
    """Return the mean of PV less load, at the scale of the home; None where either is unknown.

    PV is metered on the DC model, the load on the mains.
    """
    known = []
    for reading in readings:
        load = reading["load_power_uw"]
        load = reading["load_apparent_uva"] if load is None else load
        if load is not None and reading["pv_power_uw"] is not None:
            known.append(reading["pv_power_uw"] * model_scale - load)
    return sum(known) // len(known) if len(known) >= LEAST_READINGS else None


def wanted_state(is_on: bool, surplus: int | None, power_uw: int) -> bool:
    """Return whether an appliance that takes `power_uw` should be on; as it is when in doubt."""
    if surplus is None:
        return is_on
    return surplus >= 0 if is_on else surplus >= power_uw


class SunlightRule:
    """The appliances of one agent: what each takes, and when it was switched last."""

    def __init__(self, model_scale: int) -> None:
        self._model_scale = model_scale
        self._power_uw: dict[str, int] = {}
        self._switched_at_ms: dict[str, int] = {}

    def may_switch(self, name: str, power_uw: int | None, now_ms: int) -> bool:
        """Learn what an appliance takes; tell whether it has rested since its last switching."""
        if power_uw:
            self._power_uw[name] = max(self._power_uw.get(name, 0), power_uw)
        at_ms = self._switched_at_ms.get(name, 0)
        # A clock that went back counts as rested: else it would wait for that moment to come again.
        return not 0 <= now_ms - at_ms < DWELL_MS

    def wanted(self, name: str, is_on: bool, readings: Sequence[Mapping[str, Any]]) -> bool:
        """Return whether it should be on, by the readings of the last `SPAN_MS`."""
        surplus = surplus_uw(readings, self._model_scale)
        return wanted_state(is_on, surplus, self._power_uw.get(name, USUAL_POWER_UW))

    def note_switching(self, name: str, now_ms: int) -> None:
        """Remember an attempt, also one that fails: it is not made again at once."""
        self._switched_at_ms[name] = now_ms
