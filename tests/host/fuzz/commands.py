"""Any bytes on the topics of a board: a whole node with a live delivery machine takes them."""

import contextlib
import gc
import io
import os
import tempfile

import pytest
from node.delivery import RELAY_OF_ROLE
from wire.topics import KINDS, topic

from tests.host.fakes.ticks import Ticks
from tests.host.fuzz import mutate, signed
from tests.host.node.rig import KEY_DOWN, NODE, TERMS, Rig, delivery_id

LIFE = 4_000  # inputs until a fresh board
BUSES = ((0, 0), (12_000_000, 500_000), (12_000_000, -500_000), (12_000_000, 0), (5_000_000, 0))


class Target:
    """A node; after each input its relays keep their rules and it has not failed."""

    def __init__(self, rng):
        self.rng = rng
        self._patch = pytest.MonkeyPatch()
        self._home = os.getcwd()
        self._flash = None
        self._patch.setattr(gc, "collect", int)  # as a board does, but here each takes 0.2 s
        self._left = 0
        self.closings = 0

    def close(self):
        """Undo what a rig changes."""
        self._patch.undo()
        os.chdir(self._home)
        if self._flash:
            self._flash.cleanup()

    def _fresh(self):
        os.chdir(self._home)
        if self._flash:
            self._flash.cleanup()
        self._flash = tempfile.TemporaryDirectory(
            dir="/dev/shm" if os.path.isdir("/dev/shm") else None
        )
        os.chdir(self._flash.name)
        self.rig = Rig(Ticks(), self._patch)
        self.rig.step(60)
        self._nonces = [self.rig.nonce()]
        self._seq = 0
        self._left = LIFE

    def one(self):
        """Send one input and look."""
        rng = self.rng
        if not self._left or self.rig.node.commands.epoch > 1 << 31:
            self._fresh()
        self._left -= 1
        was_open = self.rig.relay() == "open"
        with contextlib.redirect_stdout(io.StringIO()) as told:
            self._send()
            if rng.random() < 0.25:
                self._let_pass()
        self._drain()
        assert not self.rig.node.supervisor.has_failed, told.getvalue()
        self._look()
        self.closings += was_open and self.rig.relay() != "open"

    def _send(self):
        rng = self.rng
        kind = rng.choice(("lease", "lease", "command", "command", "command", "update"))
        where = topic(NODE, kind)
        path = rng.random()
        if path < 0.15:
            where = rng.choice((where, topic(NODE, rng.choice(KINDS)), "", "trueque/1/x/lease"))
            payload = mutate.any_bytes(rng, 1_200)
        elif path < 0.35:
            record = self._record(kind)
            payload = signed.sign(where, mutate.changed_object(rng, record), KEY_DOWN)
        elif path < 0.45:
            covered = mutate.damaged(rng, mutate.changed_object(rng, self._record(kind)))
            payload = signed.sign(where, covered, KEY_DOWN)
        elif path < 0.55:
            whole = signed.sign(where, mutate.changed_object(rng, self._record(kind)), KEY_DOWN)
            payload = mutate.damaged(rng, whole)
        else:
            payload = signed.sign(where, self._plain(self._record(kind)), KEY_DOWN)
        self.rig.node.receive(where, payload)

    def _plain(self, record):
        words = (
            f'"{name}":' + ("null" if v is None else f'"{v}"' if isinstance(v, str) else str(v))
            for name, v in record.items()
        )
        return ("{" + ",".join(words)).encode()

    def _record(self, kind):
        """A record that is mostly fresh, for one of few deliveries, and may well close a relay."""
        rng = self.rng
        if rng.random() < 0.5:
            self._nonces = [*self._nonces[-5:], self.rig.nonce()]
        self._seq += 1
        record = signed.any_record(rng, kind)
        if "delivery_id" in record and rng.random() < 0.9:
            record["delivery_id"] = delivery_id(self._left // 20)
        if kind == "command":
            record["action"] = rng.choice((record["action"], "close", "close"))
            is_close = record["action"] == "close"
            for name in ("role", *TERMS):
                if not is_close:
                    record[name] = None
                elif record[name] is None or rng.random() < 0.7:
                    record[name] = TERMS.get(name) or rng.choice(("buyer", "seller"))
        known = {"epoch": self.rig.node.commands.epoch, "seq": self._seq}
        known["nonce"] = self._nonces[-1 - rng.randrange(2) % len(self._nonces)]
        for name, value in known.items():
            if rng.random() < 0.97:
                record[name] = value
        return record

    def _let_pass(self):
        rng, rig = self.rng, self.rig
        if rng.random() < 0.4:
            rig.set_bus(*rng.choice(BUSES[: 1 if rig.relay() == "open" else None]))
        rig.link_up = rng.random() < 0.97
        (rig.machine.absent.add if rng.random() < 0.03 else rig.machine.absent.discard)(0x40)
        rig.ticks.advance_ms(rng.choice((1, 20, 20, 60, 300)))
        rig.node.safety.step(rig.link_up)

    def _drain(self):
        outbox = self.rig.node.outbox
        self.rig.node.publisher.send_wanted_status()
        while True:
            entry = outbox.next_unsent()
            if entry is None:
                return
            outbox.sent(entry)

    def _look(self):
        rig = self.rig
        closed = rig.relay()
        assert closed != "both"
        if closed != "open":
            delivery = rig.delivery
            assert delivery.state == "delivering"
            assert RELAY_OF_ROLE[delivery.role] == closed
            assert rig.node.clock.now_ms() < delivery._lease_end_ms + 300
