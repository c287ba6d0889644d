"""What the launcher starts: when its watchdog begins, and when a board waits for a technician."""

import json
import sys
import time
from importlib import import_module
from types import ModuleType

import launcher
import pytest
from launcher import Boots
from node import slots

from tests.host.node.rig import Hardware, settings_members


class Begun(Exception):
    """The node is built: what follows is another test's."""


@pytest.fixture
def hardware(ticks):
    return Hardware(ticks)


@pytest.fixture
def program(hardware, ticks, monkeypatch, tmp_path):
    """`node.program` on fakes, its flash without settings."""
    monkeypatch.chdir(tmp_path)
    for name in ("ticks_us", "ticks_diff"):
        monkeypatch.setattr(time, name, getattr(ticks, name), raising=False)
    for name in ("machine", "network", "rp2"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    loaded = import_module("node.program")
    monkeypatch.setattr(loaded, "Hardware", hardware)
    monkeypatch.setattr(loaded, "forget", lambda name: None)  # other tests need it
    return loaded


@pytest.fixture
def provisioned(program, tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps(settings_members()))
    return program


def begin(settings, hardware, boots, watchdog):
    raise Begun


def broken(*_, **__):
    raise OSError(5)


@pytest.mark.parametrize("part", ["network.WLAN", "machine.I2C", "Slots.save"])
def test_board_starts_again_when_a_part_fails_before_the_node_runs(
    provisioned, hardware, ticks, monkeypatch, part
):
    owner, name = part.split(".")
    monkeypatch.setattr({"Slots": slots.Slots}.get(owner) or getattr(hardware, owner), name, broken)
    with pytest.raises(OSError):
        provisioned.main(Boots())
    assert not hardware.machine.has_starved()
    ticks.advance_ms(8_100)
    assert hardware.machine.has_starved()
    assert {hardware.machine.levels[pin] for pin in (14, 15)} == {1}  # inactive here


def test_watchdog_runs_before_anything_of_the_node_is_built_and_is_the_nodes_own(
    provisioned, hardware, monkeypatch
):
    made = []
    real = hardware.machine.WDT

    def note(**options):
        made.append(real(**options))
        return made[-1]

    monkeypatch.setattr(hardware.machine, "WDT", note)
    given = []

    def build(settings, hardware, boots, watchdog):
        given.append(watchdog)
        assert hardware.machine.watchdog_ms == launcher.WATCHDOG_MS == provisioned.WATCHDOG_MS
        raise Begun

    monkeypatch.setattr("node.app.Node", build)
    with pytest.raises(Begun):
        provisioned.main(Boots())
    assert given == made and len(made) == 1


def test_bytecode_is_moved_to_flash_under_the_running_watchdog(
    provisioned, hardware, ticks, monkeypatch
):
    def move(boots, feed):
        ticks.advance_ms(7_900)
        feed()
        ticks.advance_ms(7_900)

    monkeypatch.setattr(provisioned, "run_from_flash", move)
    monkeypatch.setattr("node.app.Node", begin)
    with pytest.raises(Begun):
        provisioned.main(Boots())
    assert not hardware.machine.has_starved()


@pytest.mark.parametrize("settings", [None, b"{}", b"\xff\xfe", b'{"node": "'])
def test_board_stays_at_its_prompt_when_its_settings_are_not_good(
    program, hardware, tmp_path, settings
):
    if settings is not None:
        (tmp_path / "settings.json").write_bytes(settings)
    program.main(Boots())
    assert hardware.machine.watchdog_ms is None
    (blinking,) = hardware.machine.timers
    blinking.callback(blinking)
    assert hardware.machine.levels["LED"] == 1
