"""Power cuts at any step of a save: registers lose one interval at most and gain nothing."""

import random

import pytest
from node import slots
from node.registers import Registers
from node.store import Store

UWH = 3_600_000_000  # uW * us


class PowerCut(BaseException):
    """The board lost its power: nothing that the firmware could catch."""


class Flash:
    """The files of a board, with a power supply that ends after so many bytes or steps."""

    def __init__(self, monkeypatch):
        self.left = None  # steps until the cut, None: it does not come
        monkeypatch.setattr(slots, "open", self.open, raising=False)
        monkeypatch.setattr(slots, "os", self)

    def step(self):
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            raise PowerCut

    def open(self, path, mode="r"):
        if "w" in mode:
            self.step()
            return _Torn(self, open(path, mode))
        return open(path, mode)

    def rename(self, old, new):
        import os

        self.step()
        os.replace(old, new)
        self.step()


class _Torn:
    """A file whose bytes reach the flash one by one."""

    def __init__(self, flash, file):
        self._flash = flash
        self._file = file

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self._file.close()

    def write(self, content):
        for place in range(len(content)):
            self._flash.step()
            self._file.write(content[place : place + 1])
            self._file.flush()

    def flush(self):
        self._flash.step()


def boot(directory):
    registers = Registers()
    return registers, Store(registers, str(directory) + "/")


def test_registers_lose_one_interval_and_count_nothing_twice_when_power_is_cut(
    tmp_path, monkeypatch
):
    flash = Flash(monkeypatch)
    chance = random.Random(11)
    registers, store = boot(tmp_path)
    saved = flowed = cuts = 0
    for _ in range(600):
        energy_uwh = chance.randrange(1, 10_000)
        registers.add("pv_export", energy_uwh * UWH // 1000, 1000)
        flowed += energy_uwh
        before = registers["pv_export"]
        flash.left = chance.choice((None, chance.randrange(400)))
        try:
            store.save_registers()
            saved = before
        except PowerCut:
            cuts += 1
            flash.left = None
            registers, store = boot(tmp_path)
            assert registers["pv_export"] in (saved, before)
            saved = registers["pv_export"]
        assert saved <= registers["pv_export"] <= flowed
    assert cuts > 100


def test_registers_of_all_kinds_come_from_one_moment_when_power_is_cut(tmp_path, monkeypatch):
    flash = Flash(monkeypatch)
    chance = random.Random(12)
    registers, store = boot(tmp_path)
    for _ in range(200):
        for name in ("bus_import", "load_apparent"):
            registers.add(name, 7 * UWH, 1)
        flash.left = chance.randrange(400)
        try:
            store.save_registers()
        except PowerCut:
            flash.left = None
            registers, store = boot(tmp_path)
        assert registers["bus_import"] == registers["load_apparent"]


def test_registers_of_an_older_firmware_are_kept_when_it_had_fewer(tmp_path):
    registers = Registers()
    registers.add("bus_import", 7 * UWH, 1)
    registers.add("bus_export", 5, 1)
    whole = registers.to_bytes()
    half = len(whole) // 2
    older = whole[:16] + whole[half : half + 16]  # two registers, their two remainders
    after = Registers()
    after.restore(older)
    assert (after["bus_import"], after["load_apparent"]) == (7, 0)
    assert after.to_bytes() == registers.to_bytes()


@pytest.mark.parametrize("size", [0, 8, 17, 16 * 10])
def test_registers_refuse_a_record_that_is_not_theirs(size):
    with pytest.raises(ValueError, match="registers"):
        Registers().restore(bytes(size))
