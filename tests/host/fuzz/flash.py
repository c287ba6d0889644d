"""Any content of a board's flash: what it keeps is read, or begun anew, and goes on being kept."""

import contextlib
import io
import json

import pytest
from node import slots
from node.registers import NAMES, Registers
from node.store import Store
from wire.records import check
from wire.units import MAX_ENERGY_UWH

from tests.host.fuzz import mutate, signed

FILES = ("registers", "numbering", "finals")


class Files:
    """A flash in memory, as far as slots need it."""

    def __init__(self):
        self.content = {}

    def open(self, path, mode):
        """Return a file object."""
        if "w" in mode:
            return _Written(self, path)
        if path not in self.content:
            raise OSError(2)
        return io.BytesIO(self.content[path])

    def rename(self, old, new):
        """Replace a file."""
        self.content[new] = self.content.pop(old)


class _Written(io.BytesIO):
    def __init__(self, files, path):
        super().__init__()
        self._files, self._path = files, path

    def close(self):
        if not self.closed:
            self._files.content[self._path] = self.getvalue()
        super().close()


class Target:
    """A store over damaged files; its registers and reports can always be told."""

    def __init__(self, rng):
        self.rng = rng
        self._patch = pytest.MonkeyPatch()
        self.kept = 0
        self._files = Files()
        self._patch.setattr(slots, "open", self._files.open, raising=False)
        self._patch.setattr(slots, "os", self._files)

    def close(self):
        """Give back the real files."""
        self._patch.undo()

    def one(self):
        """Boot once on damaged files, work a little, boot again."""
        rng = self.rng
        self._files.content.clear()
        for name in FILES:
            for _ in range(rng.randrange(3)):
                self._write(name)
        with contextlib.redirect_stdout(io.StringIO()):
            registers, store = self._boot()
            before = [registers[name] for name in NAMES]
            registers.add(rng.choice(NAMES), 10**9, rng.randrange(10**7))
            members = self._report()
            if members:
                store.keep_running(members)
            if members and rng.random() < 0.5:
                store.keep_final(members)
            again, _ = self._boot()
        assert members is None or all(again[n] >= v for n, v in zip(NAMES, before, strict=True))

    def _boot(self):
        registers = Registers()
        store = Store(registers)
        for name in NAMES:
            assert 0 <= registers[name] <= MAX_ENERGY_UWH
        for members in store.finals.unsent():
            assert check("delivery", {"boot_id": 0, "seq": 1, "t_ms": None, **members}) == ""
            self.kept += 1
        assert store.numbering.take("reading") > 0
        return registers, store

    def _report(self):
        record = signed.any_record(self.rng, "delivery")
        if check("delivery", record):
            return None
        return {name: record[name] for name in record if name not in ("boot_id", "seq", "t_ms")}

    def _write(self, name):
        """One slot: a whole record of anything, or a damaged file."""
        rng = self.rng
        kept = slots.Slots(name)
        kept._number = rng.randrange(3)
        kept.save(self._record(name))
        if rng.random() < 0.4:
            path = rng.choice(list(self._files.content))
            self._files.content[path] = mutate.damaged(rng, self._files.content[path])

    def _record(self, name):
        rng = self.rng
        if rng.random() < 0.2:
            return mutate.any_bytes(rng, 400)
        if name == "registers":
            return rng.choice((Registers().to_bytes(), rng.randbytes(16 * rng.randrange(12))))
        if name == "numbering":
            return rng.choice((rng.randbytes(9), rng.randbytes(8), (5).to_bytes(8, "big")))
        entry = {"members": self._report() or mutate.any_value(rng), "sent": rng.random() < 0.5}
        content = {"running": self._report(), "ended": [entry, mutate.any_value(rng)]}
        for key in list(content):
            if rng.random() < 0.2:
                content[key] = mutate.any_value(rng)
        text = json.dumps(content).encode()
        return text if rng.random() < 0.8 else mutate.damaged(rng, text)
