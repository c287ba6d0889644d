"""INA226 registers against the data sheet's arithmetic (facts: 0.01 Ohm, 0.25 mA LSB -> 2048)."""

import numpy as np
import pytest

from tools.bench import ina226
from tools.bench.ina226 import Ina226
from tools.bench.trace import Trace

CONTINUOUS_16_588US = 0x4000 | 2 << 9 | 3 << 6 | 3 << 3 | 7
CYCLE_S = 16 * 2 * 588e-6


def ideal_part(shunt_uohm, voltage_v, current_a):
    trace = Trace()
    trace.note(1e-9, voltage_v, current_a)
    part = Ina226(trace, shunt_uohm, np.random.default_rng(0))
    part._shunt_ohm, part._shunt_gain, part._bus_gain = shunt_uohm * 1e-6, 1.0, 1.0
    part._shunt_offset_v = part._bus_offset_v = 0.0
    part.write(ina226.CONFIG, 0x4000 | 7 << 9 | 3 << 6 | 3 << 3 | 7, 0.0)
    return part


def signed(value):
    return value - 0x10000 if value >= 0x8000 else value


def test_shunt_register_is_the_data_sheets_when_56_ma_flow_through_10_mohm():
    part = ideal_part(10_000, 12.0, 0.056)
    part.write(ina226.CALIBRATION, 2048, 0.0)
    assert part.read(ina226.SHUNT, 2.0) == 0x00E0
    # CAL 2048 makes the current register equal to the shunt register: 0.25 mA each.
    assert part.read(ina226.CURRENT, 2.0) == 0x00E0
    assert part.read(ina226.BUS, 2.0) == 9600  # 12 V / 1.25 mV
    # Power LSB is 25 x current LSB = 6.25 mW: 0.672 W.
    assert part.read(ina226.POWER, 2.0) == 107


def test_current_is_negative_when_it_flows_back():
    part = ideal_part(50_000, 12.0, -0.5)
    assert signed(part.read(ina226.SHUNT, 2.0)) == -10_000


def test_shunt_register_saturates_when_81_92_mv_are_passed():
    assert ideal_part(50_000, 12.0, 3.0).read(ina226.SHUNT, 2.0) == 0x7FFF
    assert signed(ideal_part(50_000, 12.0, -3.0).read(ina226.SHUNT, 2.0)) == -0x8000


def test_registers_have_power_on_values_when_fresh():
    part = Ina226(Trace(), 50_000, np.random.default_rng(0))
    assert part.read(ina226.CONFIG, 0.0) == 0x4127
    assert part.read(ina226.CALIBRATION, 0.0) == 0
    assert part.read(ina226.MANUFACTURER_ID, 0.0) == 0x5449
    assert part.read(ina226.DIE_ID, 0.0) == 0x2260


def test_result_is_the_mean_of_a_whole_conversion_when_current_stepped():
    trace = Trace()
    part = Ina226(trace, 50_000, np.random.default_rng(0))
    part.write(ina226.CONFIG, CONTINUOUS_16_588US, 0.0)
    trace.note(1.5 * CYCLE_S, 12.0, 0.5)  # in the middle of the second conversion
    assert abs(part.read(ina226.BUS, 1.9 * CYCLE_S)) < 10
    assert part.read(ina226.BUS, 2.1 * CYCLE_S) == pytest.approx(4800, abs=10)
    assert part.read(ina226.BUS, 3.1 * CYCLE_S) == pytest.approx(9600, abs=15)


def test_ready_flag_is_set_once_when_a_conversion_completed():
    part = ideal_part(50_000, 12.0, 0.5)
    part.write(ina226.CONFIG, CONTINUOUS_16_588US, 1.0)
    assert not part.read(ina226.MASK_ENABLE, 1.0 + 0.9 * CYCLE_S) & ina226.CONVERSION_READY
    assert part.read(ina226.MASK_ENABLE, 1.0 + 1.1 * CYCLE_S) & ina226.CONVERSION_READY
    assert not part.read(ina226.MASK_ENABLE, 1.0 + 1.2 * CYCLE_S) & ina226.CONVERSION_READY


@pytest.mark.parametrize("seed", range(10))
def test_errors_stay_within_the_data_sheet_when_a_part_is_drawn(seed):
    trace = Trace()
    trace.note(1e-9, 12.0, 0.5)
    part = Ina226(trace, 50_000, np.random.default_rng(seed))
    part.write(ina226.CONFIG, CONTINUOUS_16_588US, 0.0)
    # 0.1 % gain of part, 0.05 % of the shunt, 10 uV offset, 1 LSB of noise and rounding.
    assert signed(part.read(ina226.SHUNT, 1.0)) == pytest.approx(10_000, abs=15 + 4 + 2)
    assert part.read(ina226.BUS, 1.0) == pytest.approx(9600, abs=9.6 + 6 + 2)


def test_shunt_carries_what_a_test_bench_applies_when_the_house_goes_on():
    trace = Trace()
    trace.note(1.0, 12.0, 0.3)
    trace.hold(2.0, 0.05)
    trace.note(3.0, 12.5, 0.4)
    assert (trace.voltage_v, trace.current_a) == (12.5, 0.05)
    assert trace.mean(2.0, 4.0) == pytest.approx((12.25, 0.05))
    trace.release()
    trace.note(5.0, 12.5, 0.4)
    assert trace.current_a == 0.4
