"""Bus energy at the contact: what the node's own relay begins and ends, however late the sample."""

import pytest
from node.bus_meter import BusMeter
from node.registers import Registers

VOLTAGE_UV, CURRENT_UA = 12_000_000, 500_000  # 6 W: 1,666.7 uWh a second
UWH_PER_MS = 6_000_000 / 3_600_000


class Part:
    """Stands for the INA226: shows the current as it is."""

    is_overrange = False
    lag_us = 9_800

    def __init__(self):
        self.current_ua = 0

    def read(self):
        return VOLTAGE_UV, self.current_ua


class Contact:
    """Stands for the relay pair."""

    def __init__(self):
        self.closed = None
        self.moved_us = 0


class Bus:
    """A bus meter whose test moves time and contact."""

    def __init__(self, ticks, clock):
        self.part, self.relays, self.registers = Part(), Contact(), Registers()
        self._ticks, self._clock = ticks, clock
        self.meter = BusMeter(self.part, self.registers, clock, 1_000, self.relays)

    def move(self, closed):
        self.relays.closed = closed
        self.relays.moved_us = self._clock.now_us()

    def sample(self, after_ms, current_ua):
        self._ticks.advance_ms(after_ms)
        self.part.current_ua = current_ua
        self.meter.read()

    def imported_ms(self):
        """Return for how long the energy counted would have flowed."""
        return self.registers["bus_import"] / UWH_PER_MS


@pytest.fixture
def bus(ticks, clock):
    bus = Bus(ticks, clock)
    bus.move("in")
    bus.sample(100, CURRENT_UA)
    bus.before_ms = bus.imported_ms()
    return bus


@pytest.mark.parametrize("late_ms", [40, 200, 1_000])
def test_energy_ends_with_the_contact_when_the_next_sample_is_late(bus, late_ms):
    bus.sample(1_000, CURRENT_UA)
    bus.move(None)
    bus.sample(late_ms, 0)
    # 4 ms until the contact is open, 9.8 ms that the part's average lagged all along.
    assert bus.imported_ms() - bus.before_ms == pytest.approx(1_013.8, abs=1)


def test_energy_goes_on_when_the_contact_is_welded(bus):
    bus.move(None)
    bus.sample(1_000, CURRENT_UA)
    assert bus.imported_ms() - bus.before_ms == pytest.approx(1_000, abs=1)


def test_energy_is_half_the_gap_when_the_other_house_ended_it(bus):
    bus.sample(1_000, CURRENT_UA)
    bus.sample(20, 0)
    assert bus.imported_ms() - bus.before_ms == pytest.approx(1_010, abs=1)


@pytest.mark.parametrize("late_ms", [100, 500])
def test_energy_begins_with_the_contact_when_the_first_sample_is_late(ticks, clock, late_ms):
    bus = Bus(ticks, clock)
    bus.sample(20, 0)
    ticks.advance_ms(10)
    bus.move("in")
    bus.sample(late_ms, CURRENT_UA)
    assert bus.imported_ms() == pytest.approx(late_ms - 17.8, abs=1)


def test_energy_is_half_the_gap_when_the_other_house_began_it(ticks, clock):
    bus = Bus(ticks, clock)
    bus.move("in")
    bus.sample(100, 0)
    bus.sample(20, CURRENT_UA)
    assert bus.imported_ms() == pytest.approx(10, abs=1)
