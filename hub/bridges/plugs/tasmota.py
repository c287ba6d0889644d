"""Tasmota plugs over HTTP (`/cm?cmnd=...`) and over MQTT (`tele/<topic>/SENSOR`).

Units of its telemetry: W, V, A and kWh (Tasmota, "Power Monitoring"). Devices with two channels
send arrays. Its times have no zone: the hub's own are used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from hub.bridges.config import Plug
from hub.bridges.errors import BridgeDown
from hub.bridges.foreign import BadAnswer, item, read_object, scaled, switch_state, table
from hub.bridges.http import Http
from hub.bridges.plugs.reading import PlugReading

MICRO_PER_KILO = 10**9
SILENT_AFTER_S = 330.0  # TelePeriod is 300 s when nobody changed it


def read_energy(sensor: Mapping[str, Any], channel: int) -> PlugReading:
    """Return what the member ENERGY of a SENSOR record tells of a channel. Raises BadAnswer."""
    energy = sensor.get("ENERGY")
    if not isinstance(energy, dict):
        raise BadAnswer("the plug has no energy meter: its telemetry has no ENERGY")

    def member(name: str, factor: int = 10**6) -> int | None:
        value = energy.get(name)
        return scaled(item(value, channel) if isinstance(value, list) else value, factor)

    return PlugReading(
        power_uw=member("Power"),
        voltage_uv=member("Voltage"),
        current_ua=member("Current"),
        device_uwh=member("Total", MICRO_PER_KILO),
    )


def read_power(record: Mapping[str, Any], channel: int) -> bool | None:
    """Return whether a channel is on; devices with one channel leave the number out."""
    found = record.get(f"POWER{channel + 1}")
    return switch_state(record.get("POWER") if found is None and not channel else found)


class TasmotaHttp:
    """A plug at an address; `password` is that of its web console, if it has one."""

    def __init__(self, plug: Plug, address: Any, http: Http, password: str | None) -> None:
        self._plug = plug
        self._address = address
        self._http = http
        self._password = password

    async def read(self) -> PlugReading:
        channel = self._plug.channel
        status = await self._command("Status 8")
        # StatusSNS since version 6; older ones called it StatusSNS within Status 10.
        told = read_energy(table(status.get("StatusSNS")), channel)
        power = await self._command(f"Power{channel + 1}")
        return PlugReading(**{**vars(told), "is_on": read_power(power, channel)})

    async def switch(self, is_on: bool) -> None:
        word = "On" if is_on else "Off"
        channel = self._plug.channel
        answer = await self._command(f"Power{channel + 1} {word}")
        if read_power(answer, channel) is not is_on:
            raise BridgeDown(f"{self._plug.name} did not switch {word.lower()}")

    async def _command(self, command: str) -> dict[str, Any]:
        params = {"cmnd": command}
        if self._password:
            params |= {"user": "admin", "password": self._password}
        return read_object(await self._http.get(f"http://{self._address()}/cm", params))


class Messages(Protocol):
    """What a plug on MQTT needs of hub.bridges.mqtt.Mqtt."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None: ...


class TasmotaMqtt:
    """A plug that sends by itself: `hear` takes its messages, `read` returns the newest."""

    def __init__(self, plug: Plug, messages: Messages) -> None:
        self._plug = plug
        self._messages = messages
        self._told: PlugReading | None = None
        self._told_at_s = 0.0
        self._is_on: bool | None = None
        self._changed = asyncio.Event()

    def topics(self) -> list[str]:
        """Return what must be subscribed for this plug."""
        topic = self._plug.address
        return [f"tele/{topic}/SENSOR", f"tele/{topic}/STATE", f"tele/{topic}/LWT",
                f"stat/{topic}/RESULT", f"stat/{topic}/STATUS8"]  # fmt: skip

    def hear(self, topic: str, payload: bytes) -> None:
        """Take a message of the plug; one that is not as it should be is passed over."""
        kind = topic.rpartition("/")[2]
        if kind == "LWT":
            if payload == b"Offline":
                self._told = None
            return
        try:
            record = read_object(payload)
            if kind in ("SENSOR", "STATUS8"):
                sensor = table(record.get("StatusSNS")) if kind == "STATUS8" else record
                self._told = read_energy(sensor, self._plug.channel)
                self._told_at_s = asyncio.get_running_loop().time()
            else:
                found = read_power(record, self._plug.channel)
                self._is_on = self._is_on if found is None else found
                self._changed.set()
        except BadAnswer:
            return

    async def read(self) -> PlugReading:
        age_s = asyncio.get_running_loop().time() - self._told_at_s
        self._messages.publish(f"cmnd/{self._plug.address}/STATUS", b"8")
        if self._is_on is None:
            self._messages.publish(f"cmnd/{self._plug.address}/STATE", b"")
        if self._told is None or age_s > SILENT_AFTER_S:
            raise BridgeDown(f"{self._plug.name} has sent nothing on MQTT yet")
        return PlugReading(**{**vars(self._told), "is_on": self._is_on})

    async def switch(self, is_on: bool) -> None:
        word = b"ON" if is_on else b"OFF"
        self._changed.clear()
        number = self._plug.channel + 1
        self._messages.publish(f"cmnd/{self._plug.address}/Power{number}", word)
        try:
            async with asyncio.timeout(5):
                while self._is_on is not is_on:
                    await self._changed.wait()
                    self._changed.clear()
        except TimeoutError:
            raise BridgeDown(f"{self._plug.name} did not switch {word.decode().lower()}") from None
