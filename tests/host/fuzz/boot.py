"""Any content of all files a board keeps: the whole node boots on them, its relays open."""

import contextlib
import gc
import io
import random

import pytest
from node import backlog, secp256k1, slots, staging, underway

from tests.host.fakes.ticks import Ticks
from tests.host.fuzz import clock, flash, identity, offline
from tests.host.fuzz import staging as staged
from tests.host.fuzz.memory_flash import Flash
from tests.host.node.deliveries import FIRST, deliver
from tests.host.node.rig import Rig

WRITERS = (flash, identity, clock, offline)


class Target:
    """A whole node over damaged files; it boots, tells what it has to tell, and can deliver."""

    def __init__(self, rng):
        self.rng = rng
        self.closings = 0
        self._patch = pytest.MonkeyPatch()
        self._flash = Flash()
        self._patch.setattr(gc, "collect", int)
        self._writers = [module.Target(random.Random(rng.random())) for module in WRITERS]
        self._updates = staged.Target(random.Random(rng.random()))
        for writer in (*self._writers, self._updates):
            writer._flash = self._flash
        self._flash.patch(self._patch, slots, underway, backlog, staging)
        self._patch.setattr(secp256k1, "public_key", identity.quick_public_key)

    def close(self):
        """Give back the real files."""
        self._patch.undo()
        for writer in (*self._writers, self._updates):
            writer.close()

    def one(self):
        """Write damaged files, boot, and deliver."""
        self._flash.content.clear()
        for writer in self._writers:
            if self.rng.random() < 0.7:
                writer.write()
        if self.rng.random() < 0.5:
            self._updates.write()
        with contextlib.redirect_stdout(io.StringIO()) as told:
            self._boot()
        assert not self._rig.node.supervisor.has_failed, told.getvalue()

    def _boot(self):
        rig = self._rig = Rig(Ticks(), self._patch)
        assert rig.relay() == "open"
        rig.node.announce()
        rig.step(60)
        rig.set_clock()
        assert rig.relay() == "open"
        rig.node.send_reading()
        rig.node.save()
        rig.collect()
        (reading,) = rig.records("reading")
        for name, value in reading.items():
            assert not name.endswith("_uwh") or value is None or value >= 0
        if rig.node.delivery.state != "idle":
            return  # firmware on trial: nothing closes
        if rig.node.store.finals.is_finished(FIRST):
            return
        deliver(rig)
        self.closings += 1
        rig.command("open", FIRST)
        assert rig.relay() == "open"
