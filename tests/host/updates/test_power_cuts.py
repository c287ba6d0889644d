"""Power that fails at any step of an update: what starts is always whole and signed."""

import contextlib
import os
import random

import pytest
from launcher import CABLE, TRIAL_BOOTS, Boots
from node import staging
from wire import package

from hub.updates.signature import has_signed
from tests.host.node.conftest import ticks  # noqa: F401  # fixture
from tests.host.node.rig import Rig
from tests.host.node.test_power_cuts import Flash, PowerCut
from tests.host.updates.board import online, switch_off, take
from tests.host.updates.samples import KEY, made

CUTS = 100


class Updating(Flash):
    """The files of a board that takes updates; its power ends within a byte written to any."""

    def __init__(self, monkeypatch):
        super().__init__(monkeypatch)
        self.statvfs, self.stat = os.statvfs, os.stat
        monkeypatch.setattr(staging, "open", self.open, raising=False)
        monkeypatch.setattr(staging, "os", self)

    def open(self, path, mode="r"):
        if "a" in mode:
            return _Appended(self, open(path, mode))
        return super().open(path, mode)

    def remove(self, path):
        self.step()
        os.remove(path)


class _Appended:
    """A file that grows byte by byte; what was appended before a cut stays."""

    def __init__(self, flash, file):
        self._flash = flash
        self._file = file

    def write(self, content):
        left = self._flash.left
        kept = len(content) if left is None else min(len(content), max(0, left))
        self._file.write(content[:kept])
        self._file.flush()
        if left is not None:
            self._flash.left = left - kept
        if kept < len(content):
            raise PowerCut

    def flush(self):
        self._flash.step()

    def close(self):
        self._file.close()


def check_what_starts(allowed):
    """Whatever the next boot starts is a whole package of the technician's, or the cable's."""
    boots = Boots()
    slot = boots.trial[0] if boots.trial else boots.active
    if slot == CABLE:
        assert boots.highest == 0
        return
    with open(boots.path_of(slot), "rb") as file:
        content = file.read()
    manifest, signature, _ = package.split(content)
    assert has_signed(KEY.public_key, package.signed_digest(manifest), signature)
    assert package.parse_manifest(manifest).number in allowed


@pytest.fixture
def rig(ticks, tmp_path, monkeypatch):  # noqa: F811  # the fixture, not the import
    monkeypatch.chdir(tmp_path)
    rig = Rig(ticks, monkeypatch, update_key=KEY.public_key)
    yield rig
    switch_off(rig)


def launch(rig):
    """Boot as the launcher does; a trial is confirmed at once. Returns what runs."""
    boots = Boots()
    boots.next_slot()
    if boots.trial:
        boots.confirm()
    switch_off(rig)
    rig.boot()
    online(rig)
    return Boots().highest


def test_board_always_starts_when_power_fails_at_any_step_of_an_update(rig, monkeypatch):
    flash = Updating(monkeypatch)
    chance = random.Random(4)
    cuts, number = 0, 7
    contents = {}
    while cuts < CUTS:
        contents.setdefault(number, made(number=number))
        flash.left = chance.choice((chance.randrange(300), chance.randrange(14_000)))
        try:
            if launch(rig) >= number:
                number += 1
                continue
            take(rig, contents[number])
        except PowerCut:
            cuts += 1
        flash.left = None
        check_what_starts(contents)
    # It got on between the cuts, and never back.
    assert number > 12
    assert Boots().highest >= number - 1


def test_settings_and_registers_stay_when_power_fails_in_an_update(rig, tmp_path, monkeypatch):
    (tmp_path / "settings.json").write_text("{}")
    rig.node.registers.add("pv_export", 3_600_000_000, 9_000_000)
    rig.node.store.save_registers()
    flash = Updating(monkeypatch)
    for left in range(0, 14_000, 700):
        flash.left = left
        with contextlib.suppress(PowerCut):
            launch(rig)
            take(rig, made(number=7 + left))
        flash.left = None
        switch_off(rig)
        rig.boot()
        assert rig.node.registers["pv_export"] == 9_000_000
    assert (tmp_path / "settings.json").read_text() == "{}"


def test_trial_ends_when_power_fails_in_every_boot_of_it(rig, monkeypatch):
    Boots().begin_trial("a", 7)
    flash = Updating(monkeypatch)
    chance = random.Random(8)
    started = 0
    for _ in range(60):
        flash.left = chance.randrange(300)
        with contextlib.suppress(PowerCut):
            started += Boots().next_slot() == "a"
    assert started <= TRIAL_BOOTS
    flash.left = None
    assert Boots().trial is None
    assert Boots().failed[:2] == [7, "kept_resetting"]
