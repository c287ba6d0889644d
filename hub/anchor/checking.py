"""An anchor enters, a word leaves: whether today's books and the outside chain say what it says."""

from __future__ import annotations

from hub.anchor.command import DIFFERS, GOOD, WAITING
from hub.anchor.hashes import window_hash
from hub.anchor.runner import content
from hub.chain.anchoring import OutsideChain
from hub.store import AnchorRow, Store


def check(store: Store, row: AnchorRow, outside: OutsideChain | None) -> str:
    """Return "agrees", "waits", or "differs: ..."; `outside` None asks no chain."""
    identity, window = store.identity(), store.window(row.window_id)
    if identity is None or window is None:
        return f"{DIFFERS}: the store has no such window"
    if window_hash(identity, window, store.trades(window_id=row.window_id)) != row.hash:
        return f"{DIFFERS}: the window's trades are not those that were hashed"
    if row.block_number is None or row.transaction_hash is None:
        return WAITING
    if outside is None:
        return GOOD
    if outside.chain_id != row.chain_id:
        return f"{DIFFERS}: it was sent to chain {row.chain_id}, this is {outside.chain_id}"
    found = outside.read(row.transaction_hash)
    if found is None or found[1] is None:
        return f"{DIFFERS}: the outside chain does not have its transaction"
    return GOOD if found[0] == content(row) else f"{DIFFERS}: its transaction says something else"
