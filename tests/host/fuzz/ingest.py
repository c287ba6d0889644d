"""Any payload from the broker into the hub: stored when genuine and new, else counted."""

import tempfile
import zoneinfo
from pathlib import Path

from wire import codec, records
from wire.topics import KINDS, topic

from hub.mqtt.decoding import decode
from hub.mqtt.ingest import Ingest
from hub.mqtt.link import Arrival
from hub.site_clock import SiteClock
from hub.store import Store
from tests.host.fuzz import mutate, signed

BATCH = 250
KEYS = {"house-1": b"1" * 32, "house-2": b"2" * 32}
TOPICS = [topic(node, kind) for node in ("house-1", "house-2", "house-9") for kind in KINDS]
ODD_TOPICS = ("", "trueque/1", "trueque/1/house-1/reading/x", "trueque/2/house-1/reading", "\u00e4")


class Target:
    """The decoder for every input, ingest and store for them all in batches."""

    def __init__(self, rng):
        self.rng = rng
        self._directory = tempfile.TemporaryDirectory()
        self._store = open_store(Path(self._directory.name))
        clock = SiteClock.real(zoneinfo.ZoneInfo("UTC"))
        self._ingest = Ingest(self._store, clock, KEYS, lambda records: None)
        self._batch = []
        self._sent = 0
        self.stored = 0

    def close(self):
        """Remove the store."""
        self._store.close()
        self._directory.cleanup()

    def one(self):
        """Decode one input; store each full batch."""
        where, payload = self._input()
        node = where.split("/")[2] if where.count("/") > 1 else ""
        key = KEYS.get(node, b"0" * 32)
        record, reason = codec.decode(where, payload, key)
        assert decode(where, payload, key) == (record, reason)  # the hub's quick way
        assert (record is None) != (reason == "")
        assert reason in ("", *records.REJECTIONS)
        self._batch.append(Arrival(where, payload, 0, False, 0, 1))
        self._sent += 1
        if len(self._batch) == BATCH:
            self.stored += len(self._ingest.store_batch(self._batch))
            self._batch = []
            counted = self._store.message_counts()["received"]
            assert counted == self._sent, (counted, self._sent)

    def _input(self):
        rng = self.rng
        where = rng.choice(TOPICS)
        _, _, node, kind = where.split("/")
        key = KEYS.get(node, b"3" * 32)
        path = rng.random()
        if path < 0.2:
            return rng.choice((where, *ODD_TOPICS)), mutate.any_bytes(rng, 1_300)
        record = signed.any_record(rng, kind)
        if rng.random() < 0.8:
            record["seq"] = self._sent + 1
        payload = signed.sign(where, mutate.changed_object(rng, record), key)
        return where, payload if path < 0.8 else mutate.damaged(rng, payload)


def open_store(directory):
    """Return an empty store."""
    return Store(directory / "store.sqlite")
