"""Shelly plugs and meters over HTTP: Gen1 (`/status`) and Gen2 (`/rpc/...`).

Energies: Gen1 `meters` count watt-minutes, `emeters` Wh (Shelly, "Gen1 Device API"); Gen2 counts
Wh (`aenergy.total`, `total_act_energy`).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hub.bridges.config import Plug
from hub.bridges.errors import BridgeDown
from hub.bridges.foreign import BadAnswer, item, read_object, scaled, switch_state, table
from hub.bridges.http import Http
from hub.bridges.plugs.reading import PlugReading

MICRO_WH_PER_WATT_MINUTE = Decimal(10**6) / 60


def read_gen1(status: dict[str, Any], channel: int) -> PlugReading:
    """Return what `/status` tells of a channel. Raises BadAnswer when it has no meter there."""
    emeter, meter = (item(status.get(name), channel) for name in ("emeters", "meters"))
    relay = table(item(status.get("relays"), channel))
    found = table(emeter if emeter is not None else meter)
    if not found:
        raise BadAnswer(f"the device has no meter {channel}")
    is_valid = found.get("is_valid", True) is True
    per_unit = Decimal(10**6) if emeter is not None else MICRO_WH_PER_WATT_MINUTE
    return PlugReading(
        is_on=switch_state(relay.get("ison")),
        power_uw=scaled(found.get("power")) if is_valid else None,
        voltage_uv=scaled(found.get("voltage")) if is_valid else None,
        current_ua=scaled(found.get("current")) if is_valid else None,
        device_uwh=scaled(found.get("total"), per_unit) if is_valid else None,
    )


def read_switch(status: dict[str, Any]) -> PlugReading:
    """Return what `Switch.GetStatus` of a Gen2 device tells. Raises BadAnswer."""
    if "output" not in status:
        raise BadAnswer("not the status of a switch")
    return PlugReading(
        is_on=switch_state(status.get("output")),
        power_uw=scaled(status.get("apower")),
        voltage_uv=scaled(status.get("voltage")),
        current_ua=scaled(status.get("current")),
        device_uwh=scaled(table(status.get("aenergy")).get("total")),
    )


def read_em1(status: dict[str, Any], counters: dict[str, Any]) -> PlugReading:
    """Return what `EM1.GetStatus` and `EM1Data.GetStatus` of a Gen2 meter tell."""
    if "act_power" not in status:
        raise BadAnswer("not the status of a meter")
    return PlugReading(
        power_uw=scaled(status.get("act_power")),
        voltage_uv=scaled(status.get("voltage")),
        current_ua=scaled(status.get("current")),
        device_uwh=scaled(counters.get("total_act_energy")),
    )


class ShellyGen1:
    def __init__(self, plug: Plug, address: Callable[[], str], http: Http) -> None:
        self._plug, self._address, self._http = plug, address, http

    async def read(self) -> PlugReading:
        body = await self._http.get(f"http://{self._address()}/status")
        return read_gen1(read_object(body), self._plug.channel)

    async def switch(self, is_on: bool) -> None:
        word = "on" if is_on else "off"
        url = f"http://{self._address()}/relay/{self._plug.channel}"
        answer = read_object(await self._http.get(url, {"turn": word}))
        if switch_state(answer.get("ison")) is not is_on:
            raise BridgeDown(f"{self._plug.name} did not switch {word}")


class ShellyGen2:
    def __init__(self, plug: Plug, address: Callable[[], str], http: Http) -> None:
        self._plug, self._address, self._http = plug, address, http

    async def read(self) -> PlugReading:
        if self._plug.component == "em1":
            return read_em1(
                await self._call("EM1.GetStatus"), await self._call("EM1Data.GetStatus")
            )
        return read_switch(await self._call("Switch.GetStatus"))

    async def switch(self, is_on: bool) -> None:
        if self._plug.component == "em1":
            raise BridgeDown(f"{self._plug.name} is a meter: it has nothing to switch")
        await self._call("Switch.Set", {"on": "true" if is_on else "false"})
        told = read_switch(await self._call("Switch.GetStatus"))
        if told.is_on is not is_on:
            raise BridgeDown(f"{self._plug.name} did not switch {'on' if is_on else 'off'}")

    async def _call(self, method: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        url = f"http://{self._address()}/rpc/{method}"
        asked = {"id": str(self._plug.channel)} | (params or {})
        return read_object(await self._http.get(url, asked))
