"""The ADC stream on fake DMA: no gaps in time, no byte beyond a buffer when late."""

import pytest
from node.adc import BUFFERS, CHANNELS, CS_RROBIN, AdcStream, Rp2350, chip_of

from tests.host.fakes.machine import CS, DIV, FCS
from tests.host.fakes.rp2 import FakeRp2


@pytest.fixture
def rp2():
    return FakeRp2()


@pytest.fixture
def stream(machine, rp2):
    stream = AdcStream(machine.mem32, rp2.DMA, rate_hz=8000)
    stream.start()
    return stream


def block(stream, code):
    return [code] * (CHANNELS * stream.frames_per_block)


def test_registers_are_those_of_the_data_sheet_when_started(machine, stream):
    assert stream.rate_mhz == 8_000_000
    writes = [(where, value) for _, what, where, value in machine.history if what == "adc"]
    assert writes == [
        (CS, 1),
        (DIV, 1999 << 8),
        (FCS, 1 << 0 | 1 << 3 | 1 << 10 | 1 << 11 | 1 << 24),
        (CS, 1 | 1 << 3 | 0b111 << 16),
    ]


def test_round_robin_leaves_the_radio_alone():
    assert not CS_RROBIN >> 16 & 0x08


def test_blocks_alternate_without_loss_when_taken_in_time(stream, rp2):
    for code in range(10):
        assert stream.take() is None
        rp2.fill(block(stream, code))
        taken = stream.take()
        assert list(taken) == block(stream, code)
        assert stream.release()
    assert (stream.lost, rp2.overruns) == (0, 0)


def test_stream_restarts_and_counts_when_a_block_came_late(stream, rp2):
    for code in range(1, BUFFERS + 1):
        rp2.fill(block(stream, code))
    rp2.fill(block(stream, 99))  # nothing runs any more: the ADC's FIFO overflows
    assert list(stream.take()) == block(stream, 1)
    assert not stream.release()
    assert stream.lost == 1
    rp2.fill(block(stream, 7))
    assert list(stream.take()) == block(stream, 7)
    assert stream.release()


def test_blocks_come_in_order_without_loss_when_all_but_one_had_to_wait(stream, rp2):
    for code in range(BUFFERS - 1):
        rp2.fill(block(stream, code))
    for code in range(BUFFERS - 1):
        assert list(stream.take()) == block(stream, code)
        assert stream.release()
    assert stream.take() is None
    assert (stream.lost, rp2.overruns) == (0, 0)


def test_block_stays_whole_when_the_other_fills_meanwhile(stream, rp2):
    rp2.fill(block(stream, 1))
    taken = stream.take()
    rp2.fill(block(stream, 2))
    assert list(taken) == block(stream, 1)


@pytest.mark.parametrize("rate_hz", [1000, 4000, 8000])
def test_rate_is_what_the_divider_gives(machine, rp2, rate_hz):
    stream = AdcStream(machine.mem32, rp2.DMA, rate_hz)
    assert stream.rate_mhz == rate_hz * 1000


class Recorder:
    """A DMA channel that writes down how it was set up."""

    seen = []

    def __init__(self):
        self.channel = len(self.seen)

    def pack_ctrl(self, **fields):
        return fields

    def config(self, **fields):
        self.seen.append(fields)


def test_addresses_are_the_rp2350s_when_it_is_one(monkeypatch):
    monkeypatch.setattr(Recorder, "seen", [])
    registers = {0x400A0000 + offset: 0 for offset in (0x00, 0x08, 0x0C, 0x10)}
    AdcStream(registers, Recorder, 8000, Rp2350).start()
    assert len(registers) == 4
    assert registers[0x400A0000] == 1 | 1 << 3 | 0b111 << 16
    assert registers[0x400A0010] == 1999 << 8
    assert {each["read"] for each in Recorder.seen} == {0x400A000C}
    assert {each["ctrl"]["treq_sel"] for each in Recorder.seen} == {48}


@pytest.mark.parametrize(
    ("name", "base", "has_spikes"),
    [
        ("Raspberry Pi Pico W with RP2040", 0x4004C000, True),
        ("Raspberry Pi Pico 2 W with RP2350", 0x400A0000, False),
        ("", 0x4004C000, True),
    ],
)
def test_chip_is_found_by_the_name_of_the_machine(name, base, has_spikes):
    assert (base, has_spikes) == (chip_of(name).ADC_BASE, chip_of(name).HAS_SPIKES)
