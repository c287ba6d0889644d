"""Signatures of boards: a digest and 64 bytes enter, who signed leaves.

The hub holds no board's key; `sign_report` is the reference for the gas bench and tests.
"""

from __future__ import annotations

import coincurve
from eth_account.signers.local import LocalAccount
from eth_keys import keys
from eth_typing import Hash32
from wire.digests import report_digest

from hub.chain.records import Meter

SELLER, BUYER = 0, 1  # roles as the contract numbers them
HIGHEST_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0  # half of the order
_ROLES = ("seller", "buyer")


def address_of(public_key: bytes) -> str:
    """Return the checksummed address that belongs to the 64 bytes x | y of a public key."""
    return keys.PublicKey(public_key).to_checksum_address()


def signer_address(digest: bytes, signature: str) -> str | None:
    """Return the address whose key signed; None for 128 hex digits that are no signature.

    As the contract does it: r | vs of EIP-2098, and only the lower of both values of s.
    """
    raw = bytes.fromhex(signature)
    vs = int.from_bytes(raw[32:], "big")
    s = vs & ((1 << 255) - 1)
    if s > HIGHEST_S:
        return None
    recoverable = raw[:32] + s.to_bytes(32, "big") + bytes([vs >> 255])
    try:
        found = coincurve.PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
    except Exception:  # coincurve raises bare Exception for what libsecp256k1 refuses
        return None
    return address_of(found.format(compressed=False)[1:])


def sign_report(
    board: LocalAccount, delivery_id: str, role: int, energy_uwh: int, acknowledged_uwh: int
) -> Meter:
    """Return a report signed as EIP-2098 has it."""
    digest = report_digest(delivery_id, _ROLES[role], energy_uwh, acknowledged_uwh)
    signed = board.unsafe_sign_hash(Hash32(digest))
    parity = (signed.v - 27) << 255
    signature = signed.r.to_bytes(32, "big") + (signed.s | parity).to_bytes(32, "big")
    return Meter(energy_uwh, acknowledged_uwh, signature)
