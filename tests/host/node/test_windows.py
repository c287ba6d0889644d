"""Windows over anything: nothing raises, nothing counts twice, sums belong to their spans."""

import random
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from node.roots import square_root
from node.windows import Windows

from tests.host.node.waves import frames_of, sine_codes
from tests.host.thorough import examples

RATE_HZ = 1000


def stretches():
    """Pieces of a recording: mains, silence, noise or a rail, each with its length in frames."""
    kinds = st.sampled_from(["mains", "silence", "noise", "rail", "spikes"])
    return st.lists(st.tuples(kinds, st.integers(1, 700)), min_size=1, max_size=6)


def codes_of(pieces):
    chance = random.Random(len(pieces))
    codes = []
    for kind, count in pieces:
        if kind == "mains":
            codes += sine_codes(3, 50, RATE_HZ, count)
        elif kind == "silence":
            codes += [2048] * count
        elif kind == "noise":
            codes += [chance.randrange(4096) for _ in range(count)]
        elif kind == "rail":
            codes += [4095] * count
        else:
            codes += [4095 if chance.random() < 0.05 else 2048 for _ in range(count)]
    return codes


@settings(max_examples=examples(60), deadline=None)
@given(stretches(), st.integers(1, 400))
def test_windows_never_overlap_or_invent_frames_when_fed_anything(pieces, block_frames):
    codes = codes_of(pieces)
    frames = frames_of(codes, steady=(7, 11))
    windows = Windows(RATE_HZ * 1000)
    spans = []
    for start in range(0, len(codes), block_frames):
        part = array("H", frames[3 * start : 3 * (start + block_frames)])
        spans += windows.feed(part, len(part) // 3)
    end = 0
    for span in [*spans, windows.remainder()]:
        assert span.start >= end
        end = span.start + span.weight
        for place, code in ((0, 7), (2, 11)):
            assert span.channels[place].weight == span.weight
            assert span.channels[place].total == span.weight * code
    assert end == 256 * len(codes)


def test_windows_follow_each_other_without_gaps_when_mains_is_steady():
    windows = Windows(8_000_000)
    frames = frames_of(sine_codes(5, 49.7, 8000, 16_000))
    spans = []
    for start in range(0, 16_000, 800):
        spans += windows.feed(frames[3 * start : 3 * (start + 800)], 800)
    for earlier, later in zip(spans, spans[1:], strict=False):
        assert earlier.start + earlier.weight == later.start


def test_windows_are_the_same_when_blocks_are_cut_differently():
    frames = frames_of(sine_codes(5, 50.3, 8000, 8000), steady=(100, 200))
    found = []
    for block in (800, 1600, 4000):
        windows = Windows(8_000_000)
        spans = windows.feed(frames[: 3 * 800], 800)  # the first block sets the level
        for start in range(800, 8000, block):
            part = frames[3 * start : 3 * (start + block)]
            spans += windows.feed(part, len(part) // 3)
        found.append([(span.start, span.weight, span.channels[1].squares) for span in spans])
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("alternating", [0, 2])
def test_any_channel_may_alternate(alternating):
    windows = Windows(8_000_000, alternating_channel=alternating)
    frames = array("H", [2000]) * (3 * 8000)
    for sample, code in enumerate(sine_codes(5, 50, 8000, 8000)):
        frames[3 * sample + alternating] = code
    spans = windows.feed(frames, 8000)
    assert [span.cycles for span in spans] == [10] * 4


@given(st.integers(0, 1 << 120))
def test_square_root_is_exact(number):
    root = square_root(number)
    assert root * root <= number < (root + 1) * (root + 1)
