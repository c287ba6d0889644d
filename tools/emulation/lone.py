"""One emulated board at work: TLS to a real broker, a stand-in hub, a bus that obeys."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rp2040py.gpio_pin import GPIOPinState

from hub.certificates import BROKER_NAME, ensure
from hub.mqtt.broker import Broker
from hub.processes import free_port
from hub.time_server import TimeServer
from tools.bench.house import FITTED, RELAY_PINS, House, Wiring
from tools.bench.ina226 import BUS, Ina226
from tools.bench.profile import profile_of_house
from tools.bench.stand_in_hub import PASSWORD, StandInHub
from tools.board.firmware_files import compiled_files
from tools.emulation.device import PicoW, Surroundings
from tools.emulation.flash import TYPICAL_MS
from tools.emulation.i2c import Meter
from tools.emulation.network import GATEWAY
from tools.emulation.pace import Pace

NODE = "house-1"
NOON = datetime(2017, 3, 28, 12)
BUS_METER = FITTED["bus"]["address"]
IN_PIN = next(pin for pin, relay in RELAY_PINS.items() if relay == "in")
LOOK_S = 0.005
WALL_LIMIT_S = 3_600
SETTINGS = {
    "node": NODE, "wifi_ssid": "bench", "wifi_password": "bench-key",
    "broker_host": GATEWAY, "broker_port": 1, "broker_user": NODE,
    "broker_password": PASSWORD, "broker_tls": False, "relay_active_low": True,
    "key_up": "00" * 32, "key_down": "11" * 32, "ina226": FITTED,
    "broker_keepalive_s": 3_600,  # counted by the broker in its own time, which is not the board's
}  # fmt: skip


class LookedAt:
    """The meter of the bus; `note` is told the time of each look at its voltage."""

    def __init__(self, meter: Ina226, note: Callable[[float], None]) -> None:
        self._meter = meter
        self._note = note
        self.is_dead = False

    def read(self, register: int, now_s: float) -> int:
        """Read as the part itself."""
        if register == BUS:
            self._note(now_s)
        return self._meter.read(register, now_s)

    def write(self, register: int, value: int, now_s: float) -> None:
        """Write as the part itself."""
        self._meter.write(register, value, now_s)


def noon_house(settings: Mapping[str, Any] = SETTINGS) -> House:
    """Return a house at a sunny noon that stands still, wired as a board's settings say."""
    house = House(NODE, profile_of_house(1), Wiring.of_settings(settings))
    house.follow_profile(NOON)
    house.balance(0.0)
    return house


