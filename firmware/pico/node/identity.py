"""The board's own key: made here, kept in flash, never printed nor sent; signatures come out.

The hub and the contract know the board by the address that belongs to its public key.
"""

import hashlib
import os

from node import secp256k1
from node.slots import Slots

# An RP2040's random bits come from a ring oscillator and are not independent: many are drawn for
# one key, and the chip's number is hashed with them so that no two boards ever make the same.
_DRAWN_BYTES = 256


class Identity:
    """Signs with a key nobody else sees."""

    def __init__(self, key, public_key):
        """`key`: 32 bytes. `public_key`: its 64 bytes."""
        self._key = key
        self.public_key = public_key

    def sign_steps(self, digest):
        """Return the signature (64 bytes) of a digest (32 bytes); a generator as in secp256k1."""
        return secp256k1.sign_steps(self._key, digest)


def load_or_make(unique_id, directory="", urandom=os.urandom):
    """Return this board's Identity; the first time in its life a new one, which takes 0.4 s.

    `unique_id`: the chip's bytes. `directory`: "" or with a "/" at its end. Raises OSError when the
    flash does not take the new key: a key that a power cut forgets is worse than none.
    """
    slots = Slots(directory + "identity")
    kept = slots.load()
    if kept is None or len(kept) != 96 or not secp256k1.is_private_key(kept[:32]):
        key = _make_key(unique_id, urandom)
        kept = key + secp256k1.public_key(key)
        slots.save(kept)
    return Identity(kept[:32], kept[32:])


def _make_key(unique_id, urandom):
    while True:
        key = hashlib.sha256(urandom(_DRAWN_BYTES) + unique_id).digest()
        if secp256k1.is_private_key(key):
            return key
