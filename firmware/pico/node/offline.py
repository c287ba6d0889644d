"""Readings while the hub is away in, aggregates kept in flash, and out again when it is back.

The link takes from here what goes out after everything live: one at a time, so that no nonce and
no report waits for old figures.
"""

from node.aggregate import KEPT_BYTES, from_bytes, to_bytes
from node.backlog import Backlog
from node.outbox import CAPACITY, Entry

MOST_SEGMENTS = 24  # of 16 aggregates: 4 days at a quarter of an hour each, 68 kB


class Offline:
    """The part of the outbox that outlives a reboot, besides the finals."""

    def __init__(self, publisher, aggregator, clock, path="aggregates"):
        """`publisher`: numbers and signs. `path`: where in flash."""
        self._publisher = publisher
        self._aggregator = aggregator
        self._clock = clock
        self._backlog = Backlog(path, KEPT_BYTES, MOST_SEGMENTS)
        self._in_flight = None
        # () -> bool: whether a delivery is near or unsigned. Old figures wait for its end: to sign
        # one takes a board 11 ms, and to remove a file may erase a sector.
        self.is_delivering = None

    def __len__(self):
        return len(self._backlog)

    @property
    def dropped(self):
        """How many gave way to newer ones since the boot."""
        return self._backlog.dropped

    def take(self, members):
        """Take the members of a reading made while the hub is away."""
        now_ms = self._clock.now_ms()
        self._aggregator.add(members, now_ms)
        if self._aggregator.is_due(now_ms):
            self._keep(now_ms)
            self._aggregator.begin(now_ms)

    def end(self):
        """The hub is back: what the outbox's readings do not cover is kept too."""
        now_ms = self._clock.now_ms()
        if self._aggregator.count > CAPACITY["reading"]:
            self._keep(now_ms)
        else:
            self._aggregator.end(now_ms)

    def _keep(self, now_ms):
        record = self._publisher.header("aggregate")
        record.update(self._aggregator.end(now_ms))
        try:
            self._backlog.append(to_bytes(record))
        except OSError as problem:
            print("flash: an aggregate is lost:", problem)

    # As Outbox has them, for the link.

    def next_unsent(self):
        """Return the oldest aggregate as an Entry, or None while one is on its way."""
        if self._in_flight is not None or (self.is_delivering and self.is_delivering()):
            return None
        found = self._backlog.oldest()
        while found:
            where, kept = found
            try:
                payload = self._publisher.sign_kept("aggregate", from_bytes(kept))
                break
            except ValueError as problem:
                # Whole and yet no aggregate: nobody would take it, today or later.
                print("flash: an aggregate is lost:", problem)
                self._backlog.remove(where)
            found = self._backlog.oldest()
        else:
            return None
        return Entry("aggregate", payload, None, lambda: self._backlog.remove(where))

    def sending(self, entry):
        """`entry` is on its way."""
        self._in_flight = entry

    def sent(self, entry):
        """The broker has acknowledged `entry`."""
        if entry is self._in_flight:
            self._in_flight = None
            entry.on_sent()

    def connection_lost(self):
        """What was on its way goes again."""
        self._in_flight = None
