"""No reading goes because a clock was wrong; all old ones go when it was only off for a while."""

from __future__ import annotations

import asyncio

import pytest

from hub import believed_time
from hub.believed_time import DAY_MS, BelievedTime
from hub.retention import Retention
from hub.store import Store
from hub.store.periods import CLOSED_UNTIL
from tests.host.store.test_periods import START_MS, put

HOUR_MS = 3_600_000
YEAR_AHEAD_MS = 400 * DAY_MS
pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)


class Machine:
    """A machine whose hub is started anew by `boot`, and on which `run` lets time pass."""

    def __init__(self, store, wall_ms=START_MS):
        self.store, self.wall_ms, self.steady_ms, self.is_trusted = store, wall_ms, 5, True
        self.boot()

    def boot(self, off_ms=0):
        self.wall_ms += off_ms
        self.steady_ms = 5
        self.time = BelievedTime(self.store, lambda: self.is_trusted, lambda: self.steady_ms)
        return self.believed()

    def believed(self):
        return self.time.at(self.wall_ms)

    def run(self, duration_ms):
        for _ in range(duration_ms // HOUR_MS):
            self.wall_ms += HOUR_MS
            self.steady_ms += HOUR_MS
            believed = self.believed()
        return believed


@pytest.fixture
def machine(store):
    return Machine(store)


def test_clock_is_believed_while_it_goes_as_the_hub_runs(machine):
    assert machine.run(3 * DAY_MS) == START_MS + 3 * DAY_MS


def test_clock_is_not_believed_when_it_is_a_year_ahead_for_some_hours(machine):
    machine.run(DAY_MS)
    machine.wall_ms += YEAR_AHEAD_MS
    assert machine.run(20 * HOUR_MS) == START_MS + DAY_MS + 20 * HOUR_MS
    machine.boot()  # being started again does not make it right
    machine.run(HOUR_MS)
    machine.wall_ms -= YEAR_AHEAD_MS
    assert machine.run(HOUR_MS) == machine.wall_ms


def test_clock_is_believed_at_once_when_the_hub_was_off_for_a_night(machine):
    machine.run(DAY_MS)
    assert machine.boot(off_ms=12 * HOUR_MS) == machine.wall_ms


def test_clock_is_believed_after_a_day_when_the_hub_was_off_for_months(machine):
    machine.run(DAY_MS)
    assert machine.boot(off_ms=90 * DAY_MS) < machine.wall_ms - 89 * DAY_MS
    for _ in range(3):  # it is off each night
        machine.run(10 * HOUR_MS)
        machine.boot(off_ms=14 * HOUR_MS)
    assert machine.believed() == machine.wall_ms


def test_time_goes_on_as_the_hub_runs_when_the_clock_follows_nobody(machine):
    machine.is_trusted = False
    machine.wall_ms += 2 * HOUR_MS
    assert machine.run(40 * DAY_MS) == START_MS + 40 * DAY_MS  # the disk does not fill up
    assert machine.wall_ms == START_MS + 40 * DAY_MS + 2 * HOUR_MS


def test_nothing_is_believed_beyond_the_clock_when_it_is_behind(machine):
    machine.is_trusted = False
    machine.wall_ms = 1_000
    assert machine.boot() == 1_000


def test_older_store_is_believed_as_far_as_it_was_closed(store):
    store.set_state(CLOSED_UNTIL, START_MS)
    assert Machine(store, START_MS + YEAR_AHEAD_MS).believed() == START_MS


def test_readings_stay_when_the_clock_is_a_year_ahead(store):
    for seq in range(1, 11):
        put(store, seq, START_MS + seq * 60_000, bus_import_uwh=seq)
    now_ms = START_MS + HOUR_MS
    assert asyncio.run(Retention(store, 14).do_round(now_ms)) == 0
    assert asyncio.run(Retention(store, 14).do_round(now_ms + YEAR_AHEAD_MS)) == 0
    assert asyncio.run(Retention(store, 14, is_clock_trusted=lambda: False)
                       .do_round(now_ms + 20 * DAY_MS)) == 0  # fmt: skip
    assert len(store.readings_between(0, 2**62)) == 10


def test_state_is_written_once_an_hour_when_the_hub_looks_each_minute(store, monkeypatch):
    machine = Machine(store)
    written = []
    monkeypatch.setattr(Store, "set_state", lambda self, name, value: written.append(name))
    for _ in range(180):
        machine.wall_ms += 60_000
        machine.steady_ms += 60_000
        machine.believed()
    assert written == [believed_time.STATE] * 3
