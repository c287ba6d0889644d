"""Any content of all files a board keeps: the whole node boots on them, its relays open."""

import contextlib
import gc
import io
import json
import random

from node import backlog, secp256k1, slots, staging, underway

from tests.host.fakes.ticks import Ticks
from tests.host.fuzz import clock, flash, identity, offline
from tests.host.fuzz import staging as staged
from tests.host.fuzz.on_flash import OnFlash
from tests.host.node.deliveries import FIRST, deliver
from tests.host.node.rig import Rig

WRITERS = (flash, identity, clock, offline)
DELIVERING = 1 / 3
"""The share of inputs that end in a delivery: it takes as long as all before it."""


class QuickRig(Rig):
    """A node whose records are read without looking at their codes, which other targets do."""

    def read(self, entry):
        """Return the record of an entry of the outbox."""
        return json.loads(entry.payload)

    def start_anew(self):
        """Boot as after a power cut, on whatever is in flash."""
        self.sent.clear()
        self.boot()


class Target(OnFlash):
    """A whole node over damaged files; it boots, tells what it has to tell, and can deliver."""

    MODULES = (slots, underway, backlog, staging)

    def __init__(self, rng, flash=None):
        super().__init__(rng, flash)
        self.closings = 0
        self._writers = [self._part(module) for module in WRITERS]
        self._updates = self._part(staged)
        self._rig = QuickRig(Ticks(), self._patch)

    def _quicken(self):
        self._patch.setattr(gc, "collect", int)  # as a board does, but here each takes 0.2 s
        self._patch.setattr(secp256k1, "public_key", identity.quick_public_key)

    def _part(self, module):
        return module.Target(random.Random(self.rng.random()), self._flash)

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
        rig = self._rig
        rig.start_anew()
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
        if rig.node.store.finals.is_finished(FIRST) or self.rng.random() > DELIVERING:
            return
        deliver(rig)
        self.closings += 1
        rig.command("open", FIRST)
        assert rig.relay() == "open"
