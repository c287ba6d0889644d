"""Reports of ended deliveries: kept until the broker has them, and signed."""

from node import kept_report

KEPT = 16  # ended deliveries remembered, so that none is done twice
_MARK = b"F"
_EACH_BYTES = 1 + kept_report.BYTES  # _SENT and _SIGNED, then a report as of kept_report
_HEAD = _MARK + bytes([_EACH_BYTES])
_SENT, _SIGNED = 1, 2  # the broker has the final; and the board's signature of it
_DONE = _SENT | _SIGNED


class Finals:
    """The last deliveries that ended."""

    def __init__(self, slots):
        """`slots`: Slots of its own."""
        self._slots = slots
        self._kept = bytearray(_HEAD)  # as in flash, in one piece: objects would take more
        self.is_changed = False  # since the last save
        self._load()

    def is_finished(self, delivery_id):
        """Tell whether this delivery ended here."""
        return self._place(delivery_id) is not None

    def find(self, delivery_id):
        """Return the members of the final of `delivery_id`, or None."""
        place = self._place(delivery_id)
        return None if place is None else self._members(place)

    def has_any(self):
        """Tell whether a delivery was ever kept here."""
        return len(self._kept) > len(_HEAD)

    def unsent(self):
        """Return the finals the broker has not acknowledged, oldest first."""
        return self._without(_SENT)

    def unsigned(self):
        """Return the finals whose signature the broker has not acknowledged, oldest first."""
        return self._without(_SIGNED)

    def sign_again(self, delivery_id):
        """Somebody lost the signature of `delivery_id`: it counts as never sent."""
        place = self._place(delivery_id)
        if place is not None:
            self._kept[place] &= ~_SIGNED

    def add(self, members):
        """Take the report of a delivery that ended; the next save is yet to come."""
        kept = bytearray(_HEAD)
        spare = len(self._places()) + 1 - KEPT
        for place in self._places():
            # Those not yet sent stay, however many: each is somebody's money.
            if spare > 0 and self._kept[place] & _DONE == _DONE:
                spare -= 1
            else:
                kept += self._kept[place : place + _EACH_BYTES]
        self._kept = kept + bytes(1) + kept_report.to_bytes(members)
        self.is_changed = True

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
        if self.is_changed:
            self._slots.save(self._kept)
            self.is_changed = False

    def _places(self):
        return range(len(_HEAD), len(self._kept), _EACH_BYTES)

    def _place(self, delivery_id):
        wanted = kept_report.id_bytes(delivery_id)
        for place in self._places():
            if self._kept[place + 1 : place + 17] == wanted:
                return place
        return None

    def _members(self, place):
        return kept_report.from_bytes(self._kept[place + 1 : place + _EACH_BYTES])

    def _without(self, mark):
        return [self._members(place) for place in self._places() if not self._kept[place] & mark]

    def _mark(self, delivery_id, mark):
        place = self._place(delivery_id)
        if place is not None and not self._kept[place] & mark:
            self._kept[place] |= mark
            self.is_changed = True

    def _load(self):
        saved = self._slots.load()
        if not saved:
            return
        # Another firmware's may be longer: what it has added follows what this one knows.
        each_bytes = saved[1] if len(saved) > 1 else 0
        if saved[:1] != _MARK or each_bytes < _EACH_BYTES:
            print("flash: finals are not readable")
            return
        for start in range(len(_HEAD), len(saved) - each_bytes + 1, each_bytes):
            entry = saved[start : start + _EACH_BYTES]
            if kept_report.from_bytes(entry[1:]):
                self._kept += entry
