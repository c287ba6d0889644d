"""Sequence numbers that grow over reboots: reserved in flash by the block."""

import struct

from wire.units import MAX_SEQ

BLOCK = 4096
LARGEST = MAX_SEQ >> 1  # a saved number beyond it is none
_LAYOUT = ">Q"


class Numbering:
    """Numbers for each record kind, from 1. A reboot skips what is left of the block."""

    def __init__(self, slots, kinds):
        """`slots`: Slots of their own. `kinds`: tuple of names."""
        self._slots = slots
        saved = slots.load()
        start = struct.unpack(_LAYOUT, saved)[0] if saved and len(saved) == 8 else 1
        if not 0 < start <= LARGEST:
            start = 1
        self._next = {kind: start for kind in kinds}
        self._limit = start
        self._reserve()

    def take(self, kind):
        """Return the next number of `kind`."""
        number = self._next[kind]
        if number >= self._limit:
            self._reserve()
        self._next[kind] = number + 1
        return number

    def _reserve(self):
        self._limit += BLOCK
        self._slots.save(struct.pack(_LAYOUT, self._limit))
