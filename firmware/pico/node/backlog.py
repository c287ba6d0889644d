"""Records of one size in flash, first in, first out: bounded, whole after a power cut at any byte.

Segments are files that only grow, each of a few records with a CRC each, and go when their last
record has been dealt with. So a record costs one write, and none is erased on its own. What power
interrupts is a record at the end of a segment: it is not whole, and the next one begins a new file.
"""

import binascii
import os
import struct

PER_SEGMENT = 16
_CRC_BYTES = 4


class Backlog:
    """Keeps byte strings of `size` under `path` + "." and a number.

    At most `most_segments` * PER_SEGMENT of them; the oldest segment gives way to a new one.
    """

    def __init__(self, path, size, most_segments):
        slash = path.rfind("/")
        self._directory, self._name = path[: slash + 1], path[slash + 1 :] + "."
        self._each_bytes = size + _CRC_BYTES
        self._most_segments = most_segments
        self._segments = sorted(self._found())
        self._newest = self._segments[-1] if self._segments else 0
        self._done = 0  # records of the oldest segment that are dealt with
        self._is_tail_open = False  # after a boot nothing is added to what was there
        self.dropped = 0

    def __len__(self):
        """Return how many records wait, torn ones among them."""
        return sum(self._count(number) for number in self._segments) - self._done

    def append(self, record):
        """Add a record. Raises OSError when the flash takes none."""
        if not self._is_tail_open or self._count(self._segments[-1]) >= PER_SEGMENT:
            self._begin_segment()
        self._is_tail_open = False  # unless the record is whole
        with open(self._path(self._segments[-1]), "ab") as file:
            file.write(record + struct.pack(">I", binascii.crc32(record) & 0xFFFFFFFF))
        self._is_tail_open = True

    def oldest(self):
        """Return (where, the oldest record), or None when there is none."""
        while self._segments:
            number = self._segments[0]
            while self._done < self._count(number):
                record = self._read(number, self._done)
                if record is not None:
                    return (number, self._done), record
                self._done += 1  # damaged
            self._remove_oldest()
        return None

    def remove(self, where):
        """The record that was there is dealt with; one that gave way meanwhile is none."""
        if not self._segments or where != (self._segments[0], self._done):
            return
        self._done += 1
        if self._done >= self._count(self._segments[0]):
            self._remove_oldest()

    def _begin_segment(self):
        while len(self._segments) >= self._most_segments:
            self.dropped += self._count(self._segments[0]) - self._done
            self._remove_oldest()
        self._newest += 1
        self._segments.append(self._newest)

    def _remove_oldest(self):
        self._done = 0
        number = self._segments.pop(0)
        if not self._segments:
            self._is_tail_open = False
        try:
            os.remove(self._path(number))
        except OSError:
            pass  # not there: nothing was written to it

    def _count(self, number):
        """Return how many records a segment has; what is torn at its end is none."""
        try:
            return os.stat(self._path(number))[6] // self._each_bytes
        except OSError:
            return 0

    def _read(self, number, place):
        """Return a record, None when it is damaged."""
        with open(self._path(number), "rb") as file:
            file.seek(place * self._each_bytes)
            content = file.read(self._each_bytes)
        record = content[:-_CRC_BYTES]
        (check,) = struct.unpack(">I", content[-_CRC_BYTES:])
        return record if binascii.crc32(record) & 0xFFFFFFFF == check else None

    def _found(self):
        for name in os.listdir(self._directory or "."):
            number = name[len(self._name) :]
            if name.startswith(self._name) and number.isdigit():
                yield int(number)

    def _path(self, number):
        return self._directory + self._name + str(number)
