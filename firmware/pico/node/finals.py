"""Reports of ended deliveries: kept until the broker has them, and signed."""

from node import kept_report

KEPT = 16  # ended deliveries remembered, so that none is done twice
_MARK = b"F"
_SENT, _SIGNED = 1, 2  # the broker has the final; and the board's signature of it


class Finals:
    """The last deliveries that ended."""

    def __init__(self, slots):
        """`slots`: Slots of its own."""
        self._slots = slots
        self._ended = []  # bytearrays: _SENT and _SIGNED, then a report as of kept_report
        self._is_changed = False  # since the last save
        self._load()

    def is_finished(self, delivery_id):
        """Tell whether this delivery ended here."""
        return self._entry(delivery_id) is not None

    def find(self, delivery_id):
        """Return the members of the final of `delivery_id`, or None."""
        entry = self._entry(delivery_id)
        return _members(entry) if entry else None

    def has_any(self):
        """Tell whether a delivery was ever kept here."""
        return bool(self._ended)

    def unsent(self):
        """Return the finals the broker has not acknowledged, oldest first."""
        return [_members(entry) for entry in self._ended if not entry[0] & _SENT]

    def unsigned(self):
        """Return the finals whose signature the broker has not acknowledged, oldest first."""
        return [_members(entry) for entry in self._ended if not entry[0] & _SIGNED]

    def sign_again(self, delivery_id):
        """Somebody lost the signature of `delivery_id`: it counts as never sent."""
        entry = self._entry(delivery_id)
        if entry:
            entry[0] &= ~_SIGNED

    def add(self, members):
        """Take the report of a delivery that ended; the next save is yet to come."""
        self._ended.append(bytearray(1) + kept_report.to_bytes(members))
        # Those not yet sent stay, however many: each is somebody's money.
        spare = len(self._ended) - KEPT
        for entry in [entry for entry in self._ended if _is_done(entry)][: max(0, spare)]:
            self._ended.remove(entry)
        self._is_changed = True

    def acknowledge(self, delivery_id):
        """The broker has the final of `delivery_id`."""
        self._mark(delivery_id, _SENT)

    def acknowledge_signature(self, delivery_id):
        """The broker has the signature of the final of `delivery_id`."""
        self._mark(delivery_id, _SIGNED)

    def save(self):
        """Save unless nothing changed.

        What was acknowledged is not saved at once: the next delivery may be under way. What a
        reset forgets goes out again, and the hub knows it.
        """
        if self._is_changed:
            head = _MARK + bytes([1 + kept_report.BYTES])
            self._slots.save(head + b"".join(self._ended))
            self._is_changed = False

    def _entry(self, delivery_id):
        wanted = kept_report.id_bytes(delivery_id)
        for entry in self._ended:
            if entry[1:17] == wanted:
                return entry
        return None

    def _mark(self, delivery_id, mark):
        entry = self._entry(delivery_id)
        if entry and not entry[0] & mark:
            entry[0] |= mark
            self._is_changed = True

    def _load(self):
        saved = self._slots.load()
        if not saved:
            return
        # Another firmware's may be longer: what it has added follows what this one knows.
        each_bytes = saved[1] if len(saved) > 1 else 0
        if saved[:1] != _MARK or each_bytes <= kept_report.BYTES:
            print("flash: finals are not readable")
            return
        for start in range(2, len(saved) - each_bytes + 1, each_bytes):
            entry = bytearray(saved[start : start + 1 + kept_report.BYTES])
            if _members(entry):
                self._ended.append(entry)


def _members(entry):
    return kept_report.from_bytes(entry[1:])


def _is_done(entry):
    return entry[0] & (_SENT | _SIGNED) == _SENT | _SIGNED
