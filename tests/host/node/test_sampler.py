"""The sampler over a stream that stops: it notices, starts anew, and claims nothing meanwhile."""

import pytest
from node.adc import CHANNELS, AdcStream
from node.sampler import STALL_MS, Sampler
from node.windows import Windows

from tests.host.fakes.rp2 import FakeRp2

LOAD_CHANNEL = 1


class MeterLog:
    """Stands for the house meter: writes down what it is told."""

    def __init__(self):
        self.history = []

    def measure(self, span, duration_us):
        self.history.append("measured")

    def forget(self):
        self.history.append("forgot")


@pytest.fixture
def rp2():
    return FakeRp2()


@pytest.fixture
def meter():
    return MeterLog()


@pytest.fixture
def sampler(machine, rp2, meter, clock):
    stream = AdcStream(machine.mem32, rp2.DMA, rate_hz=8000)
    sampler = Sampler(stream, Windows(stream.rate_mhz, LOAD_CHANNEL), meter, clock)
    sampler.start()
    sampler.frames_per_block = stream.frames_per_block
    return sampler


def fill(rp2, sampler):
    rp2.fill([2048] * (CHANNELS * sampler.frames_per_block))


def test_step_measures_when_blocks_arrive(sampler, rp2, meter):
    assert not sampler.step()
    for _ in range(4):  # windows without a wave last 200 ms: two blocks of 100 ms
        fill(rp2, sampler)
        assert sampler.step()
    assert "measured" in meter.history and not sampler.take_lost()


def test_stream_starts_anew_and_meter_forgets_when_no_block_comes(sampler, rp2, meter, ticks):
    ticks.advance_ms(STALL_MS - 1)
    assert not sampler.step() and meter.history == []
    ticks.advance_ms(1)
    assert not sampler.step()
    assert meter.history == ["forgot"]
    assert sampler.take_lost() and not sampler.take_lost()
    fill(rp2, sampler)
    assert sampler.step()


def test_stream_is_restarted_once_a_stall_when_it_stays_dead(sampler, rp2, meter, ticks):
    for _ in range(100):
        ticks.advance_ms(STALL_MS // 50)
        assert not sampler.step()
    assert meter.history == ["forgot"] * 2
