"""ADC and front ends: spikes, noise, and the codes of facts' vectors once errors are undone."""

import numpy as np
import pytest

from tools.bench.adc import CODES, NOISE_LSB, Converter
from tools.bench.frontend import CurrentClamp, VoltageDivider, load_waveform, mains_frequency_hz

# Published averaged correction of erratum E11: from this code on, LSB to add.
CORRECTION = ((0, -15), (512, -5), (895, -7), (1536, 2), (2560, 7), (3584, 15))


def corrected(code):
    return code + [add for start, add in CORRECTION if code >= start][-1]


def converter(seed=3):
    part = Converter(np.random.default_rng(seed))
    part.reference_v = 3.3
    return part


@pytest.mark.parametrize(
    ("input_v", "code"),
    [(0.5, 124), (3.7, 918), (4.2, 1043), (9, 2234), (12, 2979), (12.6, 3128)],
)
def test_bare_fz0430_gives_the_tables_code_when_spikes_are_corrected(input_v, code):
    errors = []
    for seed in range(10):
        part = converter(seed)
        divider = VoltageDivider(5.0, np.random.default_rng(0))
        divider.ratio = 5.0
        mean = part.convert(np.full(2000, divider.pin_v(input_v))).mean()
        errors.append(corrected(mean) - part.offset_lsb - code + 0.5)
    assert abs(np.mean(errors)) < 3.0
    assert np.max(np.abs(errors)) < 8.0


def test_fz0430_saturates_when_16_5_v_are_passed():
    divider = VoltageDivider(5.0, np.random.default_rng(0))
    assert converter().convert(np.full(10, divider.pin_v(20.0))).min() == CODES - 1


def test_one_code_is_wide_when_it_stands_below_a_spike():
    part = converter()
    fine = part._table
    widths = np.bincount(fine, minlength=CODES) / 8
    assert list(np.flatnonzero(widths[:-1] > 3)) == [0, 511, 1535, 2559, 3583][-4:]
    assert np.all(np.diff(fine.astype(int)) >= 0)


def test_noise_is_one_lsb_when_the_input_stands_still():
    codes = converter().convert(np.full(20_000, 1.2))
    assert codes.std() == pytest.approx(np.hypot(NOISE_LSB, 0.29), rel=0.05)


@pytest.mark.parametrize("rms_a", (0.05, 0.5, 1, 5, 10))
def test_clamp_gives_a_tenth_of_a_volt_per_ampere_when_loaded(rms_a):
    clamp = CurrentClamp(np.random.default_rng(0))
    clamp.gain = 1.0
    at_s = np.arange(0, 1, 1 / 8000)
    assert clamp.pin_v(rms_a, at_s).std() == pytest.approx(0.1 * rms_a, rel=1e-3)


def test_clamp_clips_when_its_full_scale_is_passed():
    clamp = CurrentClamp(np.random.default_rng(0))
    volts = clamp.pin_v(20.0, np.arange(0, 1, 1 / 8000))
    assert volts.max() <= 3.31
    assert volts.min() >= -0.02


def test_clamp_reads_its_bias_when_unplugged():
    clamp = CurrentClamp(np.random.default_rng(0))
    clamp.is_plugged = False
    assert clamp.pin_v(5.0, np.arange(10.0)).std() == 0


def test_mains_has_its_frequency_and_no_jump_when_blocks_are_joined():
    start_s = 123_456.0
    joint = load_waveform(start_s + np.arange(4800) / 24_000)
    halves = [load_waveform(start_s + np.arange(k, k + 2400) / 24_000) for k in (0, 2400)]
    assert np.concatenate(halves) == pytest.approx(joint, abs=1e-3)
    at_s = start_s + np.arange(0, 1, 1 / 8000)
    wave = load_waveform(at_s)
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 1 << 20))
    peak_hz = np.argmax(spectrum) * 8000 / (1 << 20)
    assert peak_hz == pytest.approx(mains_frequency_hz(start_s + 0.5), abs=0.02)
