"""What a board's meter saw enters, its signed report leaves: the digest of DeliveryReports.sol.

The hub holds no board's key; this is the reference that the bench and vectors for firmware use.
"""

from __future__ import annotations

from eth_account.signers.local import LocalAccount
from eth_typing import Hash32
from wire.digests import report_digest

from hub.chain.records import Meter

SELLER, BUYER = 0, 1  # roles as the contract numbers them
_ROLES = ("seller", "buyer")


def sign_report(
    board: LocalAccount, delivery_id: str, role: int, energy_uwh: int, acknowledged_uwh: int
) -> Meter:
    """Return a report signed as EIP-2098 has it."""
    digest = report_digest(delivery_id, _ROLES[role], energy_uwh, acknowledged_uwh)
    signed = board.unsafe_sign_hash(Hash32(digest))
    parity = (signed.v - 27) << 255
    signature = signed.r.to_bytes(32, "big") + (signed.s | parity).to_bytes(32, "big")
    return Meter(energy_uwh, acknowledged_uwh, signature)
