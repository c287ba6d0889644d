"""What a board's meter saw enters, its signed report leaves: the digest of DeliveryReports.sol.

The hub holds no board's key; this is the reference that the bench and vectors for firmware use.
"""

from __future__ import annotations

import hashlib

from eth_account.signers.local import LocalAccount
from eth_typing import Hash32

from hub.chain.records import Meter

SELLER, BUYER = 0, 1


def report_digest(delivery_id: str, role: int, energy_uwh: int, acknowledged_uwh: int) -> bytes:
    """Return the 32 bytes a board signs; `delivery_id` is 32 hex digits."""
    figures = energy_uwh.to_bytes(8, "big") + acknowledged_uwh.to_bytes(8, "big")
    message = b"trueque-report" + bytes.fromhex(delivery_id) + bytes([role]) + figures
    return hashlib.sha256(message).digest()


def sign_report(
    board: LocalAccount, delivery_id: str, role: int, energy_uwh: int, acknowledged_uwh: int
) -> Meter:
    """Return a report signed as EIP-2098 has it."""
    digest = report_digest(delivery_id, role, energy_uwh, acknowledged_uwh)
    signed = board.unsafe_sign_hash(Hash32(digest))
    parity = (signed.v - 27) << 255
    signature = signed.r.to_bytes(32, "big") + (signed.s | parity).to_bytes(32, "big")
    return Meter(energy_uwh, acknowledged_uwh, signature)
