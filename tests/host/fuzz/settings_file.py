"""Any settings file: refused with the field's name, or a node is built from it."""

import contextlib
import gc
import io
import json
import os
import tempfile

import pytest
from launcher import Boots
from node.app import Node
from node.settings import Settings, SettingsError, load

from tests.host.fakes.ticks import Ticks
from tests.host.fuzz import mutate
from tests.host.node.rig import Hardware, Rig, settings_members

NODE_EVERY = 8  # of the settings that were accepted
FILE_EVERY = 10


class Target:
    """Whatever the file, nothing but SettingsError comes out of it."""

    def __init__(self, rng):
        self.rng = rng
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(gc, "collect", int)  # as a board does, but here each takes 0.2 s
        self._home = os.getcwd()
        self._flash = tempfile.TemporaryDirectory(
            dir="/dev/shm" if os.path.isdir("/dev/shm") else None
        )
        os.chdir(self._flash.name)
        self._ticks = Ticks()
        with contextlib.redirect_stdout(io.StringIO()):
            Rig(self._ticks, self._patch)
        self._good = settings_members(
            limits={"over_current_ua": 900_000, "creep_ua": 500},
            calibration={
                "ch0": {"gain_ppm": 990_000, "date": "2026-01-01"},
                "bus": {"gain_ppm": 1},
            },
            sensors={"ch0": {"part": "fz0430", "measures": "pv_voltage", "parallel_ohm": 10_000}},
        )
        self._good["calibration"]["bus"]["gain_ppm"] = 1_010_000
        self.accepted = 0

    def close(self):
        """Undo what a rig changes."""
        self._patch.undo()
        os.chdir(self._home)
        self._flash.cleanup()

    def one(self):
        """Try one file."""
        rng = self.rng
        if rng.randrange(FILE_EVERY) == 0:
            self._file()
            return
        members = json.loads(json.dumps(self._good))
        changed = [self._change(members) for _ in range(rng.choice((1, 1, 2, 5)))]
        if rng.random() < 0.05:
            members = mutate.any_value(rng, 4)
            changed = []
        try:
            settings = Settings(members)
        except SettingsError as problem:
            assert problem.problems and all(isinstance(each, str) for each in problem.problems)
            if changed:
                told = " ".join(problem.problems)
                assert any(str(name) in told for name in changed), (changed, told)
            return
        self.accepted += 1
        if self.accepted % NODE_EVERY == 0:
            with contextlib.redirect_stdout(io.StringIO()):
                hardware = Hardware(self._ticks)
                Node(settings, hardware, Boots(), hardware.machine.WDT())

    def _change(self, members):
        """Change one value somewhere; return the name of the outermost member."""
        rng = self.rng
        outer = name = rng.choice(
            (*self._good, *self._good, "chip", "spike_correction", "regulator_pwm", "profile", "x")
        )
        inside = members
        while rng.random() < 0.85 and isinstance(inside.get(name), dict) and inside[name]:
            inside = inside[name]
            name = rng.choice((*inside, *inside, *inside, "x"))
        kind = rng.randrange(6)
        if kind == 0:
            inside.pop(name, None)
        elif kind == 1 and isinstance(inside.get(name), int):
            inside[name] = inside[name] + rng.randrange(-50, 50)
        elif kind == 2 and isinstance(inside.get(name), int):
            inside[name] = inside[name] * rng.choice((2, 10, -1, 1000))
        else:
            inside[name] = mutate.any_value(rng)
        return outer

    def _file(self):
        rng = self.rng
        content = json.dumps(self._good).encode()
        content = mutate.damaged(rng, content) if rng.random() < 0.8 else mutate.any_bytes(rng, 800)
        with open("any.json", "wb") as file:
            file.write(content)
        with contextlib.suppress(SettingsError):
            load("any.json")
