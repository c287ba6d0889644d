"""Hall parts on an ADC channel: what they read, when they are open, that they do not creep."""

import math
import random

import pytest
from node.calibration import Calibration
from node.fitting import sensors
from node.house_meter import build_house
from node.registers import Registers
from node.sensors.hall import UV_PER_AMPERE, Hall
from node.settings import Settings
from wire.records import QUALITY

from tests.host.node.rig import settings_members
from tests.host.node.test_metering_vectors import windows_of
from tests.host.node.waves import frames_of


@pytest.mark.parametrize(
    ("part", "current_a", "output_v"),
    [("acs712-05", 2.0, 2.87), ("acs712-30", -10.0, 1.84), ("acs723-10", 3.0, 3.1)],
)
def test_hall_sensor_reads_its_sensitivity_around_half_its_supply(part, current_a, output_v):
    code = round(output_v / 1.6 / 3.3 * 4096)
    (span,) = windows_of(frames_of([2048] * 1600, steady=(code, 0)), 8000)
    read = Hall(0, Calibration(), part, 1_600).measure(span)
    assert read.value == pytest.approx(current_a * 1e6, abs=1.6 * 3.3 / 4096 / 0.066 * 1e6)
    assert read.flags == ()


def test_hall_sensor_meters_a_branch_when_it_is_fitted():
    hall = {"part": "acs712-05", "measures": "pv_current", "divider_milli": 1_600}
    settings = Settings(settings_members(ina226={}, sensors={"ch1": hall}))
    fitted = sensors(settings.sensors, {}, 8_000_000, 8000)
    registers = Registers()
    house = build_house(settings, fitted, None, registers)
    code = round(2.87 / 1.6 / 3.3 * 4096)
    (span,) = windows_of(frames_of([code] * 1600, steady=(2000, 0)), 8000)
    house.measure(span, 200_000)
    assert house.pv.current_ua == pytest.approx(2_000_000, abs=10_000)
    assert registers["pv_export"] == house.pv.power_uw * 200_000 // 3_600_000_000
    assert house.load.current_ua is None


def hall_code(part, current_a=0.0, divider_milli=1_600):
    """Return what an ideal part gives at the pin, in codes, not rounded."""
    return (2.5 + current_a * UV_PER_AMPERE[part] / 1e6) / (divider_milli / 1000) / 3.3 * 4096


def hall_house(part, divider_milli=1_600):
    """Return a HouseMeter with `part` for the current of the PV, and its registers."""
    hall = {"part": part, "measures": "pv_current", "divider_milli": divider_milli}
    settings = Settings(settings_members(ina226={}, sensors={"ch1": hall}))
    registers = Registers()
    fitted = sensors(settings.sensors, {}, 8_000_000, 8000)
    return build_house(settings, fitted, None, registers), registers


def hall_span(code, chance, noise=1.0):
    """Return a window of `code` on the Hall part's channel, noise of the converter included."""
    codes = [min(4095, max(0, round(code + chance.gauss(0, noise)))) for _ in range(1600)]
    (span,) = windows_of(frames_of(codes, steady=(2000, 0)), 8000)
    return span


@pytest.mark.parametrize("code", [4094.9, 4090])
def test_hall_sensor_flags_overrange_when_some_samples_are_at_a_rail(code):
    span = hall_span(code, random.Random(7), 3)
    read = Hall(1, Calibration(), "acs712-05", 1_000).measure(span)
    assert read.flags == ("overrange",)
    assert read.value > 4_000_000


@pytest.mark.parametrize("code", [0, 4, 120, 4095])
def test_hall_sensor_reads_nothing_and_is_open_when_its_plug_is_out(code):
    house, registers = hall_house("acs712-05")
    house.measure(hall_span(code, random.Random(7), noise=0 if code > 4000 else 1), 3_600_000_000)
    assert (house.pv.current_ua, house.pv.power_uw) == (0, 0)
    assert house.take_flags() & QUALITY["sensor_open"]
    assert registers["pv_import"] + registers["pv_export"] == 0


@pytest.mark.parametrize("part", UV_PER_AMPERE)
def test_hall_sensor_counts_nothing_for_24_hours_when_nothing_flows(part):
    house, registers = hall_house(part)
    chance = random.Random(part)
    calibrated = hall_code(part)  # 2.5 V, where the calibration has put no current
    for hour in range(24):  # the offset drifts by two codes over the day and back
        drift = 2 * math.sin(2 * math.pi * hour / 24)
        house.measure(hall_span(calibrated + drift, chance), 3_600_000_000)
        assert house.pv.voltage_uv > 10_000_000
        assert house.pv.current_ua == 0
    assert registers["pv_import"] + registers["pv_export"] == 0
    assert not house.take_flags() & QUALITY["sensor_open"]


@pytest.mark.parametrize("part", UV_PER_AMPERE)
@pytest.mark.parametrize("sign", [1, -1])
def test_hall_sensor_counts_when_a_250th_of_its_range_flows(part, sign):
    house, registers = hall_house(part)
    flowing_a = sign * 0.004 * int(part[-2:])
    house.measure(hall_span(hall_code(part, flowing_a), random.Random(part)), 60_000_000)
    code_ua = 1.6 * 3.3 / 4096 / UV_PER_AMPERE[part] * 1e12
    assert house.pv.current_ua == pytest.approx(flowing_a * 1e6, abs=code_ua)
    assert registers["pv_export" if sign > 0 else "pv_import"] > 0
