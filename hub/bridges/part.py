"""The hub's bridges as one part: the configuration enters, running bridges and records leave."""

from __future__ import annotations

import datetime
import functools
import json
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hub.bridges import metrics
from hub.bridges.config import BENCH, BridgesConfig, Plug, Sonoff
from hub.bridges.emoncms import EmoncmsBridge
from hub.bridges.errors import NotYet, PlugRefused
from hub.bridges.home_assistant import HomeAssistantBridge
from hub.bridges.http import Http
from hub.bridges.market_feed import MarketFeedBridge
from hub.bridges.parts import Parts
from hub.bridges.plugs.bridge import BY_HAND_MS, PlugBridge, PlugThinning
from hub.bridges.plugs.ewelink import EwelinkBridge
from hub.bridges.plugs.flexible import FlexiblePlugs
from hub.bridges.plugs.messages import PlugMessages
from hub.bridges.plugs.reading import Driver
from hub.bridges.plugs.shelly import ShellyGen1, ShellyGen2
from hub.bridges.plugs.sonoff import SonoffWatch
from hub.bridges.plugs.tasmota import TasmotaHttp, TasmotaMqtt
from hub.bridges.supervisor import Bridge, Bridges
from hub.bridges.thingspeak import ThingSpeakBridge
from hub.bridges.views import Place, PlugLog, Views
from hub.services.aged import Aged
from hub.simulated import SimulatedDevices
from hub.site_clock import SiteClock, wall_ms
from hub.store import Store

SWITCH_TIMEOUT_S = 12.0
PLUGS_AGE_S = 0.4
ONLINE_PERIODS = 4
LEAST_ONLINE_MS = 30_000
BENCH_PLUGS = "plugs.json"
Record = dict[str, Any]


