"""The launcher: what it starts, when it gives a trial up, and packages mounted by MicroPython."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import launcher
import pytest
from launcher import TRIAL_BOOTS, TRIAL_MS, Boots

from tests.host.fakes.machine import FakeMachine
from tests.host.fakes.ticks import Ticks
from tests.host.updates.samples import made
from tools.board.firmware_files import FIRMWARE_DIR, compile_module
from tools.board.release import virtual_arch

MODULES = {"node/__init__": "", "node/program": "def main(boots):\n    print('new', boots.trial)\n"}


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A board's machine module; the working directory is its flash."""
    monkeypatch.chdir(tmp_path)
    fake = FakeMachine(Ticks())
    module = ModuleType("machine")
    for name in ("WDT", "Timer", "reset"):
        setattr(module, name, getattr(fake, name))
    monkeypatch.setitem(sys.modules, "machine", module)
    return fake


def programs(monkeypatch, **mains):
    """Let slots start these functions; returns which were started, in order."""
    started = []

    def program(slot, boots):
        started.append(slot or "cable")
        return SimpleNamespace(main=mains.get(slot or "cable", lambda boots: None))

    monkeypatch.setattr(launcher, "_program", program)
    return started


def fails(boots):
    raise MemoryError


def test_cable_firmware_runs_when_nothing_came_over_the_air(machine, monkeypatch):
    started = programs(monkeypatch)
    launcher.launch()
    assert started == ["cable"]
    assert machine.watchdog_ms is None
    assert machine.timers == []


def test_board_starts_again_when_what_it_runs_raises(machine, monkeypatch, tmp_path):
    (tmp_path / "settings.json").write_text("{}")
    programs(monkeypatch, cable=fails)
    with pytest.raises(MemoryError):  # printed by MicroPython, which then waits at its prompt
        launcher.launch()
    machine.ticks.advance_ms(8_100)
    assert machine.has_starved()


def test_board_starts_again_when_not_even_its_record_can_be_read(machine, monkeypatch, tmp_path):
    (tmp_path / "settings.json").write_text("{}")
    monkeypatch.setattr(launcher.Slots, "load", fails)
    with pytest.raises(MemoryError):
        launcher.launch()
    assert machine.watchdog_ms == launcher.WATCHDOG_MS


def test_board_that_is_no_node_yet_waits_at_its_prompt_when_its_firmware_raises(
    machine, monkeypatch
):
    programs(monkeypatch, cable=fails)
    with pytest.raises(MemoryError):
        launcher.launch()
    assert machine.watchdog_ms is None


def test_board_waits_at_its_prompt_when_a_technician_interrupts_its_start(
    machine, monkeypatch, tmp_path
):
    (tmp_path / "settings.json").write_text("{}")

    def interrupted(boots):
        raise KeyboardInterrupt

    programs(monkeypatch, cable=interrupted)
    with pytest.raises(KeyboardInterrupt):
        launcher.launch()
    assert machine.watchdog_ms is None


def test_firmware_on_trial_is_watched_from_before_its_first_import(machine, monkeypatch):
    Boots().begin_trial("a", 7)
    seen = []
    programs(monkeypatch, a=lambda boots: seen.append((machine.watchdog_ms, len(machine.timers))))
    launcher.launch()
    assert seen == [(launcher.WATCHDOG_MS, 1)]


@pytest.mark.parametrize("main", [fails, lambda boots: None], ids=["raises", "ends"])
def test_firmware_before_runs_again_when_the_one_on_trial_does_not_stay(machine, monkeypatch, main):
    boots = Boots()
    boots.begin_trial("a", 7)
    boots.next_slot()
    boots.confirm()
    boots.begin_trial("b", 8)
    started = programs(monkeypatch, b=main)
    launcher.launch()
    assert machine.resets == 1
    launcher.launch()
    assert started == ["b", "a"]
    assert Boots().failed == [8, "did_not_start", 1, False]


def test_firmware_on_trial_is_given_up_when_its_time_is_over(machine, monkeypatch):
    Boots().begin_trial("a", 7)

    def run(boots):
        (timer,) = machine.timers
        assert timer.period_ms == TRIAL_MS
        timer.callback(timer)

    programs(monkeypatch, a=run)
    launcher.launch()
    assert machine.resets >= 1
    assert Boots().failed == [7, "hub_not_reached", 1, False]
    assert Boots().trial is None


