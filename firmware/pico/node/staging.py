"""Chunks of a firmware package in, a file in flash out whose signature and content are checked.

The file is the slot that nothing runs from. It grows from its start and outlives resets, so that an
interrupted transfer goes on; nothing points to it before it is checked whole.
"""

import binascii
import hashlib
import os

from wire import package
from wire.package import PackageError

from node import secp256k1

SYNC_BYTES = 8_192  # what a power cut may cost of a transfer; each sync erases a sector
SLICE_BYTES = 1024
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

    def read_manifest(self):
        """Return (manifest, signature), or None while they are not here. Raises PackageError."""
        self._file.flush()
        return _read_manifest(self._path)

    async def check_signature(self, public_key):
        """Return the Manifest when the technician signed it, other tasks running in between.

        Raises PackageError with the reason.
        """
        manifest, signature = self.read_manifest()
        if package.package_id(manifest) != self._id:
            raise PackageError("bad_package")
        digest = package.signed_digest(manifest)
        is_genuine = await secp256k1.share(secp256k1.verify_steps(public_key, digest, signature))
        if not is_genuine:
            raise PackageError("bad_signature")
        # Only now: nothing but the technician's own text reaches the parser.
        found = await secp256k1.share(package.parse_steps(manifest))
        if package.content_start(len(manifest)) + found.size != self.size:
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
            found = _read_manifest(self._path)
        except (OSError, PackageError):
            return 0
        if found is None or package.package_id(found[0]) != self._id or size > self.size:
            return 0
        return size


def remove(path):
    """Remove a package, if there is one."""
    try:
        os.remove(path)
    except OSError:
        pass  # there is none


def _read_manifest(path):
    with open(path, "rb") as file:
        head = file.read(package.HEAD_BYTES)
        if len(head) < package.HEAD_BYTES:
            return None
        manifest = file.read(package.manifest_bytes(head))
        signature = file.read(package.SIGNATURE_BYTES)
    if len(signature) < package.SIGNATURE_BYTES:
        return None
    return manifest, signature
