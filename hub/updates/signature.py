"""A public key, a digest and a signature enter; whether they belong together leaves."""

from __future__ import annotations

from eth_keys.datatypes import PublicKey, Signature
from eth_keys.exceptions import BadSignature

PUBLIC_KEY_HEX_DIGITS = 128
_PARITY_BIT = 1 << 255


def is_public_key(text: str) -> bool:
    """Tell whether `text` is 128 hexadecimal digits."""
    return len(text) == PUBLIC_KEY_HEX_DIGITS and all(each in "0123456789abcdef" for each in text)


def has_signed(public_key: str, digest: bytes, signature: bytes) -> bool:
    """Tell whether the owner of `public_key` (128 hexadecimal digits) signed a digest.

    `signature`: 64 bytes, EIP-2098.
    """
    r, vs = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        found = Signature(vrs=(vs // _PARITY_BIT, r, vs % _PARITY_BIT))
        return PublicKey(bytes.fromhex(public_key)).verify_msg_hash(digest, found)
    except (BadSignature, ValueError):
        return False
