"""Virtual smart plugs: each answers over HTTP as its make does, and its switch really switches.

A house's meter shows its whole load; any other plug has one appliance of the house behind it.
`<state>/plugs.json` says where each listens, for the hub's bridges.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from tools.bench.house import MAINS_V, House

KINDS = ("tasmota", "shelly-gen1", "shelly-gen2")
HOST = "127.0.0.1"
JOULES_PER_WH = 3600.0
JOULES_PER_WATT_MINUTE = 60.0


@dataclass(frozen=True)
class PlugPlan:
    """One plug as the command line names it: NAME:HOUSE:KIND, with :meter for a house's meter."""

    name: str
    house: str
    kind: str
    is_house_meter: bool

    @classmethod
    def of_text(cls, text: str) -> PlugPlan:
        """Read it. Raises ValueError."""
        name, house, kind, *rest = text.split(":")
        if kind not in KINDS or rest not in ([], ["meter"]):
            raise ValueError(text)
        return cls(name, house, kind, rest == ["meter"])

    def to_text(self) -> str:
        parts = [self.name, self.house, self.kind]
        return ":".join([*parts, "meter"] if self.is_house_meter else parts)


class Plug:
    """What is behind one plug, and its switch. A house's meter has none."""

    def __init__(self, plan: PlugPlan, house: House) -> None:
        self.plan = plan
        self._house = house

    @property
    def is_on(self) -> bool:
        return self.plan.is_house_meter or self._house.appliance.is_on

    @property
    def power_w(self) -> float:
        return (
            self._house.home_load_w if self.plan.is_house_meter else self._house.appliance.power_w
        )

    @property
    def energy_j(self) -> float:
        house = self._house
        return house.energies.load if self.plan.is_house_meter else house.appliance.energy_j

    def switch(self, is_on: bool) -> None:
        """Turn the appliance on or off; the house's load follows at once."""
        if not self.plan.is_house_meter:
            self._house.appliance.is_on = is_on
            self._house.follow_appliance()


class VirtualPlugs:
    """All plugs of a bench: `start()`, then `stop()`."""

    def __init__(self, plans: Sequence[PlugPlan], houses: Mapping[str, House], path: Path) -> None:
        """Raises KeyError for a house that is not there."""
        self.plugs = {plan.name: Plug(plan, houses[plan.house]) for plan in plans}
        self._path = path
        self._runners: list[web.AppRunner] = []

    async def start(self) -> None:
        """Listen, each plug on a free port of its own, and write down where."""
        places: dict[str, str] = {}
        for name, plug in self.plugs.items():
            app = _SERVERS[plug.plan.kind](plug)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, HOST, 0)
            await site.start()
            self._runners.append(runner)
            places[name] = f"{HOST}:{runner.addresses[0][1]}"
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(places), encoding="utf-8")
        os.replace(fresh, self._path)

    async def stop(self) -> None:
        self._path.unlink(missing_ok=True)
        for runner in self._runners:
            await runner.cleanup()


def _tasmota(plug: Plug) -> web.Application:
    """Tasmota's `/cm?cmnd=`: Status 8 and Power."""

    async def command(request: web.Request) -> web.Response:
        words = request.query.get("cmnd", "").split()
        if words[:1] == ["Status"]:
            energy = {
                "Total": round(plug.energy_j / JOULES_PER_WH / 1000, 6),
                "Power": round(plug.power_w, 1),
                "Voltage": MAINS_V,
                "Current": round(plug.power_w / MAINS_V, 3),
            }
            return _json({"StatusSNS": {"ENERGY": energy}})
        if words and words[0] in ("Power", "Power1"):
            if len(words) == 2:
                plug.switch(words[1].lower() in ("on", "1"))
            return _json({"POWER": "ON" if plug.is_on else "OFF"})
        return _json({"Command": "Unknown"})

    return _app(("/cm", command))


def _shelly_gen1(plug: Plug) -> web.Application:
    """A Shelly Plug S: `/status` and `/relay/0?turn=`."""

    async def status(request: web.Request) -> web.Response:
        meter = {
            "power": round(plug.power_w, 2),
            "is_valid": True,
            "total": int(plug.energy_j / JOULES_PER_WATT_MINUTE),
        }
        return _json({"relays": [{"ison": plug.is_on}], "meters": [meter]})

    async def relay(request: web.Request) -> web.Response:
        turn = request.query.get("turn")
        if turn in ("on", "off"):
            plug.switch(turn == "on")
        return _json({"ison": plug.is_on})

    return _app(("/status", status), ("/relay/0", relay))


def _shelly_gen2(plug: Plug) -> web.Application:
    """A Shelly Plus Plug S: Switch.GetStatus and Switch.Set over `/rpc/`."""

    async def get_status(request: web.Request) -> web.Response:
        return _json(
            {
                "id": 0,
                "output": plug.is_on,
                "apower": round(plug.power_w, 1),
                "voltage": MAINS_V,
                "current": round(plug.power_w / MAINS_V, 3),
                "aenergy": {"total": round(plug.energy_j / JOULES_PER_WH, 3)},
            }
        )

    async def set_switch(request: web.Request) -> web.Response:
        was_on = plug.is_on
        plug.switch(request.query.get("on") == "true")
        return _json({"was_on": was_on})

    return _app(("/rpc/Switch.GetStatus", get_status), ("/rpc/Switch.Set", set_switch))


_SERVERS = {"tasmota": _tasmota, "shelly-gen1": _shelly_gen1, "shelly-gen2": _shelly_gen2}


def _app(*routes: tuple[str, Any]) -> web.Application:
    app = web.Application()
    for path, handler in routes:
        app.router.add_get(path, handler)
    return app


def _json(record: dict[str, Any]) -> web.Response:
    return web.json_response(record)
