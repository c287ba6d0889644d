"""Sensors beside the thesis's: real power, other transformers, resistors, INA219."""

import math
from array import array

import pytest
from node.adc import Rp2040
from node.calibration import Calibration
from node.fitting import sensors
from node.house_meter import build_house, i2c_part
from node.registers import Registers
from node.sensors.fz0430 import ratio_milli
from node.sensors.ina219 import Ina219
from node.sensors.sct013 import Sct013
from node.sensors.zmpt101b import Zmpt101b, skewed
from node.settings import Settings
from node.spikes import LIFT, place_of, shift_table
from node.windows import Windows, build_windows
from wire.records import QUALITY

from tests.host.node.rig import settings_members
from tests.host.node.test_metering_vectors import windows_of
from tests.host.node.waves import frames_of, sine_codes

RATE_HZ = 8000
CT_CODES_PER_AMPERE = 124.1212
ZMPT_CODES_PER_VOLT = 0.7 / 230 / 3.3 * 4096


def load_frames(current_a, lag_rad=0.0, *, seconds=2, is_skewed=True, voltage_v=230.0):
    """Return frames of an AC profile: channel k converted k/3 of a frame later."""
    frames = array("H")
    for frame in range(seconds * RATE_HZ):
        angles = [
            2 * math.pi * 50 * (frame + (channel / 3 if is_skewed else 0)) / RATE_HZ
            for channel in range(3)
        ]
        current = math.sqrt(2) * current_a * CT_CODES_PER_AMPERE * math.sin(angles[1] - lag_rad)
        voltage = math.sqrt(2) * voltage_v * ZMPT_CODES_PER_VOLT * math.sin(angles[2])
        frames.extend((1000, math.floor(2048.5 + current), math.floor(2148.5 + voltage)))
    return frames


