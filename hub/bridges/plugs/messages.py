"""The connection that plugs on the hub's broker share: each gets its own messages."""

from __future__ import annotations

from collections.abc import Sequence

from hub.bridges.accounts import PLUGS_USER
from hub.bridges.errors import NotYet
from hub.bridges.mqtt import Mqtt
from hub.bridges.parts import Parts
from hub.bridges.plugs.tasmota import TasmotaMqtt


class PlugMessages:
    """A bridge that hears for all Tasmota plugs on MQTT, and publishes what they are told."""

    name = "plugs on MQTT"
    longest_pause_s = 30.0

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._drivers: list[TasmotaMqtt] = []
        self._link: Mqtt | None = None

    def serve(self, drivers: Sequence[TasmotaMqtt]) -> None:
        """Say who listens; before `run`."""
        self._drivers = list(drivers)

    async def run(self) -> None:
        wanted = [topic for driver in self._drivers for topic in driver.topics()]
        async with Mqtt(self._parts, PLUGS_USER, wanted) as link:
            self._link = link
            try:
                async for topic, payload in link.messages():
                    for driver in self._drivers:
                        if topic in driver.topics():
                            driver.hear(topic, payload)
            finally:
                self._link = None

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send to a plug. Raises BridgeDown while there is no connection."""
        if self._link is None:
            raise NotYet("not connected to the hub's broker yet")
        self._link.publish(topic, payload, retain=retain)
