"""Inputs inside the RP2040's wide codes: found by the samples that noise throws beside them."""

import random
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node.adc import Rp2040, Rp2350
from node.fitting import sensors
from node.settings import Settings
from node.spikes import WIDE, shift_table
from node.wide_codes import WideCodes
from node.windows import Windows, build_windows

from tests.host.node.rig import settings_members

FRAMES = 1600
NOISE = 0.97
EDGES = {512: 10, 1536: 9, 2560: 5, 3584: 8}


def converted(ideal):
    """Return what an RP2040 with average spikes reads for an ideal input in codes."""
    code = ideal + 15 + (2 if ideal > 900 else 0)
    for spike, width in EDGES.items():
        code = code if code < spike else max(spike - 1, code - width)
    return int(code)


def windows_of(inputs, chance, noise=NOISE):
    """Return the Sums of channel 0 for windows whose input in codes is given by each function."""
    windows = Windows(8_000_000, None, shift_table(True))
    spans = []
    for input_at in inputs:
        frames = array("H")
        for frame in range(FRAMES):
            frames.extend((converted(input_at(frame) + chance.gauss(0, noise)), 0, 0))
        spans += windows.feed(frames, FRAMES)
    return [span.channels[0] for span in spans]


def steady(ideal):
    return lambda frame: ideal


def error(sums, resolver, ideal):
    """Return by how many codes the corrected mean is off; a code stands for its middle."""
    return (sums.total + resolver.correction(sums)) / sums.weight + 0.5 - ideal


@pytest.mark.parametrize("ideal", [494, 496, 497, 498, 499, 501.5, 504, 505, 506, 508])
def test_steady_input_is_found_in_the_widest_code_within_a_window(ideal):
    (sums,) = windows_of([steady(ideal)], random.Random(1))
    assert abs(error(sums, WideCodes(1_010), ideal)) < 2.6


def test_input_is_found_better_when_it_stood_still_for_ten_seconds():
    ideal = 499.7  # 3.7 codes inside: once in 14,000 samples the noise reaches beyond the edge
    resolver = WideCodes(1_010)
    errors = [
        error(sums, resolver, ideal) for sums in windows_of([steady(ideal)] * 50, random.Random(2))
    ]
    assert abs(errors[-1]) < 0.6


def test_mean_is_off_by_more_when_nothing_is_resolved():
    errors = []
    for ideal in (498.0, 505.0):
        (sums,) = windows_of([steady(ideal)], random.Random(3))
        errors.append(abs(sums.total / sums.weight + 0.5 - ideal))
        assert abs(error(sums, WideCodes(1_010), ideal)) < 0.5
    assert min(errors) > 2.9


@pytest.mark.parametrize("code", [511, 1535, 2559, 3583])
def test_correction_is_nothing_when_the_input_moves_over_both_edges(code):
    middle = next(middle for wide, middle, _ in WIDE if wide == code)
    (sums,) = windows_of([lambda frame: middle + 12 * (frame / FRAMES - 0.5)], random.Random(4))
    assert sums.lowest < code < sums.highest
    assert WideCodes(0).correction(sums) == 0


def test_memory_is_dropped_when_the_input_leaves():
    chance = random.Random(5)
    resolver = WideCodes(1_010)
    for sums in windows_of([steady(501)] * 20, chance):
        resolver.correction(sums)
    (away,) = windows_of([steady(700)], chance)
    assert resolver.correction(away) == 0
    (back,) = windows_of([steady(498)], chance)
    assert abs(error(back, resolver, 498)) < 0.6


class AnySums:
    def __init__(self, total, weight, lowest, highest):
        self.total, self.weight, self.lowest, self.highest = total, weight, lowest, highest


@given(
    st.lists(
        st.tuples(st.integers(0, 4095 * 10_000), st.integers(0, 4095), st.integers(0, 4095)),
        max_size=30,
    ),
    st.integers(0, 100_000),
)
def test_correction_is_small_whatever_the_sums_and_the_noise_are(means, noise_millicodes):
    resolver = WideCodes(noise_millicodes)
    weight = 256 * FRAMES
    for mean, lowest, highest in means:
        sums = AnySums(mean * weight // 10_000, weight, lowest, highest)
        most = max(6, 4 * noise_millicodes // 1000)
        assert abs(resolver.correction(sums)) <= most * weight


@pytest.mark.parametrize(("chip", "is_resolved"), [(Rp2040, True), (Rp2350, False)])
def test_wide_codes_are_resolved_only_where_the_chip_has_them(chip, is_resolved):
    settings = Settings(settings_members(spike_correction=None))
    fitted = sensors(settings.sensors, {}, 8_000_000, 8_000)
    build_windows(fitted, 8_000_000, settings, chip)
    inside = AnySums(256 * FRAMES * 501 - 256 * FRAMES // 1000, 256 * FRAMES, 510, 511)
    read = fitted["pv_voltage"].scaled_uv(inside, 1_000)
    plain_uv = 501 * 3_300_000 // 4096
    assert (abs(read - plain_uv) > 1_000) == is_resolved
