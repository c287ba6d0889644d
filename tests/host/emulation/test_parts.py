"""The emulator's parts by themselves, without an image. Needs the extra `emulation`."""

import asyncio
import socket
import struct
import time

import numpy as np
import pytest

pytest.importorskip("rp2040py", reason="the extra `emulation` is not installed")
pytest.importorskip("littlefs", reason="the extra `emulation` is not installed")

from rp2040py.external.cyw43.bus import CYW43_EV_SET_SSID
from rp2040py.rp2040 import RP2040

from tools.emulation import flash, network
from tools.emulation.converter import Converter
from tools.emulation.pace import SLICE_NS, Pace

ADC = 0x4004C000
CS, FCS, FIFO, DIV = ADC, ADC + 8, ADC + 12, ADC + 16
FREE_RUNNING = 1 | 1 << 3 | 0b111 << 16
SAMPLE_NS = 2_000_000

TCP_CLOSED = 7  # of Linux's tcp_states.h


@pytest.fixture
def mcu():
    return RP2040()


def test_converter_takes_channels_in_turn_when_it_runs_free(mcu):
    def sample(channels, at_s, pads):
        return np.resize([100 + channel for channel in channels], at_s.shape)

    Converter.fit(mcu, sample)
    mcu.write_uint32(FCS, 1)
    mcu.write_uint32(DIV, 1999 << 8)
    mcu.write_uint32(CS, FREE_RUNNING)
    codes = []
    for _ in range(9):
        mcu.clock.tick(2000 / 48e6 * 1e9)
        codes.append(mcu.read_uint32(FIFO))
    assert codes == [100, 101, 102] * 3


def test_converter_counts_codes_when_nobody_takes_them(mcu):
    converter = Converter.fit(mcu, lambda channels, at_s, pads: np.zeros(at_s.shape, int))
    mcu.write_uint32(FCS, 1)
    mcu.write_uint32(DIV, 1999 << 8)
    mcu.write_uint32(CS, FREE_RUNNING)
    for _ in range(7):
        mcu.clock.tick(2000 / 48e6 * 1e9)
    assert converter.overruns == 7 - converter.fifo.item_count


def test_network_refuses_when_the_destination_is_not_the_host():
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(network._connect("192.0.2.1", 1883))


def test_network_goes_on_when_the_guest_ends_what_the_host_has_just_reset():
    async def run(server):
        _, writer = await network._connect(network.GATEWAY, server.getsockname()[1])
        host, _ = server.accept()
        host.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        host.close()
        guest = writer.get_extra_info("socket")
        # The event loop has not heard of it yet.
        end_s = time.monotonic() + 60
        while guest.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != TCP_CLOSED:
            assert time.monotonic() < end_s
        writer.write_eof()
        writer.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        asyncio.run(run(server))


def test_network_reaches_loopback_when_the_gateway_is_asked():
    async def run():
        async def greet(reader, writer):
            writer.write(b"hello")
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await network._connect(network.GATEWAY, port)
        said = await reader.read()
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        return said

    assert asyncio.run(run()) == b"hello"


def test_radio_tells_that_it_found_nothing_when_the_access_point_is_out_of_reach(mcu):
    radio = network.Radio()
    radio.attach(mcu)
    radio.cut()
    radio.bus._queue_join_events()
    mcu.clock.tick(network.SEARCH_NS - 1)
    assert radio.bus._rx_packet == b""
    mcu.clock.tick(2)
    # After SDPCM's header (12 bytes), BDC's (4), Ethernet's (14), the event's (10), flags (4).
    kind_and_status = radio.bus._rx_packet[44:52]
    assert kind_and_status == bytes([0, 0, 0, CYW43_EV_SET_SSID, 0, 0, 0, 3])


def test_radio_searches_no_more_when_its_power_is_off(mcu):
    radio = network.Radio()
    radio.attach(mcu)
    radio.cut()
    radio.bus._queue_join_events()
    radio.bus.power_off()
    mcu.clock.tick(2 * network.SEARCH_NS)
    assert radio.bus._rx_packet == b""


def test_files_come_back_when_an_image_is_written(mcu):
    files = {"main.py": b"print(1)\n", "node/app.py": bytes(range(256)) * 20}
    flash.write_image(mcu, flash.build_image(files))
    assert flash.read_files(mcu) == files


@pytest.mark.parametrize(("kept_bytes", "expected"), [(0, b"\xff\xff"), (1, b"\x12\xff")])
def test_write_is_torn_when_power_fails_in_it(mcu, kept_bytes, expected):
    chip = flash.Flash.fit(mcu)
    cuts = []
    chip.cut_power_at(2, kept_bytes, lambda: cuts.append(chip.writes))
    _command(chip, b"\x06")
    _command(chip, b"\x02\x00\x00\x10\x34")
    _command(chip, b"\x06")
    _command(chip, b"\x02\x00\x00\x20\x12\x34")
    assert mcu.flash[0x10] == 0x34
    assert bytes(mcu.flash[0x20:0x22]) == expected
    mcu.clock.tick(10)
    assert cuts == [2]


def test_flash_is_busy_for_as_long_as_a_write_takes(mcu):
    chip = flash.Flash.fit(mcu)
    chip.write_ms = flash.TYPICAL_MS
    _command(chip, b"\x06")
    _command(chip, b"\x20\x00\x00\x00")
    for waited_ms, is_busy in ((0, 1), (44, 1), (2, 0)):
        mcu.clock.tick(waited_ms * 1e6)
        assert _command(chip, b"\x05\x00")[1] & 1 == is_busy


def test_unique_id_is_the_boards_own_when_it_is_read(mcu):
    chip = flash.Flash.fit(mcu)
    chip.unique_id = bytes(range(8))
    assert _command(chip, bytes([0x4B]) + bytes(12))[5:] == bytes(range(8))


class Course:
    """As much of a simulator as Pace looks at."""

    def __init__(self, nanos):
        self.clock = self
        self.nanos = nanos


def test_board_waits_when_it_is_a_slice_ahead_of_another():
    pace, slow, fast = Pace(None), Course(0.0), Course(SLICE_NS + 1.0)
    pace.join(slow)
    pace.join(fast)
    assert (pace.rest_s(slow), pace.rest_s(fast)) == (None, 0.0)
    pace.leave(slow)
    assert pace.rest_s(fast) is None


def test_board_waits_when_it_is_ahead_of_wall_time():
    pace, board = Pace(1.0), Course(60e9)
    pace.join(board)
    assert 59 < pace.rest_s(board) <= 60


def _command(chip, content):
    """Send a command as the chip sees it between two edges of its select line."""
    chip._tx_buffer = bytearray()
    answer = bytes(chip._shift_byte(byte) for byte in content)
    chip._apply_command()
    return answer
