"""The relay pair on its own: levels at boot, interlock and dead time by edge times."""

import itertools
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node.clock import Clock
from node.relays import RelayPair

from tests.host.fakes.machine import FakeMachine
from tests.host.fakes.ticks import Ticks

BOOT = Path(__file__).parents[3] / "firmware" / "pico" / "boot.py"
DEAD_TIME_US = 50_000


def pair(ticks, is_active_low):
    machine = FakeMachine(ticks)
    level = 1 if is_active_low else 0
    pins = [machine.Pin(number, machine.Pin.OUT, value=level) for number in (14, 15)]
    clock = Clock(ticks.ticks_us, ticks.ticks_diff)
    return machine, RelayPair(pins[0], pins[1], is_active_low, clock)


STEPS = st.lists(
    st.one_of(
        st.sampled_from(["in", "out", "open"]),
        st.integers(0, 120_000),  # us that pass
    ),
    max_size=60,
)


@given(STEPS, st.booleans())
def test_pair_is_never_both_and_keeps_the_dead_time_when_driven_at_random(steps, is_active_low):
    ticks = Ticks()
    machine, relays = pair(ticks, is_active_low)
    active = 0 if is_active_low else 1
    for step in steps:
        if step == "open":
            relays.open()
        elif isinstance(step, str):
            relays.close(step)
        else:
            ticks.now_us += step
        driven = [pin for pin in (14, 15) if machine.levels[pin] == active]
        assert driven == {None: [], "in": [14], "out": [15]}[relays.closed]
    edges = machine.edges(14, 15)[2:]  # after those of the constructor
    for (at_us, pin, level), (later_us, other, _) in itertools.pairwise(edges):
        if level != active:
            assert later_us - at_us >= DEAD_TIME_US
        else:
            assert other == pin


def test_opening_is_at_once_when_a_relay_is_closed(ticks):
    machine, relays = pair(ticks, True)
    ticks.advance_ms(60)
    assert relays.close("in")
    relays.open()
    assert machine.edges(14)[-1] == (60_000, 14, 1)


def test_closing_waits_when_the_board_has_just_booted(ticks):
    _, relays = pair(ticks, True)
    assert not relays.close("in")
    ticks.advance_ms(49.9)
    assert not relays.close("in")
    ticks.advance_ms(0.2)
    assert relays.close("in")


@pytest.mark.parametrize(
    ("settings", "edges"),
    [
        ('{"node": "a", "relay_active_low": true}', [(0, 14, 1), (0, 15, 1)]),
        ('{"relay_active_low"\n :  false}', [(0, 14, 0), (0, 15, 0)]),
        ("{}", []),
        (b'{"node": "\xff", "relay_active_low": true}', []),  # damaged: nothing in it counts
        (None, []),
    ],
)
def test_boot_drives_relays_inactive_before_anything_else(
    settings, edges, machine, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    if settings is not None:
        content = settings if isinstance(settings, bytes) else settings.encode()
        (tmp_path / "settings.json").write_bytes(content)
    monkeypatch.setitem(sys.modules, "machine", machine)
    before = set(sys.modules)
    exec(compile(BOOT.read_text(), "boot.py", "exec"), {"__name__": "__main__"})
    assert machine.edges(14, 15) == edges
    assert set(sys.modules) == before
