"""Any content of the offline memory's files: what goes out is whole, once, and as it was kept."""

import binascii
import contextlib
import io
import struct
from collections import Counter

from node import backlog
from node.aggregate import KEPT_BYTES, Aggregator, from_bytes, to_bytes
from node.clock import Clock
from node.offline import MOST_SEGMENTS, Offline
from wire import codec
from wire.records import check
from wire.topics import topic

from tests.host.fakes.ticks import Ticks
from tests.host.fuzz import mutate, signed
from tests.host.fuzz.on_flash import OnFlash

TOPIC, KEY = topic("house-1", "aggregate"), b"1" * 32
PERIOD_MS = 1_000
ODD_NAMES = ("aggregates.", "aggregates.x", "aggregates.-1", "aggregates.007", "aggregate.1", "x")


class Publisher:
    """Numbers and signs, nothing else."""

    def __init__(self):
        self.kept = 0

    def header(self, kind):
        """As Publisher.header."""
        self.kept += 1
        return {"boot_id": 7, "seq": self.kept, "t_ms": None}

    def sign_kept(self, kind, record):
        """As Publisher.sign_kept, of an earlier boot."""
        return codec.encode(TOPIC, record, KEY)


class Target(OnFlash):
    """An offline memory over damaged files, drained and filled at random."""

    MODULES = (backlog,)

    def __init__(self, rng, flash=None):
        super().__init__(rng, flash)
        self.kept = 0

    def one(self):
        """Boot on damaged files, keep a few readings, send all."""
        rng = self.rng
        self._flash.content.clear()
        genuine = self.write()
        ticks = Ticks()
        publisher = Publisher()
        with contextlib.redirect_stdout(io.StringIO()):
            offline = self._boot(publisher, ticks)
            for _ in range(rng.randrange(4)):
                offline.take(self._reading())
                ticks.advance_ms(PERIOD_MS)
            if rng.random() < 0.5:
                offline = self._boot(publisher, ticks)
            sent = list(self._drained(offline))
        own = [record for record in sent if record["boot_id"] == 7 and record["seq"] < 9]
        others = Counter(_words(each) for each in sent if each not in own)
        assert not others - Counter(map(_words, genuine))
        assert [each["seq"] for each in own] == list(range(1, publisher.kept + 1))
        assert len(offline) == 0
        self.kept += len(sent)

    def write(self):
        """Fill the files; return the valid records in them."""
        rng = self.rng
        if rng.random() < 0.3:
            self._flash.content[rng.choice(ODD_NAMES)] = mutate.any_bytes(rng, 400)
        return [each for _ in range(rng.randrange(3)) for each in self._write()]

    def _boot(self, publisher, ticks):
        clock = Clock(ticks.ticks_us, ticks.ticks_diff)
        return Offline(publisher, Aggregator(PERIOD_MS), clock)

    def _drained(self, offline):
        for _ in range(MOST_SEGMENTS * backlog.PER_SEGMENT + 1):
            entry = offline.next_unsent()
            if entry is None:
                return
            record, reason = codec.decode(TOPIC, entry.payload, KEY)
            assert reason == ""
            yield record
            offline.sending(entry)
            if self.rng.random() < 0.1:
                offline.connection_lost()
                entry = offline.next_unsent()
                offline.sending(entry)
            offline.sent(entry)
        raise AssertionError("it has no end")

    def _reading(self):
        reading = signed.any_record(self.rng, "reading")
        return {name: reading[name] for name in reading if name not in ("boot_id", "seq", "t_ms")}

    def _write(self):
        """One segment; yield the records in it that are valid."""
        rng = self.rng
        content = b""
        for _ in range(rng.randrange(4)):
            record = signed.any_record(rng, "aggregate")
            kept = self._as_kept(record)
            if rng.random() < 0.2:
                kept = rng.randbytes(KEPT_BYTES)
            content += kept + struct.pack(">I", binascii.crc32(kept))
            found = from_bytes(kept)
            if not check("aggregate", found):
                yield found
        if rng.random() < 0.5:
            content = mutate.damaged(rng, content)
        self._flash.content[f"aggregates.{rng.choice((1, 2, 3, 10, 99, 1 << 40))}"] = content

    def _as_kept(self, record):
        try:
            return to_bytes(record)
        except struct.error:  # a value beyond what the layout holds: then anything
            return self.rng.randbytes(KEPT_BYTES)


def _words(record):
    return str(sorted(record.items()))
