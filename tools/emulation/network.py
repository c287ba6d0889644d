"""The board's radio and the network behind it: the host's loopback, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from rp2040py.external.cyw43.bus import CYW43_EV_SET_SSID, GSPIBus
from rp2040py.external.cyw43.chip import Cyw43439
from rp2040py.external.cyw43.nat import NatBridge, TcpReflector, UdpRelay
from rp2040py.rp2040 import RP2040

GATEWAY = "10.0.0.1"
"""What the guest calls the host."""
LOOPBACK = "127.0.0.1"
NO_DNS = (LOOPBACK, 20053)
CREDIT_MARGIN = 10
SEARCH_NS = 1_500_000_000
"""How long the radio looks for an access point that is not there."""
STATUS_NO_NETWORKS = 3
"""cyw43_ctrl.c: "no matching SSID found (could be out of range, or down)"."""


class _Writer(asyncio.StreamWriter):
    """A guest that ends a connection which the host has just reset must not end the emulation."""

    def write_eof(self) -> None:
        with contextlib.suppress(OSError):
            super().write_eof()


async def _connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect the guest to the host's loopback; every other destination is refused."""
    if host != GATEWAY:
        raise ConnectionRefusedError(host)
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await loop.create_connection(lambda: protocol, LOOPBACK, port)
    return reader, _Writer(transport, protocol, reader, loop)


class _LoopbackUdp(UdpRelay):
    """Relays datagrams to the host's loopback only."""

    async def _relay(self, *packet: Any) -> None:
        mac, address, port, query, upstream, reply_address, reply_port = packet
        if upstream[0] == GATEWAY:
            upstream = (LOOPBACK, upstream[1])
        if upstream[0] == LOOPBACK:
            await super()._relay(mac, address, port, query, upstream, reply_address, reply_port)


class LoopbackNetwork(NatBridge):
    """What is behind the access point."""

    def __init__(self, mcu: RP2040, queue_frame: Callable[[bytes], None]) -> None:
        super().__init__(mcu, queue_frame)
        self._udp = _LoopbackUdp(mcu, queue_frame, dns_upstream=NO_DNS)
        self._tcp = TcpReflector(mcu, queue_frame, connect_fn=_connect)


class _Bus(GSPIBus):
    """The radio's bus, with the send credit counted as the chip does.

    In rp2040py 0.3.6 each frame towards the guest raises the 8-bit credit as well, so that after
    some 256 frames more in than out it equals the guest's sequence number and the driver waits
    for ever. Only what the guest sends may raise it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bus_data_credit = 1 + CREDIT_MARGIN
        self.is_in_reach = True
        self._is_joined = False
        self.search: Callable[[], None] = lambda: None
        """Begins a search that ends in `tell_not_found`."""
        self.on_power_off: Callable[[], None] = lambda: None

    def power_off(self) -> None:
        super().power_off()
        self.on_power_off()
        self._bus_data_credit = 1 + CREDIT_MARGIN
        self._is_joined = False
        if self._data_pin is not None:
            self._data_pin.release_input()
        # A guest that starts again takes the same ports: its first segment to one would be taken
        # for one of the connection that it had before, and never be answered.
        self.hang_up()

    def hang_up(self) -> None:
        """Close what the guest has open on the host."""
        if self.nat_bridge is not None:
            self.nat_bridge.reset()

    def leave(self) -> None:
        """Take the access point away: the guest sees its link go, and joins nothing until back."""
        self.is_in_reach = False
        self.hang_up()
        if self._is_joined:
            super()._queue_disassoc_events()
        self._is_joined = False

    def _build_data_frame(self, ethernet_frame: bytes, *, interface: int = 0) -> bytes:
        self._bus_data_credit = (self._bus_data_credit - 1) & 0xFF
        return bytes(super()._build_data_frame(ethernet_frame, interface=interface))

    def _build_async_event(self, *event: Any, **more: Any) -> bytes:
        self._bus_data_credit = (self._bus_data_credit - 1) & 0xFF
        return bytes(super()._build_async_event(*event, **more))

    def queue_rx_ethernet_frame(self, ethernet_frame: bytes, *, interface: int = 0) -> None:
        if self.is_in_reach:
            super().queue_rx_ethernet_frame(ethernet_frame, interface=interface)

    def _queue_join_events(self) -> None:
        if self.is_in_reach:
            self._is_joined = True
            super()._queue_join_events()
        else:
            self.search()

    def tell_not_found(self) -> None:
        """End a search as the radio does; without a word the driver would join for ever."""
        self.queue_rx_packet(self._build_async_event(CYW43_EV_SET_SSID, STATUS_NO_NETWORKS))

    def _queue_disassoc_events(self) -> None:
        self._is_joined = False
        super()._queue_disassoc_events()


class Radio(Cyw43439):
    """A CYW43439 whose access point leads to the host's loopback."""

    def __init__(self) -> None:
        super().__init__()
        self.bus = self._bus = _Bus()

    def attach(self, rp2040: RP2040) -> None:
        """Wire the chip to its pins."""
        super().attach(rp2040)
        self.bus.nat_bridge = LoopbackNetwork(rp2040, self.bus.queue_rx_ethernet_frame)
        searched = rp2040.clock.create_alarm(self._bus.tell_not_found)
        self._bus.search = lambda: searched.schedule(SEARCH_NS)
        self._bus.on_power_off = searched.cancel

    def hang_up(self) -> None:
        """Close what the board has open on the host."""
        self._bus.hang_up()

    def cut(self, cut: bool = True) -> None:
        """Take the access point out of reach, or bring it back."""
        if cut:
            self._bus.leave()
        else:
            self._bus.is_in_reach = True
