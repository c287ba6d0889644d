"""Any content of the files with a board's key: one that can be a key is kept, else made anew."""

import hashlib

from node import identity, secp256k1
from node.curve import N

from tests.host.fuzz import mutate
from tests.host.fuzz.on_flash import OnFlash

KEYS = (bytes(32), bytes(31) + b"\x01", (N - 1).to_bytes(32, "big"), N.to_bytes(32, "big"))


def quick_public_key(key):
    """Stand for a multiple of G, which takes longer than all else here."""
    return hashlib.sha512(key).digest()


class Target(OnFlash):
    """A board's key over damaged files; after the first boot it stays what it is."""

    def __init__(self, rng, flash=None):
        super().__init__(rng, flash)
        self.kept = 0

    def _quicken(self):
        self._patch.setattr(secp256k1, "public_key", quick_public_key)

    def one(self):
        """Boot twice on damaged files."""
        self._flash.content.clear()
        whole = self.write()
        first, again = self._boot(), self._boot()
        assert (first._key, first.public_key) == (again._key, again.public_key)
        assert secp256k1.is_private_key(first._key) and len(first.public_key) == 64
        self.kept += first._key + first.public_key in whole

    def write(self):
        """Fill the files; return the records written, whole or not."""
        return [self._write() for _ in range(self.rng.randrange(3))]

    def _boot(self):
        return identity.load_or_make(b"chip", urandom=self.rng.randbytes)

    def _write(self):
        rng = self.rng
        key = rng.choice((*KEYS, rng.randbytes(32)))
        record = key + quick_public_key(key)
        if rng.random() < 0.4:
            record = rng.choice((mutate.any_bytes(rng, 200), mutate.damaged(rng, record)))
        self._save("identity", record)
        return record
