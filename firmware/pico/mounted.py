"""A package's file in; a read-only file system that MicroPython imports from out.

Beside the launcher, and like it never replaced over the air.
"""

import io
import os

_CLOSE, _BUFFER_SIZE = 4, 11  # requests of MicroPython's stream protocol
_DIRECTORY, _PLAIN_FILE = 0x4000, 0x8000


class _Part(io.IOBase):
    """One file of a package, open for reading."""

    def __init__(self, path, start, size):
        self._file = open(path, "rb")  # noqa: SIM115  # closed when import says so
        self._file.seek(start)
        self._left = size

    def readinto(self, buffer):
        """Read as MicroPython's import asks for it."""
        wanted = memoryview(buffer)[: self._left]
        count = self._file.readinto(wanted) if self._left else 0
        self._left -= count
        return count

    def ioctl(self, request, argument):
        """Answer the two requests that import makes."""
        if request == _CLOSE:
            self._file.close()
            return 0
        return 255 if request == _BUFFER_SIZE else -1


def find_file(manifest, name):
    """Return (offset, size) of a file `name` (bytes) in a checked manifest, or None."""
    # Behind the fields, whose names must not be taken for files.
    start = manifest.find(b"\n" + name + b" ", manifest.find(b"\nfiles\n"))
    if start < 0:
        return None
    start += len(name) + 2
    offset, size = manifest[start : manifest.find(b"\n", start)].split(b" ")
    return int(offset), int(size)


def has_directory(manifest, name):
    """Tell whether a checked manifest has files below `name` (bytes)."""
    return manifest.find(b"\n" + name + b"/") >= 0


class Package:
    """A package as a read-only file system. Raises OSError or PackageError when it is none."""

    def __init__(self, path):
        # The cable's own, and only now: what runs brings another, and both would take 7 kB.
        from wire import package

        self.path = path
        self._manifest_start = package.HEAD_BYTES
        with open(path, "rb") as file:
            self._manifest_bytes = package.manifest_bytes(file.read(package.HEAD_BYTES))
        self.start = package.content_start(self._manifest_bytes)
        size = package.parse_manifest(self._manifest()).size
        if os.stat(path)[6] != self.start + size:
            raise package.PackageError("bad_package")

    def _manifest(self):
        # Read whenever it is needed: kept, it would take 1.4 kB of a board's memory for good.
        with open(self.path, "rb") as file:
            file.seek(self._manifest_start)
            return file.read(self._manifest_bytes)

    def mount(self, is_read_only, is_new):
        """Nothing to do: part of what a file system must answer."""

    def umount(self):
        """Nothing to do."""

    def stat(self, path):
        """Return MicroPython's ten numbers for a file or directory."""
        name, manifest = path.strip("/").encode(), self._manifest()
        found = find_file(manifest, name)
        if found:
            return (_PLAIN_FILE, 0, 0, 0, 0, 0, found[1], 0, 0, 0)
        if not name or has_directory(manifest, name):
            return (_DIRECTORY, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        raise OSError(2)

    def open(self, path, mode):
        """Open a file for reading."""
        start, size = self._find(path)
        return _Part(self.path, start, size)

    def where(self, path):
        """Return where in the package a file begins."""
        return self._find(path)[0]

    def _find(self, path):
        found = find_file(self._manifest(), path.strip("/").encode())
        if not found:
            raise OSError(2)
        return self.start + found[0], found[1]
