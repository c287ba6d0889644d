"""The house's agent at the switch: flexible appliances run on the house's own sun.

It is turned on when PV has exceeded the load by what the appliance takes, and off when the
load, the appliance among it, has exceeded PV. What a person switched is left alone for an hour of
the site's time. Only plugs that are set to be flexible, and no relay: this is the mains side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from hub.bridges.errors import BridgeDown, PlugRefused
from hub.bridges.parts import Parts
from hub.bridges.plugs.bridge import PlugBridge
from hub.site_clock import wall_ms

LOOK_S = 5.0
SPAN_MS = 30_000  # readings of so long are averaged
LEAST_READINGS = 5
DWELL_MS = 60_000  # a compressor or a motor is not switched more often
BY_HAND_MS = 3_600_000  # of the site's time
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


class FlexiblePlugs:
    """A bridge that looks at every flexible plug every few seconds."""

    name = "flexible appliances"
    longest_pause_s = 60.0

    def __init__(
        self, plugs: Sequence[PlugBridge], parts: Parts, model_scale: int, speed: int
    ) -> None:
        """`speed`: how fast the site's time runs."""
        self._plugs = list(plugs)
        self._parts = parts
        self._model_scale = model_scale
        self._by_hand_ms = BY_HAND_MS // speed
        self._power_uw: dict[str, int] = {}
        self._switched_at_ms: dict[str, int] = {}

    async def run(self) -> None:
        while True:
            for plug in self._plugs:
                await self._look(plug)
            await asyncio.sleep(LOOK_S)

    async def _look(self, bridge: PlugBridge) -> None:
        row, now_ms, plug = bridge.last, wall_ms(), bridge.plug
        if row is None or row.is_on is None or now_ms - row.at_ms > SPAN_MS:
            return
        if row.power_uw:
            known = self._power_uw.get(plug.name, 0)
            self._power_uw[plug.name] = max(known, row.power_uw)
        at_ms = self._switched_at_ms.get(plug.name, 0)
        by_hand_ms = bridge.by_hand_at_ms or 0
        if now_ms < max(at_ms + DWELL_MS, by_hand_ms + self._by_hand_ms):
            return
        readings = await asyncio.to_thread(
            self._parts.views.readings_since, plug.house, now_ms - SPAN_MS
        )
        surplus = surplus_uw(readings, self._model_scale)
        wanted = wanted_state(row.is_on, surplus, self._power_uw.get(plug.name, USUAL_POWER_UW))
        if wanted is not row.is_on:
            await self._switch(bridge, wanted)

    async def _switch(self, bridge: PlugBridge, is_on: bool) -> None:
        name = bridge.plug.name
        self._switched_at_ms[name] = wall_ms()  # also when it fails: not again at once
        word = "on" if is_on else "off"
        try:
            await bridge.switch(is_on)
        except (BridgeDown, PlugRefused) as problem:
            self._parts.say(f"{bridge.plug.house}: cannot turn {name} {word}: {problem}")
        else:
            self._parts.say(f"{bridge.plug.house}: its agent turned {name} {word}")