def test_time_limit_does_nothing_when_the_hub_has_confirmed(machine, monkeypatch):
    Boots().begin_trial("a", 7)

    def run(boots):
        boots.confirm()
        machine.timers[0].callback(machine.timers[0])

    programs(monkeypatch, a=run)
    launcher.launch()
    assert machine.resets == 0
    assert (Boots().active, Boots().highest) == ("a", 7)


def test_firmware_on_trial_starts_three_times_at_most_when_the_board_keeps_resetting(
    machine, monkeypatch
):
    Boots().begin_trial("a", 7)

    class Reset(BaseException):
        """The watchdog bites."""

    def hang(boots):
        raise Reset

    started = programs(monkeypatch, a=hang)
    for _ in range(TRIAL_BOOTS):
        with pytest.raises(Reset):
            launcher.launch()
    launcher.launch()
    assert started == ["a"] * TRIAL_BOOTS + ["cable"]
    assert Boots().failed[:2] == [7, "kept_resetting"]


def test_cable_firmware_runs_when_confirmed_firmware_does_not_load(machine, monkeypatch):
    boots = Boots()
    boots.begin_trial("a", 7)
    boots.confirm()
    started = []

    def program(slot, boots):
        started.append(slot)
        if slot == "a":
            raise OSError(5)
        return SimpleNamespace(main=lambda boots: None)

    monkeypatch.setattr(launcher, "_program", program)
    monkeypatch.setattr(launcher, "leave", lambda: None)
    launcher.launch()
    assert started == ["a", ""]
    assert Boots().highest == 7  # it stays refused: nothing older comes back by itself


@pytest.mark.parametrize("kept", [b"", b"{}", b"[]", b"\xff", b'{"active": 3}'])
def test_cable_firmware_runs_when_the_record_is_not_of_this_launcher(tmp_path, kept):
    boots = Boots(str(tmp_path) + "/")
    boots._slots.save(kept)
    found = Boots(str(tmp_path) + "/")
    assert (found.active, found.highest, found.trial) == ("", 0, None)


def on_board(code, flash):
    """Run code under MicroPython, the firmware as its cable firmware."""
    shims = Path(__file__).parents[3] / "tools" / "bench" / "shims"
    environment = dict(os.environ, MICROPYPATH=f"{shims}:{FIRMWARE_DIR}:.frozen")
    argv = [sys.executable, "-m", "micropython_unix", "-c", code]
    done = subprocess.run(
        argv, capture_output=True, text=True, env=environment, cwd=flash, timeout=60
    )
    return done.stdout + done.stderr


def package(changes=()):
    arch = virtual_arch()
    modules = {**MODULES, **dict(changes)}
    files = {
        f"{name}.mpy": compile_module(text.encode(), name, arch)
        for name, text in sorted(modules.items())
    }
    return made(files, arch=arch)


def test_package_runs_under_micropython_when_it_is_mounted(tmp_path):
    (tmp_path / "firmware-a.trq").write_bytes(package())
    said = on_board(
        "import launcher\n"
        "launcher.enter('firmware-a.trq')\n"
        "from node import program\n"
        "program.main(launcher.Boots())\n"
        "print(program.__file__)\n"
        "launcher.leave()\n"
        "from node.version import RELEASE\n"
        "print(RELEASE)",
        tmp_path,
    )
    assert said.split("\n")[:2] == ["new None", "/firmware/node/program.mpy"]
    assert said.split("\n")[2].strip() == "1"


@pytest.mark.parametrize("size", [0, 5, 100, 300, -1])
def test_select_falls_back_to_the_cable_when_a_package_is_torn(tmp_path, size):
    (tmp_path / "firmware-a.trq").write_bytes(package()[:size])
    said = on_board(
        "import launcher\n"
        "boots = launcher.Boots(); boots.begin_trial('a', 7); boots.confirm()\n"
        "print(repr(launcher.select()))\n"
        "from node.version import RELEASE\n"
        "print(RELEASE)",
        tmp_path,
    )
    assert said.split() == ["''", "1"]
