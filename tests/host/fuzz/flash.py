"""Any content of a board's flash: what it keeps is read, or begun anew, and goes on being kept."""

import contextlib
import io
import struct

from node import kept_report, slots, underway
from node.registers import NAMES, Registers
from node.store import Store
from wire.records import check
from wire.units import MAX_ENERGY_UWH

from tests.host.fuzz import mutate, signed
from tests.host.fuzz.on_flash import OnFlash

FILES = ("registers", "numbering", "finals", "underway/delivery")


class Target(OnFlash):
    """A store over damaged files; its registers and reports can always be told."""

    MODULES = (slots, underway)

    def __init__(self, rng, flash=None):
        super().__init__(rng, flash)
        self.kept = 0

    def one(self):
        """Boot once on damaged files, work a little, boot again."""
        rng = self.rng
        self._flash.content.clear()
        self.write()
        with contextlib.redirect_stdout(io.StringIO()):
            registers, store = self._boot()
            registers.add(rng.choice(NAMES), 10**9, rng.randrange(10**7))
            members = self._report()
            if members:
                store.begin_delivery(members)
                registers.add(rng.choice(NAMES), 10**9, rng.randrange(10**7))
                store.keep_running(members)
            if members and rng.random() < 0.5:
                store.keep_final(members)
            again, after = self._boot()
        if members:
            assert again.to_bytes() == registers.to_bytes()
            assert after.finals.is_finished(members["delivery_id"])

    def write(self):
        """Fill the files."""
        for name in FILES:
            for _ in range(self.rng.randrange(3)):
                self._save(name, self._record(name))

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

    def _record(self, name):
        rng = self.rng
        if rng.random() < 0.2:
            return mutate.any_bytes(rng, 400)
        if name == "registers":
            return rng.choice((Registers().to_bytes(), rng.randbytes(16 * rng.randrange(12))))
        if name == "numbering":
            return rng.choice((rng.randbytes(9), rng.randbytes(8), (5).to_bytes(8, "big")))
        if name == "underway/delivery":
            numbers = [rng.choice(mutate.NUMBERS) % (1 << 64) for _ in range(4)]
            numbers[2] %= 1 << 32
            delivery = struct.pack(
                ">16sBQQIQ", rng.randbytes(rng.choice((0, 16))), rng.randrange(3), *numbers
            )
            return delivery + self._record("registers")
        each_bytes = 1 + kept_report.BYTES + rng.choice((0, 0, 9))
        content = b"F" + bytes([each_bytes])
        for _ in range(rng.choice((1, 2, 40))):
            report = self._report()
            kept = kept_report.to_bytes(report) if report else rng.randbytes(kept_report.BYTES)
            content += (bytes([rng.randrange(256)]) + kept).ljust(each_bytes, b"\x07")
        return content if rng.random() < 0.8 else mutate.damaged(rng, content)
