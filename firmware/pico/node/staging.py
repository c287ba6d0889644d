"""Chunks of a firmware package in, a file in flash out whose signature and content are checked.

The file is the slot that nothing runs from. It grows from its start and outlives resets, so that an
interrupted transfer goes on; nothing points to it before it is checked whole.
"""

import binascii
import gc
import hashlib
import os

from wire import package
from wire.package import PackageError

from node import secp256k1

SYNC_BYTES = 8_192  # what a power cut may cost of a transfer; each sync erases a sector
SLICE_BYTES = 1024
LINE_BYTES = 128  # no line of a manifest is longer
RESERVE_BYTES = 65_536  # of the flash left for registers and reports


class Staging:
    """One package on its way into the file at `path`."""

    def __init__(self, path, package_id, size):
        """Go on with what an earlier transfer of this package left there, or begin anew.

        Raises PackageError "no_space", or OSError when the flash is broken.
        """
        self._path = path
        self._id = package_id
        self.size = size
        self.received = self._found_bytes()
        if self.received == 0:
            remove(path)
        flash = os.statvfs(path.rpartition("/")[0] or ".")
        if flash[0] * flash[3] < size - self.received + RESERVE_BYTES:
            raise PackageError("no_space")
        self._file = open(path, "ab")  # noqa: SIM115  # closed by close
        self._synced = self.received

    def append(self, content):
        """Take the next bytes. Raises OSError when the flash does not, PackageError "too_large"."""
        if self.received + len(content) > self.size:
            raise PackageError("too_large")
        self._file.write(content)
        self.received += len(content)
        if self.received - self._synced >= SYNC_BYTES or self.received == self.size:
            self._file.flush()
            self._synced = self.received

    def is_whole(self):
        """Tell whether all of the package is here."""
        return self.received == self.size

    def close(self):
        """Keep what is there; nothing more is appended."""
        self._file.close()

    def has_manifest(self):
        """Tell whether manifest and signature are here. Raises PackageError."""
        self._file.flush()
        return _signed(self._path) is not None

    async def check_signature(self, public_key, turns):
        """Return the Manifest when the technician signed it, other tasks running in between.

        Raises PackageError with the reason. `turns`: Turns.
        """

        async def collect():
            await turns.take()
            if hasattr(gc, "threshold"):  # MicroPython's: another has memory enough
                gc.collect()

        digest, signature = _signed(self._path)
        if package.id_of(digest) != self._id:
            raise PackageError("bad_package")
        steps = secp256k1.verify_steps(public_key, digest, signature)
        is_genuine = await secp256k1.share(steps, collect, between=secp256k1.OF_BIG_INTEGERS)
        if not is_genuine:
            raise PackageError("bad_signature")
        # Only now: nothing but the technician's own text reaches the parser.
        with open(self._path, "rb") as file:
            start = package.content_start(package.manifest_bytes(file.read(package.HEAD_BYTES)))
            lines = _lines(file, start - package.SIGNATURE_BYTES)
            found = await secp256k1.share(package.parse_steps(lines))
        if start + found.size != self.size:
            raise PackageError("bad_package")
        return found

    async def check_content(self, manifest, turns):
        """Raise PackageError "bad_content" unless the files are those of the manifest."""
        digest = hashlib.sha256()
        with open(self._path, "rb") as file:
            file.seek(self.size - manifest.size)
            left = manifest.size
            while left:
                content = file.read(min(left, SLICE_BYTES))
                if not content:
                    raise PackageError("bad_content")
                digest.update(content)
                left -= len(content)
                await turns.take()
        if binascii.hexlify(digest.digest()) != manifest.sha256.encode():
            raise PackageError("bad_content")

    def _found_bytes(self):
        """Return how much of this package an earlier transfer has left, 0 when it is another's."""
        try:
            size = os.stat(self._path)[6]
            found = _signed(self._path)
        except (OSError, PackageError):
            return 0
        if found is None or package.id_of(found[0]) != self._id or size > self.size:
            return 0
        return size


def remove(path):
    """Remove a package, if there is one."""
    try:
        os.remove(path)
    except OSError:
        pass  # there is none


def _signed(path):
    """Return (digest of the manifest, signature), None while not all of both is in the file."""
    with open(path, "rb") as file:
        head = file.read(package.HEAD_BYTES)
        if len(head) < package.HEAD_BYTES:
            return None
        # In slices: a stranger's may be long, and a busy node has no such piece of memory.
        digest, left = package.begin_digest(), package.manifest_bytes(head)
        while left:
            content = file.read(min(left, LINE_BYTES))
            if not content:
                return None
            digest.update(content)
            left -= len(content)
        signature = file.read(package.SIGNATURE_BYTES)
    if len(signature) < package.SIGNATURE_BYTES:
        return None
    return digest.digest(), signature


def _lines(file, end):
    """Yield the lines of a file up to `end`."""
    while file.tell() < end:
        line = file.readline(min(end - file.tell(), LINE_BYTES))
        if not line:
            return
        yield line
