"""A small record in flash that survives a power cut at any byte.

Two files take turns. Each holds a number, the record and a CRC; the newer whole one counts.
"""

import binascii
import os
import struct

_HEAD = ">4sII"  # mark, sequence number, record length
_HEAD_BYTES = 12
_MARK = b"TRQ1"


class Slots:
    """Keeps one byte string under `path` + ".0" and ".1"."""

    def __init__(self, path):
        self._path = path
        self._number = 0

    def load(self):
        """Return the last record saved whole, or None."""
        newest = None
        for ending in (".0", ".1"):
            found = _read(self._path + ending)
            if found and found[0] > self._number:
                self._number, newest = found
        return newest

    def save(self, record):
        """Replace the record. Raises OSError when the flash is full or broken."""
        self._number += 1
        head = struct.pack(_HEAD, _MARK, self._number, len(record))
        check = struct.pack(">I", binascii.crc32(record, binascii.crc32(head)) & 0xFFFFFFFF)
        self._replace(self._path + (".1" if self._number % 2 else ".0"), (head, record, check))

    def _replace(self, path, parts):
        temporary = self._path + ".new"
        self._write(temporary, parts)
        os.rename(temporary, path)

    def _write(self, path, parts):
        with open(path, "wb") as file:
            for part in parts:  # joined, they would take as much memory once more
                file.write(part)
            file.flush()


def _read(path):
    """Return (number, record) of one slot, or None when it is absent or not whole."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return None
    if len(content) < _HEAD_BYTES + 4:
        return None
    mark, number, size = struct.unpack(_HEAD, content[:_HEAD_BYTES])
    if mark != _MARK or len(content) != _HEAD_BYTES + size + 4:
        return None
    (check,) = struct.unpack(">I", content[-4:])
    if binascii.crc32(content[:-4]) & 0xFFFFFFFF != check:
        return None
    return number, content[_HEAD_BYTES:-4]
