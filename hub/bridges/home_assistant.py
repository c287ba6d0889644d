"""Home Assistant: boards appear by themselves, by MQTT discovery, with classes and diagnostics.

One retained discovery message a quantity (`<prefix>/sensor/trueque_<node>/<key>/config`; Home
Assistant, "MQTT Discovery"): all of a board in one would not pass the broker's limit for boards.
Values go to `trueque/1/home/<node>/state`. Nothing is subscribed but Home Assistant's own birth
message: it cannot command.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from hub.bridges.accounts import HOME_PREFIX, HOME_USER
from hub.bridges.config import HomeAssistant
from hub.bridges.mqtt import Mqtt
from hub.bridges.parts import Parts
from hub.bridges.together import together
from hub.services.snapshot import house_record
from hub.site_clock import wall_ms

STATUS = f"{HOME_PREFIX}/status"
EXPIRES_PERIODS = 6
PORT_NAMES = {"pv": "Solar", "load": "Load", "battery": "Battery", "bus": "DC bus"}
MEASURED = {
    "voltage_uv": ("voltage", "V"),
    "current_ua": ("current", "A"),
    "power_uw": ("power", "W"),
}
WAYS = {"import": "taken in", "export": "given out"}
Record = dict[str, Any]


class HomeAssistantBridge:
    """Announces every board, keeps its state current, and takes back who is gone."""

    name = "home assistant"
    longest_pause_s = 30.0

    def __init__(self, wanted: HomeAssistant, parts: Parts) -> None:
        self._wanted = wanted
        self._parts = parts
        self._place = parts.place_of(self.name)
        self._announced: dict[str, bytes] = {}
        self._registers: dict[str, dict[str, int]] = {}

    async def run(self) -> None:
        birth = f"{self._wanted.prefix}/status"
        async with Mqtt(self._parts, HOME_USER, [birth], will=(STATUS, b"offline")) as link:
            self._announced = dict.fromkeys(self._place.get().get("topics", ()), b"")
            link.publish(STATUS, b"online", retain=True)
            await together(self._publish(link), self._hear(link))

    async def _hear(self, link: Mqtt) -> None:
        async for _, payload in link.messages():
            if payload == b"online":  # it has just started and knows nothing
                self._announced = dict.fromkeys(self._announced, b"")

    async def _publish(self, link: Mqtt) -> None:
        while True:
            link.check()
            houses = [] if self._wanted.withdraw else await asyncio.to_thread(self._houses)
            self._announce(link, houses)
            for house, state in houses:
                topic = f"{HOME_PREFIX}/{house['name']}"
                word = b"online" if house["is_online"] else b"offline"
                link.publish(f"{topic}/availability", word, retain=True)
                link.publish(f"{topic}/state", _json(state), retain=True)
            await asyncio.sleep(self._wanted.period_s)

    def _announce(self, link: Mqtt, houses: list[tuple[Record, Record]]) -> None:
        wanted: dict[str, bytes] = {}
        for house, state in houses:
            for topic, config in discovery(house, state, self._wanted).items():
                wanted[topic] = _json(config)
            topic = f"{HOME_PREFIX}/{house['name']}"
            wanted |= {f"{topic}/availability": b"", f"{topic}/state": b""}  # taken back, too
        if wanted.keys() - self._announced.keys():  # before: none is forgotten by a crash
            self._place.keep({"topics": sorted(wanted.keys() | self._announced.keys())})
        for topic, payload in wanted.items():
            if payload and self._announced.get(topic) != payload:
                link.publish(topic, payload, retain=True)
        for topic in self._announced.keys() - wanted.keys():
            link.publish(topic, b"", retain=True)
        self._announced = wanted

    def _houses(self) -> list[tuple[Record, Record]]:
        views, now_ms = self._parts.views, wall_ms()
        readings, statuses = views.latest_readings(), views.latest_statuses()
        found = []
        for node in views.nodes():
            status, reading = statuses.get(node.node), readings.get(node.node)
            house = house_record(node, status, reading, now_ms)
            registers = self._highest(node.node, house["registers"])
            extra = {
                "uptime_s": status and status.uptime_ms and status.uptime_ms // 1000,
                "free_bytes": status and status.free_bytes,
                "reset_cause": status and status.reset_cause,
            }
            found.append((house, state_of(house, registers) | extra))
        return found

    def _highest(self, node: str, registers: Mapping[str, int | None]) -> Record:
        """Return registers that never fall: Home Assistant takes a fall for a new meter."""
        known = self._registers.get(node)
        if known is None:
            highest = self._parts.views.highest_registers(node)
            known = {name: value for name, value in highest.items() if value is not None}
            self._registers[node] = known
        for name, value in registers.items():
            if value is not None:
                known[name] = max(value, known.get(name, 0))
        return known


def state_of(house: Record, registers: Mapping[str, int]) -> Record:
    """Return the values of a board in the units that are announced; what is not metered is left
    out."""
    state: Record = {"relay": house["relay"], "state": house["state"]}
    state["fault"] = "ON" if house["fault"] else "OFF"
    state["quality"] = ", ".join(house["quality"]) or "good"
    for port, measured in house["measured"].items():
        for quantity, value in measured.items():
            if value is not None:
                state[f"{port}_{MEASURED[quantity][0]}"] = value / 1e6
        for way in WAYS:
            value = registers.get(f"{port}_{way}_uwh")
            if value is not None:
                state[f"{port}_{way}"] = value / 1e9  # kWh
    if house["load_apparent_uva"] is not None:
        state["load_apparent"] = house["load_apparent_uva"] / 1e6
    return state


def discovery(house: Record, state: Record, wanted: HomeAssistant) -> dict[str, Record]:
    """Return the discovery messages of a board by topic, for what its state has."""
    node = house["name"]
    base = {
        "stat_t": f"{HOME_PREFIX}/{node}/state",
        "avty": [{"t": STATUS}, {"t": f"{HOME_PREFIX}/{node}/availability"}],
        "avty_mode": "all",
        "exp_aft": EXPIRES_PERIODS * wanted.period_s,
        "dev": {
            "ids": [f"trueque_{node}"],
            "name": node,
            "mf": "Trueque",
            "mdl": f"Board of a {house['kind']}",
            "sw": house["firmware"],
        },
        "o": {"name": "Trueque", "sw": metadata.version("trueque")},
    }
    found: dict[str, Record] = {}
    for key, (kind, about) in _components().items():
        if key in state:
            topic = f"{wanted.prefix}/{kind}/trueque_{node}/{key}/config"
            ids = {"uniq_id": f"trueque_{node}_{key}", "obj_id": f"{node}_{key}".replace("-", "_")}
            template = f"{{{{ value_json.{key} }}}}"
            found[topic] = {**about, **ids, "val_tpl": template, **base}
    return found


def _components() -> dict[str, tuple[str, Record]]:
    """Return by key the kind of entity and what Home Assistant must know of it."""
    found: dict[str, tuple[str, Record]] = {}
    for port, name in PORT_NAMES.items():
        for word, unit in MEASURED.values():
            found[f"{port}_{word}"] = ("sensor", _sensor(f"{name} {word}", word, unit))
        for way, said in WAYS.items():
            energy = _sensor(f"{name} energy {said}", "energy", "kWh", "total_increasing")
            found[f"{port}_{way}"] = ("sensor", energy)
    found["load_apparent"] = ("sensor", _sensor("Load apparent power", "apparent_power", "VA"))
    diagnostic = {"ent_cat": "diagnostic"}
    found["uptime_s"] = ("sensor", _sensor("Uptime", "duration", "s") | diagnostic)
    found["free_bytes"] = ("sensor", _sensor("Free memory", "data_size", "B") | diagnostic)
    for key, name in (
        ("relay", "Relays"),
        ("state", "State"),
        ("quality", "Quality of measurement"),
        ("reset_cause", "Cause of the last reset"),
    ):
        found[key] = ("sensor", {"name": name, **diagnostic})
    found["fault"] = ("binary_sensor", {"name": "Fault", "dev_cla": "problem", **diagnostic})
    return found


def _sensor(name: str, dev_class: str, unit: str, state_class: str = "measurement") -> Record:
    return {"name": name, "dev_cla": dev_class, "stat_cla": state_class, "unit_of_meas": unit}


def _json(record: Record) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()
