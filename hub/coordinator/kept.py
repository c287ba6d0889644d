"""Calls of one account that take effect once, however often the hub is killed in between."""

from __future__ import annotations

from typing import Any

from eth_account.signers.local import LocalAccount

from hub.chain.client import MarketClient
from hub.chain.records import ContractRefused, Receipt, SignedCall, StaleCall
from hub.site_clock import wall_ms
from hub.store import Store, TransactionRow


class KeptCalls:
    """Keeps each signed call in the store under a key before it is sent."""

    def __init__(self, store: Store, client: MarketClient, account: LocalAccount) -> None:
        self._store = store
        self._client = client
        self._account = account

    def is_done(self, key: str) -> bool:
        """Tell whether the chain has taken the call of that key."""
        kept = self._store.kept_transaction(key)
        return kept is not None and kept.is_done

    def mark_done(self, key: str) -> None:
        """Note that the call of that key is over, taken or given up."""
        self._store.mark_transaction_done(key)

    def execute(self, key: str, function: str, *args: Any) -> Receipt:
        """Return the receipt of the key's call: one that an earlier hub sent, or a new one.

        Raises ContractRefused, and ChainUnavailable or StaleCall: then call again.
        """
        kept = self._store.kept_transaction(key)
        if kept is not None:
            try:
                return self._client.send(SignedCall.from_raw(kept.raw), self._account)
            except (StaleCall, ContractRefused):
                pass  # it never took effect and never will: sign anew

        def keep(call: SignedCall) -> None:
            row = TransactionRow(key, call.raw, call.hash, wall_ms(), is_done=False)
            self._store.keep_transaction(row)

        return self._client.execute(self._account, function, *args, before_send=keep)
