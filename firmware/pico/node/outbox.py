"""Records waiting for the broker, in order; bounded, but delivery finals are never dropped.

Few readings: each takes 1 kB of memory, and `offline` keeps what an absence of the hub adds up to.
"""

CAPACITY = {
    "status": 1,
    "reading": 10,
    "delivery": 8,
    "event": 16,
    "signature": 8,
    "snapshot": 4,
    "fetch": 1,
}


class Entry:
    """One signed payload on its way."""

    def __init__(self, kind, payload, final_id, on_sent):
        self.kind = kind
        self.payload = payload
        self.final_id = final_id  # whose final or signature this is: never dropped; or None
        self.on_sent = on_sent  # called once when the broker has acknowledged, or None
        self.is_in_flight = False


class Outbox:
    """First in, first out. Older entries of a kind give way when too many wait."""

    def __init__(self):
        self._entries = []
        self.dropped = 0

    def __len__(self):
        return len(self._entries)

    def has_final(self, delivery_id):
        """Tell whether the final of a delivery waits here or is on its way."""
        for entry in self._entries:
            if entry.final_id == delivery_id and entry.kind == "delivery":
                return True
        return False

    def add(self, kind, payload, final_id=None, on_sent=None):
        """Append a payload. A newer status replaces one not yet sent: its nonce is fresher."""
        waiting = [
            entry
            for entry in self._entries
            if entry.kind == kind and not entry.final_id and not entry.is_in_flight
        ]
        if not final_id and len(waiting) >= CAPACITY[kind]:
            self._entries.remove(waiting[0])
            self.dropped += 1
        self._entries.append(Entry(kind, payload, final_id, on_sent))

    def next_unsent(self):
        """Return the oldest entry not in flight, or None."""
        for entry in self._entries:
            if not entry.is_in_flight:
                return entry
        return None

    def sending(self, entry):
        """`entry` is on its way."""
        entry.is_in_flight = True

    def sent(self, entry):
        """The broker has acknowledged `entry`."""
        if entry in self._entries:
            self._entries.remove(entry)
            if entry.on_sent:
                entry.on_sent()

    def connection_lost(self):
        """What was in flight goes again, first and in order."""
        for entry in self._entries:
            entry.is_in_flight = False
