"""The ADC stream on fake DMA: no gaps in time, no byte beyond a buffer when late."""

import pytest
from node.adc import BUFFERS, CHANNELS, CS, CS_RROBIN, DIV, FCS, AdcStream

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
