"""A closed window, its trades and their settlements enter, one hash leaves. Pure.

A Merkle tree of SHA-256 over canonical JSON: first the window's leaf, then one a trade in the order
of their numbers. Leaves and nodes are told apart by their first byte, 0 and 1, and a last one that
has no partner goes up as it is (as in RFC 6962). All of it comes from the contract's events, so
whoever follows these gets the same hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from hub.store import IdentityRow, TradeRow, WindowRow

MAGIC = b"trueque\x01"  # the transaction's data: this, and the hash
TRADE_FIELDS = (
    *("trade_id", "order_id", "window_id", "seller", "buyer", "taker", "energy_uwh"),
    *("price_gwei_per_kwh", "fee_gwei_per_kwh", "seller_metered_uwh", "buyer_metered_uwh"),
    *("settled_uwh", "paid_wei", "refunded_wei", "fee_wei", "signatures", "state"),
)


def window_hash(identity: IdentityRow, window: WindowRow, trades: Sequence[TradeRow]) -> str:
    """Return the hash of a closed window, 64 hex digits."""
    ordered = sorted(trades, key=lambda trade: trade.trade_id)
    leaves = [_leaf({"contract": asdict(identity), "window": asdict(window)})]
    leaves += [_leaf({name: getattr(trade, name) for name in TRADE_FIELDS}) for trade in ordered]
    return merkle_root(leaves).hex()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over one leaf or more."""
    level = list(leaves)
    while len(level) > 1:
        pairs = [level[n : n + 2] for n in range(0, len(level), 2)]
        level = [
            hashlib.sha256(b"\x01" + pair[0] + pair[1]).digest() if len(pair) == 2 else pair[0]
            for pair in pairs
        ]
    return level[0]


def _leaf(record: dict[str, Any]) -> bytes:
    # JSON of others reads integers beyond 53 bits inexactly: money is text.
    plain = {name: _plain(value) for name, value in record.items()}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(b"\x00" + text.encode()).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
