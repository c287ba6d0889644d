"""Fixtures of the firmware's host tests: a board made of fakes."""

import sys

import pytest
from node.clock import Clock

from tests.host.fakes import micropython as fake_micropython
from tests.host.fakes.machine import FakeMachine
from tests.host.fakes.ticks import Ticks
from tests.host.node.rig import Rig


@pytest.fixture
def ticks():
    return Ticks()


@pytest.fixture
def clock(ticks):
    return Clock(ticks.ticks_us, ticks.ticks_diff)


@pytest.fixture
def machine(ticks):
    return FakeMachine(ticks)


@pytest.fixture
def micropython(monkeypatch):
    """`import micropython` works, as far as a CPython host can go."""
    monkeypatch.setitem(sys.modules, "micropython", fake_micropython)
    return fake_micropython


@pytest.fixture
def rig(ticks, tmp_path, monkeypatch):
    """A node that has run for a second, its bus dead."""
    monkeypatch.chdir(tmp_path)
    rig = Rig(ticks, monkeypatch)
    rig.run(1000)
    return rig