class BridgesPart:
    """`start()`, then what the page asks for from any thread, then `stop()`."""

    def __init__(
        self,
        wanted: BridgesConfig,
        parts: Parts,
        boards_dir: Path,
        scales: tuple[int, int] = (1, 1),
        not_ours: Collection[str] = (),
    ) -> None:
        """`scales`: of the DC model, and how fast the site's time runs. `not_ours`: houses whose
        flexible plugs no agent of this hub switches."""
        self._wanted = wanted
        self._parts = parts
        self._boards_dir = boards_dir
        self._scales = scales
        self._not_ours = frozenset(not_ours)
        self._thingspeak: ThingSpeakBridge | None = None
        self._plugs: dict[str, PlugBridge] = {}
        self._messages = PlugMessages(parts)
        self._sonoff = SonoffWatch(wanted.sonoff or Sonoff(), parts)
        cloud = wanted.ewelink
        self._ewelink = EwelinkBridge(cloud, parts) if cloud is not None else None
        bridges = [*self._services(), *self._meters()]
        self._runner = Bridges(bridges, parts.say)
        self._seen_plugs = Aged(self._read_plugs, PLUGS_AGE_S)
        self._simulated = SimulatedDevices(boards_dir)

    @classmethod
    def of(
        cls,
        wanted: BridgesConfig,
        store: Store,
        clock: SiteClock | None,
        names: Mapping[str, str],
        secrets: Mapping[str, str],
        **more: Any,
    ) -> BridgesPart:
        """Compose it. `names`: chain address to peer; `more`: passwords, broker, state_dir, say,
        boards_dir, scales, not_ours."""
        boards_dir: Path = more.pop("boards_dir")
        scales: tuple[int, int] = more.pop("scales", (1, 1))
        not_ours: Collection[str] = more.pop("not_ours", ())
        parts = Parts(
            views=Views(store, clock, names),
            place_of=functools.partial(Place, store),
            plug_log=PlugLog(store),
            secrets=secrets,
            http=Http(),
            **more,
        )
        return cls(wanted, parts, boards_dir, scales, not_ours)

    def start(self) -> None:
        self._runner.start()

    def stop(self) -> None:
        self._runner.stop()

    # For the page -------------------------------------------------------------------------------

    def record(self) -> Record:
        """Return what the page shows of the bridges, ready for JSON."""
        return {
            "plugs": [*self._seen_plugs.get(), *self._simulated.records()],
            "states": [asdict(one) for one in self._runner.states()],
        }

    def switch_plug(self, name: str, is_on: bool, peer: str) -> Record:
        """Switch a plug of a house for that house; return its record.

        Raises PlugRefused, or BridgeDown when the plug does not obey.
        """
        if name not in self._plugs and self._simulated.has(name):
            return self._simulated.switch(name, is_on, peer)
        return self._switch(name, self._plug_of(name, peer).switch_by_hand(is_on))

    def flexible_plugs(self, peer: str) -> list[Record]:
        """Return the plugs of a house that its agent may switch, as its agent away sees them."""
        now_ms, promised_ms = wall_ms(), self._promised_ms(peer)
        return [
            {
                **one,
                "is_left_alone": self._plugs[one["name"]].is_left_alone(now_ms, promised_ms),
                "is_promised_off": promised_ms is not None,
            }
            for one in self._seen_plugs.get()
            if one["house"] == peer and one["is_flexible"] and one["can_switch"]
        ]

    def switch_for_agent(self, name: str, is_on: bool, peer: str) -> Record:
        """Switch a flexible plug for its house's agent away; return its record.

        Raises PlugRefused, also for an hour after a person did, or BridgeDown.
        """
        plug = self._plug_of(name, peer)
        return self._switch(name, plug.switch_by_agent(is_on, self._promised_ms(peer)))

    def _promised_ms(self, house: str) -> int | None:
        """Return since when a house keeps its appliances off for an event, or None."""
        promise = self._parts.views.promise(house)
        return None if promise is None else int(promise["start_ms"])

    def _plug_of(self, name: str, peer: str) -> PlugBridge:
        bridge = self._plugs.get(name)
        if bridge is None:
            raise PlugRefused("There is no such plug on this site.")
        if bridge.plug.house != peer:
            raise PlugRefused(f"Only {bridge.plug.house} can switch {name}.")
        return bridge

    def _switch(self, name: str, deed: Coroutine[Any, Any, None]) -> Record:
        self._runner.call(deed, SWITCH_TIMEOUT_S)
        self._seen_plugs.forget()
        return next(one for one in self._seen_plugs.get() if one["name"] == name)

    def history(self) -> Record:
        """Return what ThingSpeak has of each house, an empty record when it is off."""
        return self._thingspeak.history() if self._thingspeak else {}

    def ewelink_sign_in(self) -> str:
        """Return where a person signs in to eWeLink. Raises PlugRefused or BridgeDown."""
        return self._cloud().sign_in_url()

    def take_ewelink_code(self, code: str, region: str, state: str) -> None:
        """Take what eWeLink leads back with. Raises PlugRefused or BridgeDown."""
        self._runner.call(self._cloud().take_code(code, region, state), SWITCH_TIMEOUT_S)

    def usage(self) -> Record:
        """Return by plug what eWeLink says of its use: this month, and each day, today first."""
        found = self._ewelink.usage() if self._ewelink else {}
        today = datetime.date.today()
        return {
            name: {"month_uwh": one.month_uwh(today), "days_uwh": list(one.days_uwh)}
            for name, one in found.items()
        }

    def _cloud(self) -> EwelinkBridge:
        if self._ewelink is None:
            raise PlugRefused("eWeLink is off: it needs the table [bridges.ewelink] in site.toml.")
        return self._ewelink

    def metrics(self) -> bytes | None:
        """Return the text of a Prometheus scrape, None when it is off."""
        if self._wanted.prometheus is None:
            return None
        return metrics.metrics(self._parts.views, self._runner.states())

    # ----------------------------------------------------------------------------------------

    def _services(self) -> list[Bridge]:
        found: list[Bridge] = []
        if self._wanted.thingspeak is not None:
            self._thingspeak = ThingSpeakBridge(self._wanted.thingspeak, self._parts)
            found.append(self._thingspeak)
        if self._wanted.emoncms is not None:
            found.append(EmoncmsBridge(self._wanted.emoncms, self._parts))
        if self._wanted.home_assistant is not None:
            found.append(HomeAssistantBridge(self._wanted.home_assistant, self._parts))
        if self._wanted.market is not None:
            found.append(MarketFeedBridge(self._wanted.market, self._parts))
        return found

    def _meters(self) -> list[Bridge]:
        cloud: list[Bridge] = [self._ewelink] if self._ewelink is not None else []
        if not self._wanted.plugs:
            return cloud  # a person can sign in before there is a plug
        drivers = {plug.name: self._driver(plug) for plug in self._wanted.plugs}
        for plug in self._wanted.plugs:
            self._plugs[plug.name] = PlugBridge(
                plug, drivers[plug.name], self._parts.plug_log, BY_HAND_MS // self._scales[1]
            )
        found: list[Bridge] = [*self._plugs.values(), PlugThinning(self._parts.plug_log)]
        on_mqtt = [one for one in drivers.values() if isinstance(one, TasmotaMqtt)]
        if on_mqtt:
            self._messages.serve(on_mqtt)
            found.append(self._messages)
        if any(plug.kind == "sonoff" for plug in self._wanted.plugs):
            found.append(self._sonoff)
        found += cloud
        flexible = [
            one
            for one in self._plugs.values()
            if one.plug.is_flexible and one.plug.house not in self._not_ours
        ]
        if flexible:
            found.append(FlexiblePlugs(flexible, self._parts, self._scales[0]))
        return found

    def _driver(self, plug: Plug) -> Driver:
        http = self._parts.http
        address = self._address_of(plug)
        if plug.kind == "shelly-gen1":
            return ShellyGen1(plug, address, http)
        if plug.kind == "shelly-gen2":
            return ShellyGen2(plug, address, http)
        if plug.kind == "sonoff":
            return self._sonoff.plug(plug)
        if plug.kind == "ewelink" and self._ewelink is not None:
            return self._ewelink.plug(plug)
        if plug.kind == "tasmota-mqtt":
            return TasmotaMqtt(plug, self._messages)
        password = self._parts.secrets.get(f"plug.{plug.name}.password")
        return TasmotaHttp(plug, address, http, password)

    def _address_of(self, plug: Plug) -> Callable[[], str]:
        """Return how to learn a plug's address now: a virtual one has another at each start."""
        if plug.address != BENCH:
            return lambda: plug.address
        return functools.partial(_bench_address, self._boards_dir / BENCH_PLUGS, plug.name)

    def _read_plugs(self) -> list[Record]:
        now_ms = wall_ms()
        rows = {row["plug"]: row for row in self._parts.views.latest_plugs()}
        problems = {one.name: one.problem for one in self._runner.states() if not one.is_running}
        found = []
        for name, bridge in self._plugs.items():
            one = _plug_record(bridge.plug, rows.get(name), problems.get(bridge.name), now_ms)
            promise = self._parts.views.promise(bridge.plug.house) if one["is_flexible"] else None
            one["promised_off_until"] = None if promise is None else promise["end_local"]
            found.append(one)
        return found


def _plug_record(plug: Plug, row: Record | None, problem: str | None, now_ms: int) -> Record:
    measured = ("power_uw", "voltage_uv", "current_ua", "energy_uwh")
    age_ms = None if row is None else max(0, now_ms - row["at_ms"])
    longest_ms = max(LEAST_ONLINE_MS, ONLINE_PERIODS * plug.period_s * 1000)
    is_on = None if row is None or row["is_on"] is None else bool(row["is_on"])
    return {
        "name": plug.name,
        "house": plug.house,
        "kind": plug.kind,
        "is_house_meter": plug.is_house_meter,
        "can_switch": plug.can_switch,
        "is_flexible": plug.is_flexible,
        "is_online": age_ms is not None and age_ms < longest_ms and problem is None,
        "is_on": is_on,
        "age_ms": age_ms,
        "problem": problem,
        **{name: None if row is None else row[name] for name in measured},
    }


def _bench_address(path: Path, name: str) -> str:
    """Return where the virtual bench says that a plug listens. Raises NotYet."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))[name]
    except (OSError, ValueError, KeyError, TypeError):
        raise NotYet(f"the virtual bench has no plug {name} yet") from None
    return str(found)
