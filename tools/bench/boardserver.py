"""Serves the boards' connections: hardware requests go to the world, register values come back."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable

import numpy as np

from tools.bench.house import I2C_PINS, House
from tools.bench.shims import bench_protocol as protocol
from tools.bench.world import World

ADC_CLOCK_HZ = 48e6
_HEADER = struct.Struct(protocol.HEADER)
_WITH_BODY = (protocol.HELLO, protocol.I2C_WRITE)


class BoardLink(asyncio.Protocol):
    """One board's connection. While it is open the board's pins are driven; lost, they float."""

    def __init__(self, server: BoardServer) -> None:
        self._server = server
        self._world = server.world
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.house: House | None = None
        self.watchdog_s = 0.0
        self.fed_s = 0.0
        self._adc_started_s = 0.0
        self._adc_period_s = 1.0
        self._adc_channels = [0]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.house is not None:
            self._server.forget(self)
            self._world.power_off(self.house, time.monotonic())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= protocol.HEADER_BYTES:
            op, a, b, c = _HEADER.unpack_from(self._buffer)
            end = protocol.HEADER_BYTES + (b if op in _WITH_BODY else 0)
            if len(self._buffer) < end:
                return
            body = self._buffer[protocol.HEADER_BYTES : end]
            self._buffer = self._buffer[end:]
            reply = self._serve(op, a, b, c, body)
            if reply and self._transport is not None:
                self._transport.write(reply)

    def close(self) -> None:
        """Cut the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _serve(self, op: int, a: int, b: int, c: int, body: bytes) -> bytes:
        now_s = time.monotonic()
        if op == protocol.HELLO:
            return self._hello(body.decode())
        if self.house is None:
            self.close()
            return b""
        self._world.advance(now_s)
        if op == protocol.I2C_READ:
            return self._i2c_read(a, b, c, now_s)
        if op == protocol.ADC_BLOCK:
            return self._adc_block(a, b, c)
        if op == protocol.WATCHDOG:
            self.fed_s = now_s
            self.watchdog_s = c / 1000 if c else self.watchdog_s
        elif op == protocol.PIN_WRITE:
            level = None if b == protocol.FLOATING else b
            self._world.set_pin(self.house, a, level, now_s)
        elif op == protocol.PIN_READ:
            return bytes([self.house.levels.get(a, 0)])
        elif op == protocol.WLAN:
            return bytes([self._server.has_wifi(self.house.name)])
        elif op == protocol.RESET:
            self._server.on_reset(self.house.name)
        else:
            return self._serve_rare(op, a, b, c, body, now_s)
        return b""

    def _serve_rare(self, op: int, a: int, b: int, c: int, body: bytes, now_s: float) -> bytes:
        assert self.house is not None
        if op == protocol.I2C_WRITE:
            part = self.house.meters.get(a)
            if part is None or part.is_dead or not _is_wired(c):
                return bytes([protocol.NACK])
            if b == 2:
                part.write(c & 0xFF, int.from_bytes(body, "big"), now_s)
            return bytes([protocol.ACK])
        if op == protocol.I2C_SCAN:
            found = sum(1 << a for a, part in self.house.meters.items() if not part.is_dead)
            return (found if _is_wired(c) else 0).to_bytes(16, "little")
        if op == protocol.ADC_START:
            channels = [bit for bit in range(5) if b >> bit & 1] or [a]
            first = channels.index(a)
            self._adc_channels = channels[first:] + channels[:first]
            self._adc_period_s = c / ADC_CLOCK_HZ
            self._adc_started_s = now_s
        elif op == protocol.ADC_ONCE:
            codes = self.house.sample([a], np.array([now_s]), b)
            return codes.astype("<u2").tobytes()
        return b""

    def _hello(self, name: str) -> bytes:
        self.house = self._server.welcome(name, self)
        if self.house is None:
            self.close()
            return b""
        # A board that ends without the bench's doing comes back as after a power cut.
        cause = self._server.reset_causes.pop(name, protocol.PWRON_RESET)
        return struct.pack("<B7x8s", cause, self.house.unique_id)

    def _i2c_read(self, address: int, length: int, where: int, now_s: float) -> bytes:
        assert self.house is not None
        part = self.house.meters.get(address)
        if part is None or part.is_dead or not _is_wired(where):
            return bytes([protocol.NACK]) + bytes(length)
        value = part.read(where & 0xFF, now_s)
        return bytes([protocol.ACK]) + value.to_bytes(2, "big").ljust(length, b"\xff")[:length]

    def _adc_block(self, pads: int, count: int, first: int) -> bytes:
        assert self.house is not None
        skip = first % len(self._adc_channels)
        channels = self._adc_channels[skip:] + self._adc_channels[:skip]
        index = np.arange(first + 1, first + count + 1, dtype=np.float64)
        at_s = self._adc_started_s + index * self._adc_period_s
        return self.house.sample(channels, at_s, pads).astype("<u2").tobytes()


class BoardServer:
    """Listens on loopback for boards and keeps one link a house.

    `on_reset` and `on_watchdog` are called with the node's name; whoever runs the board's process
    ends and restarts it.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.links: dict[str, BoardLink] = {}
        self.reset_causes: dict[str, int] = {}
        self.without_wifi: set[str] = set()
        self.on_reset: Callable[[str], None] = lambda name: None
        self.on_watchdog: Callable[[str], None] = lambda name: None
        self._overdue: set[str] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen on a free loopback port and return it."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: BoardLink(self), "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Close all connections: every pin floats."""
        for link in list(self.links.values()):
            link.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def welcome(self, name: str, link: BoardLink) -> House | None:
        """Attach a board to its house; None for a name that has no house or is already served."""
        house = next((house for house in self.world.houses if house.name == name), None)
        if house is None or name in self.links:
            return None
        self.links[name] = link
        return house

    def forget(self, link: BoardLink) -> None:
        """Detach a board whose connection is gone."""
        self.links = {name: each for name, each in self.links.items() if each is not link}

    def has_wifi(self, name: str) -> bool:
        """Tell whether the access point reaches a board."""
        return name not in self.without_wifi

    def check_watchdogs(self, now_s: float) -> None:
        """Report boards whose watchdog ran out.

        A board counts as overdue only at two checks in a row, so that a feed which waits in the
        socket while this process was held up is read first.
        """
        overdue = {
            name
            for name, link in self.links.items()
            if link.watchdog_s and now_s - link.fed_s > link.watchdog_s
        }
        for name in overdue & self._overdue:
            self.on_watchdog(name)
        self._overdue = overdue


def _is_wired(where: int) -> bool:
    return (where >> 8 & 0xFF, where >> 16 & 0xFF) == I2C_PINS
