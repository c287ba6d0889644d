"""The metering vectors: known waves through windows and sensors, expected values from theory."""

import math
import random

import pytest
from node.calibration import Calibration
from node.sensors.fz0430 import WITH_10K_RATIO_MILLI, Fz0430
from node.sensors.sct013 import Sct013
from node.windows import Windows

from tests.host.node.waves import frames_of, sine_codes, wave_codes


def windows_of(frames, rate_hz, block_ms=100):
    """Return the spans of all windows, fed in blocks as on the board."""
    windows = Windows(rate_hz * 1000)
    block = 3 * max(1, rate_hz * block_ms // 1000)
    spans = []
    for start in range(0, len(frames), block):
        part = frames[start : start + block]
        spans += windows.feed(part, len(part) // 3)
    last = windows.finish()
    return spans + ([last] if last else [])


def currents_of(codes, rate_hz, calibration=None):
    """Return the Quantity of every window."""
    sensor = Sct013(1, Calibration(calibration), rate_hz * 1000)
    return [sensor.measure(span) for span in windows_of(frames_of(codes), rate_hz)]


def mean_ua(quantities):
    return sum(quantity.value for quantity in quantities) / len(quantities)


# rms A -> what the ideal chain reads; 10 cycles of 100 samples at 5 kS/s.
SCT_TABLE = [
    (0.05, 50_370),
    (0.1, 99_450),
    (1, 999_720),
    (5, 4_999_670),
    (10, 10_000_100),
    (11.5, 11_499_450),
]


@pytest.mark.parametrize(("current_a", "read_ua"), SCT_TABLE)
def test_sct013_reads_the_table_when_fed_whole_cycles(current_a, read_ua):
    (quantity,) = currents_of(sine_codes(current_a), 5000)
    assert quantity.value == pytest.approx(read_ua, abs=20)
    assert quantity.flags == ()
    assert quantity.frequency_uhz == pytest.approx(50_000_000, rel=1e-4)


@pytest.mark.parametrize("frequency_hz", [45, 47.3, 49, 49.5, 50, 50.5, 55, 60, 65])
def test_sct013_stays_within_a_thousandth_when_the_frequency_wanders(frequency_hz):
    codes = sine_codes(5, frequency_hz, rate_hz=8000, count=16_000, phase=0.3)
    quantities = currents_of(codes, 8000)
    assert len(quantities) >= 9
    for quantity in quantities:
        assert quantity.value == pytest.approx(5_000_000, rel=1e-3)
        assert quantity.frequency_uhz == pytest.approx(frequency_hz * 1e6, rel=2e-3)


@pytest.mark.parametrize("frequency_hz", [45, 50, 65])
def test_windows_are_the_whole_cycles_nearest_200_ms_when_mains_is_there(frequency_hz):
    spans = windows_of(frames_of(sine_codes(5, frequency_hz, 8000, 16_000)), 8000)
    cycles = round(0.2 * frequency_hz)
    assert [span.cycles for span in spans[:-1]] == [cycles] * (len(spans) - 1)
    for span in spans[:-1]:
        assert span.weight == pytest.approx(256 * 8000 * cycles / frequency_hz, rel=2e-3)


@pytest.mark.parametrize(
    "harmonics",
    [
        [(3, 1.5, 0.0)],
        [(3, 1.5, math.pi)],
        [(5, 1.5, 1.0)],
        [(3, 1.5, math.pi), (5, 1.5, 0.0)],
        [(3, 1.5, 2.0), (5, 1.5, math.pi), (7, 1.0, 0.5)],
        [(3, 4.0, math.pi)],
    ],
)
def test_frequency_is_the_fundamentals_when_harmonics_add_crossings(harmonics):
    codes = wave_codes([(1, 5.0, 0.2), *harmonics], 50, 8000, 8000)
    true_a = math.sqrt(25 + sum(rms * rms for _, rms, _ in harmonics))
    for quantity in currents_of(codes, 8000):
        assert quantity.frequency_uhz == pytest.approx(50_000_000, rel=1e-3)
        assert quantity.value == pytest.approx(true_a * 1e6, rel=2e-3)


def test_sct013_flags_overrange_when_the_wave_is_clipped():
    (quantity, *_) = currents_of(sine_codes(13), 5000)
    assert "overrange" in quantity.flags


def test_sct013_reads_nothing_when_open():
    quantities = currents_of([2048] * 4000, 5000)
    assert [quantity.value for quantity in quantities] == [0, 0, 0, 0]
    assert {quantity.flags for quantity in quantities} == {("no_signal",)}


@pytest.mark.parametrize("noise_codes", [0.5, 1.36, 3, 6])
def test_sct013_reads_nothing_when_there_is_only_noise(noise_codes):
    chance = random.Random(1)
    codes = [round(2048 + chance.gauss(0, noise_codes)) for _ in range(40_000)]
    quantities = currents_of(codes, 8000)
    assert quantities
    assert {(quantity.value, quantity.flags) for quantity in quantities} == {(0, ("no_signal",))}


def test_sct013_reads_nothing_and_overrange_when_stuck_at_a_rail():
    for code in (0, 4095):
        (quantity, *_) = currents_of([code] * 2000, 5000)
        assert quantity.value == 0
        assert quantity.flags == ("overrange", "no_signal", "sensor_open")


def test_sct013_moves_at_a_250th_of_its_range_when_noisy():
    chance = random.Random(2)
    wave = sine_codes(0.04, rate_hz=8000, count=40_000)
    codes = [round(code + chance.gauss(0, 1.0)) for code in wave]
    quantities = currents_of(codes, 8000, {"noise_millicodes": 1_040})
    for quantity in quantities:
        assert quantity.value == pytest.approx(40_000, rel=0.1)


def test_sct013_subtracts_the_noise_at_no_load_when_calibrated():
    chance = random.Random(3)
    codes = [round(code + chance.gauss(0, 2.0)) for code in sine_codes(0.2, count=50_000)]
    plain = mean_ua(currents_of(codes, 5000))
    noise_millicodes = round(1000 * math.sqrt(4 + 2 / 12))
    corrected = mean_ua(currents_of(codes, 5000, {"noise_millicodes": noise_millicodes}))
    # 24.8 codes rms and 2.04 of noise: sqrt(24.8^2 + 2.04^2) / 24.8 is 0.34 % more.
    assert plain == pytest.approx(200_680, rel=1e-3)
    assert corrected == pytest.approx(200_000, rel=1e-3)


def test_bias_is_removed_when_it_is_not_mid_scale():
    codes = [code - 150 for code in sine_codes(2)]
    (quantity,) = currents_of(codes, 5000)
    assert quantity.value == pytest.approx(2_000_000, rel=1e-3)


def test_meter_recovers_when_the_mains_goes_and_comes_back():
    codes = sine_codes(5, rate_hz=8000, count=8000) + [2048] * 8000
    codes += sine_codes(5, rate_hz=8000, count=8000)
    values = [quantity.value for quantity in currents_of(codes, 8000)]
    assert values[0] == pytest.approx(5_000_000, rel=1e-3)
    assert 0 in values
    assert values[-2] == pytest.approx(5_000_000, rel=1e-3)


# V in -> code; 16.5 V is the end of the range, above it the flag stands.
FZ_TABLE = [(0.5, 124), (3.7, 918), (4.2, 1043), (9, 2234), (12, 2979), (12.6, 3128)]
LSB_UV = 5 * 3_300_000 / 4096


@pytest.mark.parametrize(("voltage_v", "code"), FZ_TABLE)
def test_fz0430_reads_within_half_a_code_when_in_range(voltage_v, code):
    frames = frames_of([2048] * 1600, steady=(code, 0))
    (span,) = windows_of(frames, 8000)
    quantity = Fz0430(0, Calibration()).measure(span)
    assert quantity.value == int(code * LSB_UV)
    assert abs(quantity.value - voltage_v * 1e6) <= LSB_UV * 0.51
    assert quantity.flags == ()


def test_fz0430_flags_overrange_when_the_adc_is_full():
    (span,) = windows_of(frames_of([2048] * 1600, steady=(4095, 0)), 8000)
    quantity = Fz0430(0, Calibration()).measure(span)
    assert quantity.value == int(4095 * LSB_UV)
    assert quantity.flags == ("overrange",)


def test_fz0430_reads_eightfold_when_10k_are_across_its_output():
    # 23.4 V / 8 = 2.925 V = code 3630.5
    (span,) = windows_of(frames_of([2048] * 1600, steady=(3630, 0)), 8000)
    quantity = Fz0430(0, Calibration(), WITH_10K_RATIO_MILLI).measure(span)
    assert quantity.value == pytest.approx(23_400_000, rel=5e-4)


def test_fz0430_applies_gain_and_offset_when_calibrated():
    (span,) = windows_of(frames_of([2048] * 1600, steady=(2979, 0)), 8000)
    calibration = Calibration({"gain_ppm": 1_010_000, "offset_micro": -5_000})
    raw = int(2979 * LSB_UV)
    assert Fz0430(0, calibration).measure(span).value == raw * 1_010_000 // 1_000_000 - 5_000


def test_dc_channels_average_over_the_window_when_mains_sets_it():
    alternating = sine_codes(5, rate_hz=8000, count=8000)
    frames = frames_of(alternating)
    for sample in range(8000):
        frames[3 * sample] = 1000 if sample % 160 < 80 else 3000  # a cycle long
    for span in windows_of(frames, 8000)[:-1]:
        assert span.channels[0].total / span.channels[0].weight == pytest.approx(2000, rel=1e-3)


def test_windows_last_200_ms_when_nothing_alternates():
    spans = windows_of(frames_of([2048] * 8000), 8000)
    assert [span.weight for span in spans] == [256 * 1600] * 5
    assert [span.start for span in spans] == [256 * 1600 * place for place in range(5)]
