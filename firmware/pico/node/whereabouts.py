"""A file of the board's file system in, the addresses in flash where its bytes stand out.

This chip's flash can be read like memory. littlefs keeps a file of more than some 500 bytes in
blocks of 4 kB that hold nothing else, and moves them only when the file is written; block n begins
with pointers to blocks before it (littlefs, SPEC.md, "CTZ skip-lists"). Which blocks are a file's
tells littlefs itself: it reads the file through here, and what it touched is compared.
"""

import os

import uctypes
import vfs

_COUNT, _SIZE = 4, 5  # requests of a block device
_READ_ONLY = 30  # EROFS
_BLOCK_BYTES = 4096
_POINTER_BYTES = 4


class Flash:
    """Finds files in the file system that is mounted from a block device; never writes to it."""

    def __init__(self, device):
        """`device`: rp2.Flash, or another block device whose memory can be read at once."""
        self._device = device
        self._address = uctypes.addressof(device)
        self._touched = set()
        self._system = vfs.VfsLfs2(self)

    def readblocks(self, number, buffer, offset=0):
        """Read for littlefs, and note what."""
        self._touched.add(number)
        self._device.readblocks(number, buffer, offset)

    def writeblocks(self, number, buffer, offset=0):
        """Refuse: the file system belongs to the one that is mounted."""
        raise OSError(_READ_ONLY)

    def ioctl(self, request, argument):
        """Answer what littlefs asks of a block device."""
        if request in (_COUNT, _SIZE):
            return self._device.ioctl(request, argument)
        return 0

    def pieces(self, path):
        """Return [(start in the file, address, bytes)] of what was found, in order."""
        found = []
        size = os.stat(path)[6]
        self._touched.clear()
        with self._system.open(path, "rb") as file:
            start = number = 0
            while start < size:
                header = _POINTER_BYTES * _pointers(number)
                content = file.read(min(_BLOCK_BYTES - header, size - start))
                address = self._find(content, header)
                if address:
                    found.append((start, address, len(content)))
                start += len(content)
                number += 1
        return found

    def _find(self, content, header):
        """Return where `content` stands, `header` bytes from the start of a block, or None."""
        for number in self._touched:
            address = self._address + number * _BLOCK_BYTES + header
            if uctypes.bytearray_at(address, len(content)) == content:
                return address
        return None


def _pointers(number):
    """Return how many pointers a file's block of this number begins with."""
    count = 0
    while number:
        count += 1
        if number & 1:
            break
        number >>= 1
    return count