class LoneBoard:
    """A board that is connected by TLS. Times are the board's own; `async with` it."""

    def __init__(
        self,
        image: Path,
        directory: Path,
        firmware: Mapping[str, bytes] | None = None,
        authority: bytes | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """`firmware`: that of a board by default. `authority`: whom it trusts, in DER.

        By default that is the broker's own. `settings`: those that are not as SETTINGS say.
        """
        self._image = image
        self._firmware = firmware or compiled_files()
        self._authority = authority
        self._settings = SETTINGS | dict(settings or {})
        self._directory = directory
        self._ids = 0
        self.house = noon_house()
        self.looks: list[tuple[float, int]] = []
        """When the safety loop read the bus meter, in s, and how often flash had been written."""
        self.edges: list[tuple[float, int, bool]] = []
        """(time in s, pin, active) of every change at a relay pin."""

    async def __aenter__(self) -> LoneBoard:
        tls, _ = ensure(self._directory / "tls", [])
        self._time = TimeServer("127.0.0.1", 0, lambda: True)
        await self._time.start()
        port = free_port()
        words = {NODE: PASSWORD, "hub": PASSWORD}
        self.broker = Broker("auto", port, self._directory / "broker", words, tls)
        await self.broker.start()
        self.hub = StandInHub(port, [NODE], tls.authority)
        settings = self._settings | {
            "broker_port": port, "broker_tls": True, "broker_ca": "ca.der",
            "broker_name": BROKER_NAME, "ntp_port": self._time.port,
            "clock_floor_s": int(time.time()),
            "key_up": self.hub.key(NODE, "up").hex(), "key_down": self.hub.key(NODE, "down").hex(),
        }  # fmt: skip
        files = {
            **self._firmware,
            "settings.json": json.dumps(settings).encode(),
            "ca.der": self._authority or tls.authority_der.read_bytes(),
        }
        bus = LookedAt(self.house.meters[BUS_METER], self._note_look)
        meters: dict[int, Meter] = {**self.house.meters, BUS_METER: bus}
        around = Surroundings(self.house.sample, meters, self.house.unique_id)
        self.device = PicoW(self._image, files, around, Pace(1.0))
        self.device.flash.write_ms = TYPICAL_MS
        self.console = bytearray()
        self.device.cdc.on_serial_data = self.console.extend
        for pin in RELAY_PINS:
            self._watch(pin)
        await self.device.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.hub.stop()
        self.device.stop()
        await self.broker.stop()
        self._time.stop()

    def _note_look(self, now_s: float) -> None:
        self.looks.append((now_s, self.device.flash.writes))

    def _watch(self, pin: int) -> None:
        def moved(new: GPIOPinState, old: GPIOPinState) -> None:
            self.edges.append((self.device.now_s, pin, new is GPIOPinState.LOW))

        self.device.mcu.gpio[pin].add_listener(moved)

    @property
    def now_s(self) -> float:
        """The board's time."""
        return self.device.now_s

    async def wait(self, condition: Callable[[], Any], limit_s: float, what: str) -> Any:
        """Return the condition's value once it is true. Raises TimeoutError naming `what`."""
        end_s, wall_end_s = self.now_s + limit_s, time.monotonic() + WALL_LIMIT_S
        while not (value := condition()):
            if self.device.simulator.engine_room_error is not None:
                raise self.device.simulator.engine_room_error
            if self.now_s > end_s or time.monotonic() > wall_end_s:
                raise TimeoutError(f"{what} did not happen within {limit_s:g} s")
            await asyncio.sleep(LOOK_S)
        return value

    async def run_for(self, duration_s: float) -> None:
        """Let so much of the board's time pass."""
        end_s = self.now_s + duration_s
        await self.wait(lambda: self.now_s >= end_s, 2 * duration_s + 1, "the time")

    async def wait_status(self, *states: str, limit_s: float = 30) -> None:
        """Wait for a status of one of these states sent from now on."""
        seen = len(self.hub.all(NODE, "status"))
        await self.wait(
            lambda: any(each["state"] in states for each in self.hub.all(NODE, "status")[seen:]),
            limit_s,
            f"the state {states[0]}",
        )

    def set_bus(self, voltage_v: float, current_a: float) -> float:
        """Let the bus have this from now on and return the time in s."""
        self.house.traces["bus"].note(self.now_s, voltage_v, current_a)
        return self.now_s

    def lease_next(self) -> str:
        """Arm the board for its next delivery and return the delivery's id."""
        delivery_id = f"{self._ids + 1:032x}"
        self.hub.lease(NODE, delivery_id)
        return delivery_id

    async def begin_delivery(self) -> str:
        """Close IN as a buyer onto a dead bus, let 6 W flow, and return the delivery's id."""
        self.set_bus(0.0, 0.0)
        await self.wait_status("idle", "armed")
        delivery_id = self.lease_next()
        self._ids += 1
        await self.wait_status("armed")
        self.hub.lease(NODE, delivery_id)
        self.hub.pairs[delivery_id] = {NODE: NODE}
        edges = len(self.edges)
        self.hub.close(NODE, delivery_id, "buyer", 10**9)
        await self.wait(lambda: (IN_PIN, True) in self._since(edges), 10, "closing")
        self.set_bus(12.0, 0.5)
        await self.wait(lambda: self.hub.all(NODE, "delivery"), 10, "a report")
        return delivery_id

    def _since(self, edges: int) -> list[tuple[int, bool]]:
        return [(pin, is_active) for _, pin, is_active in self.edges[edges:]]

    async def opened_s(self, since_s: float, limit_s: float) -> float:
        """Wait until IN opens after `since_s`, empty the bus and return the time of the edge."""

        def opening() -> list[float]:
            return [at_s for at_s, pin, is_active in self.edges
                    if pin == IN_PIN and not is_active and at_s >= since_s]  # fmt: skip

        found: list[float] = await self.wait(opening, limit_s, "opening")
        self.set_bus(0.0, 0.0)
        return found[0]
