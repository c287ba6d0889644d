"""The hub's agents at the switch: flexible appliances run on their house's own sun.

What a person switched is left alone for an hour of the site's time; but what the house promised in
a demand-response event ends what was switched before it. Only plugs that are set to be flexible, of
houses whose agent the hub runs, and no relay: this is the mains side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hub.bridges.errors import BridgeDown, PlugRefused
from hub.bridges.parts import Parts
from hub.bridges.plugs.bridge import PlugBridge
from hub.bridges.plugs.sunlight import SPAN_MS, SunlightRule
from hub.site_clock import wall_ms

LOOK_S = 5.0


class FlexiblePlugs:
    """A bridge that looks at every flexible plug every few seconds: the sun tells nobody."""

    name = "flexible appliances"
    longest_pause_s = 60.0

    def __init__(self, plugs: Sequence[PlugBridge], parts: Parts, model_scale: int) -> None:
        self._plugs = list(plugs)
        self._parts = parts
        self._rule = SunlightRule(model_scale)

    async def run(self) -> None:
        while True:
            for plug in self._plugs:
                await self._look(plug)
            await asyncio.sleep(LOOK_S)

    async def _look(self, bridge: PlugBridge) -> None:
        row, now_ms, plug = bridge.last, wall_ms(), bridge.plug
        if row is None or row.is_on is None or now_ms - row.at_ms > SPAN_MS:
            return
        may_switch = self._rule.may_switch(plug.name, row.power_uw, now_ms)
        promise = await asyncio.to_thread(self._parts.views.promise, plug.house)
        promised_ms = None if promise is None else promise["start_ms"]
        if not may_switch or bridge.is_left_alone(now_ms, promised_ms):
            return
        readings = await asyncio.to_thread(
            self._parts.views.readings_since, plug.house, now_ms - SPAN_MS
        )
        wanted = self._rule.wanted(plug.name, row.is_on, readings)
        if promise is not None:
            wanted = False
        if wanted is not row.is_on:
            await self._switch(bridge, wanted)

    async def _switch(self, bridge: PlugBridge, is_on: bool) -> None:
        name = bridge.plug.name
        self._rule.note_switching(name, wall_ms())
        word = "on" if is_on else "off"
        try:
            await bridge.switch(is_on)
        except (BridgeDown, PlugRefused) as problem:
            self._parts.say(f"{bridge.plug.house}: cannot turn {name} {word}: {problem}")
        else:
            self._parts.say(f"{bridge.plug.house}: its agent turned {name} {word}")
