"""The firmware's sampler on an emulated board: free-running ADC, DMA, viper, a known wave."""

import ast
import asyncio
import math

import numpy as np
import pytest

from tests.hil import bare

BLOCKS = 30
MAINS_HZ = 50.2
AMPLITUDE = 600.25
BIAS = 2050.5
LEVEL = 1234
SAMPLING = """
import gc, machine, rp2, time
gc.threshold(32768)
from node.adc import AdcStream
from node.block_maths import IS_COMPILED
from node.windows import Windows
for pin in (26, 27, 28):
    machine.ADC(machine.Pin(pin))
stream = AdcStream(machine.mem32, rp2.DMA, 8000)
windows = Windows(stream.rate_mhz, 1)
spans = []
gc.collect()
stream.start()
for _ in range(BLOCKS):
    while stream.take() is None:
        time.sleep_ms(1)
    for span in windows.feed(stream.take(), stream.frames_per_block):
        sums = [(each.weight, each.total, each.squares) for each in span.channels]
        spans.append((span.start, span.weight, span.cycles, sums))
    stream.release()
stream.stop()
print((IS_COMPILED, stream.rate_mhz, stream.lost, spans))
"""


def wave(channel, at_s):
    if channel != 1:
        return np.full(at_s.shape, LEVEL + channel)
    return BIAS + AMPLITUDE * np.sin(2 * np.pi * MAINS_HZ * at_s)


@pytest.fixture(scope="module")
def sampled(image):
    """(compiled, frames per 1000 s, restarts, spans, codes that found the FIFO full)."""

    async def run():
        files = bare.firmware(without=("main.py",))
        async with bare.board(image, files, wave) as device:
            out, problem = await device.aexec(SAMPLING.replace("BLOCKS", str(BLOCKS)), 600)
            assert problem == b""
            return (*ast.literal_eval(out.decode()), device.converter.overruns)

    return asyncio.run(run())


def test_sampler_misses_nothing_when_it_runs_at_three_times_8_khz(sampled):
    is_compiled, rate_mhz, lost, spans, overruns = sampled
    assert is_compiled
    assert (rate_mhz, lost, overruns) == (8_000_000, 0, 0)
    # Whole windows follow one another: each starts where the one before ended.
    ends = [start + weight for start, weight, _, _ in spans]
    assert [start for start, _, _, _ in spans[1:]] == ends[:-1]
    assert len(spans) >= BLOCKS // 4 - 1  # of 200 ms, the first of which comes late


def test_sums_are_those_of_the_wave_when_it_is_known(sampled):
    spans = sampled[3]
    # In the first two the filter still follows a level that it took from two and a half cycles.
    for _, weight, cycles, sums in spans[2:]:
        frequency_hz = cycles * 256 * 8000 / weight
        assert frequency_hz == pytest.approx(MAINS_HZ, rel=1e-4)
        for channel in (0, 2):
            channel_weight, total, _ = sums[channel]
            assert total == (LEVEL + channel) * channel_weight
        channel_weight, total, squares = sums[1]
        mean = total / channel_weight
        assert mean == pytest.approx(BIAS, abs=0.5)
        variance = squares / channel_weight - (mean - 2048) ** 2
        assert math.sqrt(variance) == pytest.approx(AMPLITUDE / math.sqrt(2), rel=1e-3)
