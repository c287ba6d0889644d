"""What a PV or battery branch counts of a current that flickers: its part on I2C is looked at once
a window, so what it shows must be the mean of most of that window."""

import random

import numpy as np
import pytest
from node.house_meter import build_house
from node.registers import Registers
from node.settings import Settings

from tests.host.node.rig import settings_members
from tools.bench import ina226
from tools.bench.trace import Trace

WINDOW_S, LONGEST_S = 0.2, 60
SHORTEST_WINDOW_S = 0.19
"""Nine and a half mains cycles are ten at 50 Hz, so no window is shorter."""
VOLTAGE_V, CURRENT_A = 13.0, 2.0


class Bus:
    """The bench's INA226 on I2C, at a time of the test's."""

    def __init__(self, part):
        self._part = part
        self.now_s = 0.0

    def readfrom_mem_into(self, address, register, buffer):
        buffer[:] = self._part.read(register, self.now_s).to_bytes(2, "big")

    def writeto_mem(self, address, register, content):
        self._part.write(register, int.from_bytes(content, "big"), self.now_s)


def flicker(trace, now_s, until_s, chance):
    """Let a converter skip at random; return (until when, A s that flowed)."""
    charge = 0.0
    while now_s < until_s:
        on_s, off_s = chance.uniform(0.02, 0.12), chance.uniform(0.02, 0.12)
        trace.note(now_s, VOLTAGE_V, CURRENT_A)
        trace.note(now_s + on_s, VOLTAGE_V, 0.0)
        charge += CURRENT_A * on_s
        now_s += on_s + off_s
    return now_s, charge


@pytest.mark.parametrize("seed", range(5))
def test_energy_is_that_which_flowed_when_a_current_flickers(seed):
    chance, trace = random.Random(seed), Trace()
    bus = Bus(ina226.Ina226(trace, 10_000, np.random.default_rng(seed)))
    members = {"battery": {"address": 0x44, "shunt_uohm": 10_000}}
    settings = Settings(settings_members(profile="ac", ina226=members))
    registers = Registers()
    meter = build_house(settings, {"load_current": None}, bus, registers).battery
    until_s = charge = 0.0
    while bus.now_s < LONGEST_S:
        until_s, more = flicker(trace, until_s, bus.now_s + 2 * WINDOW_S, chance)
        charge += more
        bus.now_s += WINDOW_S
        meter.measure(None, round(WINDOW_S * 1e6))
    flowed_uwh = charge * VOLTAGE_V / 3600 * 1e6
    assert registers["battery_import"] == pytest.approx(flowed_uwh, rel=0.02)


def test_result_is_there_in_each_window_when_the_part_is_the_slowest_the_data_sheet_allows():
    from node.sensors.ina219 import Ina219
    from node.sensors.ina226 import Ina226

    averages = ina226.AVERAGES[Ina226.steady >> 9 & 7]
    once_s = [ina226.CONVERSION_S[Ina226.steady >> place & 7] for place in (3, 6)]
    assert averages * sum(once_s) * 1.1 < SHORTEST_WINDOW_S  # table 6.5: 332 us are at most 365
    assert Ina219.steady >> 3 & 15 == Ina219.steady >> 7 & 15 == 0b1111  # 68.1 ms each, at most 75
    assert SHORTEST_WINDOW_S > 2 * 0.075
