"""Message authentication: HMAC-SHA256 cut to 128 bits, and the keys of each node and direction.

MicroPython has no hmac module, so the construction of RFC 2104 stands here; CPython tests compare
it with the standard library and RFC 4231.
"""

import hashlib

_BLOCK_BYTES = 64
MAC_BYTES = 16
KEY_BYTES = 32


def hmac_sha256(key, message):
    """Return the 32-byte HMAC-SHA256 of `message` (bytes) under `key` (bytes). RFC 2104."""
    if len(key) > _BLOCK_BYTES:
        key = hashlib.sha256(key).digest()
    key = key + bytes(_BLOCK_BYTES - len(key))
    inner = hashlib.sha256(bytes([byte ^ 0x36 for byte in key]))
    inner.update(message)
    outer = hashlib.sha256(bytes([byte ^ 0x5C for byte in key]))
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
