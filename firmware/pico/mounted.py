"""A package's file in; a read-only file system that MicroPython imports from out.

Beside the launcher, and like it never replaced over the air.
"""

import io
import os

from wire import package

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


class Package:
    """A package as a read-only file system. Raises OSError or PackageError when it is none."""

    def __init__(self, path):
        self._path = path
        with open(path, "rb") as file:
            size = package.manifest_bytes(file.read(package.HEAD_BYTES))
            self._manifest = file.read(size)
        self.start = package.content_start(size)
        self.manifest = package.parse_manifest(self._manifest)
        if os.stat(path)[6] != self.start + self.manifest.size:
            raise package.PackageError("bad_package")

    def mount(self, is_read_only, is_new):
        """Nothing to do: part of what a file system must answer."""

    def umount(self):
        """Nothing to do."""

    def stat(self, path):
        """Return MicroPython's ten numbers for a file or directory."""
        name = path.strip("/").encode()
        found = package.find_file(self._manifest, name)
        if found:
            return (_PLAIN_FILE, 0, 0, 0, 0, 0, found[1], 0, 0, 0)
        if not name or package.has_directory(self._manifest, name):
            return (_DIRECTORY, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        raise OSError(2)

    def open(self, path, mode):
        """Open a file for reading."""
        start, size = self._find(path)
        return _Part(self._path, start, size)

    def where(self, path):
        """Return where in the package a file begins."""
        return self._find(path)[0]

    def _find(self, path):
        found = package.find_file(self._manifest, path.strip("/").encode())
        if not found:
            raise OSError(2)
        return self.start + found[0], found[1]
