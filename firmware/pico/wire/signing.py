"""Message authentication: HMAC-SHA256 cut to 128 bits, and the keys of each node and direction.

MicroPython has no hmac module, so the construction of RFC 2104 stands here; CPython tests compare
it with the standard library and RFC 4231.
"""

import hashlib

_BLOCK_BYTES = 64
# RFC 2104's pads, as integers: a board exclusive-ors one of them at once, but 64 bytes in 1.5 ms.
_INNER_PAD = int.from_bytes(b"\x36" * _BLOCK_BYTES, "big")
_OUTER_PAD = int.from_bytes(b"\x5c" * _BLOCK_BYTES, "big")
MAC_BYTES = 16
KEY_BYTES = 32


def hmac_sha256(key, message):
    """Return the 32-byte HMAC-SHA256 of `message` (bytes) under `key` (bytes). RFC 2104."""
    if len(key) > _BLOCK_BYTES:
        key = hashlib.sha256(key).digest()
    padded = int.from_bytes(key + bytes(_BLOCK_BYTES - len(key)), "big")
    inner = hashlib.sha256((padded ^ _INNER_PAD).to_bytes(_BLOCK_BYTES, "big"))
    inner.update(message)
    outer = hashlib.sha256((padded ^ _OUTER_PAD).to_bytes(_BLOCK_BYTES, "big"))
    outer.update(inner.digest())
    return outer.digest()


def mac(key, topic, covered):
    """Return the 16-byte code of `covered` (bytes) as published on `topic` (str)."""
    return hmac_sha256(key, topic.encode() + b"\x00" + covered)[:MAC_BYTES]


def is_equal(left, right):
    """Compare two byte strings in a time that depends on their length only."""
    if len(left) != len(right):
        return False
    difference = 0
    for index in range(len(left)):
        difference |= left[index] ^ right[index]
    return difference == 0


def derive_key(master, node, direction, generation):
    """Return the 32-byte key of one node and direction ("up": to the hub, "down": to the node).

    A new `generation` (int) revokes the keys before it.
    """
    if direction not in ("up", "down"):
        raise ValueError("direction: " + repr(direction))
    label = "trueque/1/key/" + node + "/" + direction + "/" + str(generation)
    return hmac_sha256(master, label.encode())