def meter_load(frames, **changes):
    """Return the LoadMeter and registers after these frames went through a board's own meters."""
    settings = Settings(settings_members(profile="ac", spike_correction=False, **changes))
    fitted = sensors(settings.sensors, settings.calibration, RATE_HZ * 1000, 8000)
    registers = Registers()
    settings.ina226 = {}
    house = build_house(settings, fitted, None, registers)
    windows = build_windows(fitted, RATE_HZ * 1000, settings, Rp2040)
    for start in range(0, len(frames), 2400):
        part = frames[start : start + 2400]
        for span in windows.feed(part, len(part) // 3):
            house.measure(span, windows.duration_us(span))
    return house.load, registers


# facts: 230 V scaled to 0.7 V rms; A, power factor -> W
@pytest.mark.parametrize(
    ("current_a", "power_factor", "power_w"),
    [(1, 1.0, 230.0), (5, 1.0, 1150.0), (10, 1.0, 2300.0), (5, 0.5, 575.0), (10, 0.5, 1150.0)],
)
def test_real_power_is_the_tables_when_channels_are_skewed(current_a, power_factor, power_w):
    load, _ = meter_load(load_frames(current_a, math.acos(power_factor)))
    assert load.power_uw == pytest.approx(power_w * 1e6, rel=1e-3)
    assert load.voltage_uv == pytest.approx(230e6, rel=1e-3)
    assert load.power_factor_permille() == pytest.approx(1000 * power_factor, abs=2)


def test_power_is_percents_off_when_a_skew_is_corrected_that_is_not_there():
    load, _ = meter_load(load_frames(5, math.pi / 3, is_skewed=False))
    # 41.7 us are 0.75 degrees: 2.3 % at a power factor of 0.5
    assert load.power_uw == pytest.approx(575e6 * (1 + 0.0225), rel=2e-3)


def test_load_exports_when_power_goes_the_other_way():
    load, registers = meter_load(load_frames(5, math.pi))
    assert load.power_uw == pytest.approx(-1150e6, rel=1e-3)
    assert registers["load_export"] > 0
    assert registers["load_import"] == 0


@pytest.mark.parametrize("delay_ns", [30_000, -30_000, -75_000])
def test_delay_of_a_transformer_is_undone_when_calibrated(delay_ns):
    frames = load_frames(5, math.pi / 3 + 2 * math.pi * 50 * delay_ns * 1e-9)
    plain, _ = meter_load(frames)
    assert abs(plain.power_uw / 575e6 - 1) > 0.01
    corrected, _ = meter_load(frames, calibration={"ch1": {"delay_ns": delay_ns}})
    assert corrected.power_uw == pytest.approx(575e6, rel=2e-3)


def test_power_is_nothing_when_there_is_no_load():
    load, registers = meter_load(load_frames(0))
    assert (load.current_ua, load.power_uw, load.apparent_uva) == (0, 0, 0)
    assert load.power_factor_permille() is None
    assert registers["load_import"] + registers["load_export"] == 0


@pytest.mark.parametrize("floating", [0, 900, 1_400, 2_700, 4_095])
def test_transformer_reads_nothing_and_is_open_when_its_bias_is_missing(floating):
    codes = [floating + (sample % 160 < 80) * 90 - 45 for sample in range(4_000)]  # picked up hum
    frames = frames_of([max(0, min(4_095, code)) for code in codes])
    for span in windows_of(frames, 8_000):
        read = Sct013(1, Calibration(), 8_000_000).measure(span)
        assert read.value == 0
        assert "sensor_open" in read.flags


@pytest.mark.parametrize("bias", [1_700, 2_400])
def test_transformer_is_not_open_when_its_bias_is_only_off(bias):
    frames = frames_of([code - 2_048 + bias for code in sine_codes(5, rate_hz=8_000, count=4_000)])
    for span in windows_of(frames, 8_000):
        assert Sct013(1, Calibration(), 8_000_000).measure(span).flags == ()


@pytest.mark.parametrize(("code", "is_open"), [(1_860, False), (3, True)])
def test_divider_is_open_when_the_part_on_i2c_sees_a_voltage(machine, code, is_open):
    machine.parts[0x41] = {0x01: 4_000, 0x02: 9_600}
    i2c = machine.I2C(0, sda=machine.Pin(4), scl=machine.Pin(5), freq=400_000)
    settings = Settings(settings_members())
    fitted = sensors(settings.sensors, {}, 8_000_000, 8000)
    house = build_house(settings, fitted, i2c, Registers())
    (span,) = windows_of(frames_of([2048] * 1600, steady=(code, 0)), 8000)
    house.measure(span, 200_000)
    assert bool(house.take_flags() & QUALITY["sensor_open"]) == is_open


def test_branch_counts_nothing_when_its_divider_is_open(machine):
    machine.parts[0x41] = {0x01: 4_000, 0x02: 9_600}
    i2c = machine.I2C(0, sda=machine.Pin(4), scl=machine.Pin(5), freq=400_000)
    settings = Settings(settings_members())
    registers = Registers()
    house = build_house(settings, sensors(settings.sensors, {}, 8_000_000, 8000), i2c, registers)
    (span,) = windows_of(frames_of([2048] * 1600, steady=(3, 0)), 8000)
    house.measure(span, 3_600_000_000)
    assert house.pv.current_ua == 500_000
    assert house.pv.power_uw == 0
    assert registers["pv_import"] + registers["pv_export"] == 0


def test_power_is_nothing_when_the_mains_is_off():
    load, registers = meter_load(load_frames(0, voltage_v=0))
    assert (load.voltage_uv, load.power_uw) == (0, 0)
    assert registers["load_apparent"] == 0


@pytest.mark.parametrize(
    ("current_channel", "voltage_channel", "delay_ns", "expected"),
    [
        (2, 0, 0, (0, 2, 171)),  # two thirds of a frame
        (1, 2, 0, (1, 2, 85)),
        (1, 2, -60_000, (2, 1, 38)),  # the transformer leads by more than a step: turned round
        (1, 2, 80_000, (1, 2, 249)),
    ],
)
def test_skew_is_that_of_the_signals_when_converted_in_any_order(
    current_channel, voltage_channel, delay_ns, expected
):
    current = Sct013(current_channel, Calibration({"delay_ns": delay_ns}), 0)
    voltage = Zmpt101b(voltage_channel, Calibration(), 0)
    assert skewed(current, voltage, 8_000_000, 41_667) == expected


@pytest.mark.parametrize(
    ("series_ohm", "parallel_ohm", "ratio"),
    [(0, None, 5_000), (0, 10_000, 8_000), (0, 8_200, 8_659), (33_000, None, 9_400)],
)
def test_divider_ratio_follows_its_resistors(series_ohm, parallel_ohm, ratio):
    assert ratio_milli(series_ohm, parallel_ohm) == ratio


@pytest.mark.parametrize(("burden_ohm", "counts_per_a"), [(33, 20.48), (22, 13.65)])
def test_sct013_000_scales_with_its_burden(burden_ohm, counts_per_a):
    codes = sine_codes(5)  # 620.6 counts rms
    (span,) = windows_of(frames_of(codes), 5000)
    read = Sct013(1, Calibration(), 5_000_000, burden_ohm).measure(span).value
    assert read == pytest.approx(620.6 / counts_per_a * 1e6, rel=2e-3)


def test_ina219_scales_its_registers(machine):
    # 12 V: 3000 * 4 mV, in bits 15..3 with CNVR set; -0.5 A in 100 mOhm: -50 mV of 10 uV.
    machine.parts[0x40] = {0x02: 3000 << 3 | 0b10, 0x01: -5000 & 0xFFFF}
    i2c = machine.I2C(0, sda=machine.Pin(4), scl=machine.Pin(5), freq=400_000)
    part = Ina219(i2c, 0x40, 100_000)
    assert part.read() == (12_000_000, -500_000)
    assert part.measure(None).value == -500_000
    assert machine.parts[0x40][0x00] == 0x399F & ~0x1FFF | 0b01 << 11 | 0x5DF


def test_part_on_i2c_is_corrected_when_its_branch_is_calibrated(machine):
    machine.parts[0x40] = {0x02: 9600, 0x01: 9_900}  # 12 V; 24.75 mV over a nominal 50 mOhm
    i2c = machine.I2C(0, sda=machine.Pin(4), scl=machine.Pin(5), freq=400_000)
    bus = {"gain_ppm": 1_010_101, "offset_micro": -200}
    settings = Settings(settings_members(calibration={"bus": bus}))
    assert i2c_part(settings, i2c, "bus").read() == (12_000_000, 499_799)


@pytest.mark.parametrize(
    ("part", "shunt", "flags"),
    [
        ("ina226", 0x7FFF, ("overrange",)),
        ("ina226", 0x8000, ("overrange",)),
        ("ina226", 0x7FFE, ()),
        ("ina219", 8_000, ("overrange",)),
        ("ina219", -8_000 & 0xFFFF, ("overrange",)),
        ("ina219", 7_999, ()),
    ],
)
def test_part_on_i2c_says_overrange_when_its_shunt_register_is_at_its_end(
    machine, part, shunt, flags
):
    machine.parts[0x40] = {0x02: 0, 0x01: shunt}
    i2c = machine.I2C(0, sda=machine.Pin(4), scl=machine.Pin(5), freq=400_000)
    members = {"bus": {"address": 0x40, "shunt_uohm": 50_000, "part": part}}
    found = i2c_part(Settings(settings_members(ina226=members)), i2c, "bus")
    assert found.measure(None).flags == flags


def test_part_on_i2c_is_the_one_named():
    members = {"bus": {"address": 64, "shunt_uohm": 50_000, "part": "ina219"}}
    settings = Settings(settings_members(ina226=members))
    assert i2c_part(settings, None, "bus").name == "ina219"
    assert i2c_part(settings, None, "pv") is None


def spiked(ideal):
    """Return what an RP2040 with average spikes reads for an ideal code, after erratum E11."""
    code = ideal + 15
    for spike, width in ((512, 10), (1536, 9), (2560, 5), (3584, 8)):
        code = code if code < spike else max(spike - 1, code - width)
    return code


@pytest.mark.parametrize("ideal", [100, 400, 600, 850, 1200, 1500, 1700, 2500, 3000, 3500, 3900])
def test_spikes_are_corrected_to_a_few_codes(ideal):
    table = shift_table(True)
    code = spiked(ideal)
    assert abs(code + table[place_of(code)] - LIFT - ideal) <= 3


def test_spike_table_changes_nothing_when_not_wanted():
    assert set(shift_table(False)) == {LIFT}
    assert len(shift_table(True)) == len(shift_table(False)) == place_of(4095) + 1


def test_spike_table_has_each_codes_own_shift():
    table = shift_table(True)
    steps = [(511, -10), (512, -5), (895, -7), (1535, -2), (1536, 2), (2559, 5), (2560, 7),
             (3583, 11), (3584, 15)]  # fmt: skip
    for code in range(4096):
        shift = ([-15] + [shift for first, shift in steps if first <= code])[-1]
        assert table[place_of(code)] - LIFT == shift, code


def test_mean_is_that_of_the_ideal_codes_when_spikes_are_corrected():
    windows = Windows(8_000_000, None, shift_table(True))
    (span,) = windows.feed(array("H", [spiked(1000), 0, spiked(3000)] * 1600), 1600)
    for channel, ideal in ((0, 1000), (2, 3000)):
        sums = span.channels[channel]
        assert sums.total / sums.weight == pytest.approx(ideal, abs=3)
