"""Sequence numbers that grow over reboots: reserved in flash by the block.

Where flash holds none, they go on from the time: what was given out before is smaller, for numbers
grow by far less than one a millisecond. So a node that lost them is not refused as stale for good.
"""

import struct

from wire.units import MAX_SEQ

BLOCK = 4096
AHEAD = 18_000  # of an hour's delivery, which tells its progress five times a second
LARGEST = MAX_SEQ >> 1  # a saved number beyond it is none
_LAYOUT = ">QB"
_BYTES = (8, 9)  # a firmware before this one saved the number only
_SURE, _UNSURE = 0, 1


class Numbering:
    """Numbers for each record kind. A reboot skips what is left of the block."""

    def __init__(self, slots, kinds, first=1):
        """`slots`: Slots of their own. `kinds`: tuple of names. `first`: for a board without any.

        `first` should be a time that is past, in ms, like that of the settings.
        """
        self._slots = slots
        start, self._mark = _read(slots.load())
        self.has_none = start is None
        start = start or max(1, first)
        self._next = {kind: start for kind in kinds}
        self._limit = start
        self._reserve()

    def is_unsure(self):
        """Tell whether higher numbers may have been given out before flash forgot them."""
        return self._mark == _UNSURE

    def take(self, kind):
        """Return the next number of `kind`."""
        number = self._next[kind]
        if number >= self._limit:
            self._reserve()
        self._next[kind] = number + 1
        return number

    def reserve_ahead(self):
        """Reserve enough for an hour: flash must not be written while a relay is closed."""
        missing = max(self._next.values()) + AHEAD - self._limit
        if missing > 0:
            self._reserve(max(missing, BLOCK))

    def go_on_from(self, unix_ms):
        """Take the time as the least number of all kinds; now they are surely new."""
        least = max(unix_ms, self._limit)
        self._next = {kind: least for kind in self._next}
        self._limit = least
        self._mark = _SURE
        self._reserve()

    def _reserve(self, count=BLOCK):
        self._limit += count
        self._slots.save(struct.pack(_LAYOUT, self._limit, self._mark))


def _read(saved):
    """Return (number, mark), the number None where `saved` holds none."""
    if saved is None or len(saved) not in _BYTES:
        return None, _UNSURE
    number, mark = struct.unpack(_LAYOUT, (saved + bytes(1))[:9])
    return (number, mark) if 0 < number <= LARGEST else (None, _UNSURE)
