"""A kept call enters; the nonces before it that no call ever used leave, when it waits for them.

A chain takes an account's calls in their order. Where a hub was killed between keeping two calls
and sending them, and only the later one is sent again, that one would wait for ever, and a report
would come too late. To sign it anew could do it twice: the old one counts as soon as its turn
comes. So its predecessors' places are filled with calls that do nothing; who still has one of those
signs it anew, as for any nonce that somebody else used.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes
from web3 import Web3

from hub.chain.records import ChainUnavailable, SignedCall

# So long others may still send what they have kept; a node that has them counts them at once.
FILL_AFTER_S = 5.0
MOST_MISSING = 32  # more is no kill: another chain, or another hub with the same keys


class Gap:
    """What is missing before one call of `account`; None: nobody knows whose it is."""

    def __init__(
        self,
        web3: Web3,
        account: LocalAccount | None,
        call: SignedCall,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._web3 = web3
        self.account = account
        self._call = call
        self._now_s = now_s
        self._seen: tuple[int, float] | None = None  # the next nonce, and since when it is that

    def missing(self) -> range | None:
        """Return the nonces to fill now: none when the call can be sent, None: wait for others.

        Raises ChainUnavailable.
        """
        if self.account is None:
            return range(0)
        nonce = nonce_of(self._call)
        following = self._web3.eth.get_transaction_count(self.account.address, "pending")
        if following >= nonce:
            return range(0)
        if nonce - following > MOST_MISSING:
            raise ChainUnavailable(
                f"transaction {self._call.hash} has nonce {nonce}, the account "
                f"{self.account.address} is at {following}: was the chain set back, or does "
                "another hub use these keys?"
            )
        if self._seen is None or self._seen[0] != following:
            self._seen = (following, self._now_s())
        is_due = self._now_s() - self._seen[1] >= FILL_AFTER_S
        return range(following, nonce) if is_due else None


def nonce_of(call: SignedCall) -> int:
    """Return the nonce that a call was signed with."""
    return int(TypedTransaction.from_bytes(HexBytes(call.raw)).as_dict()["nonce"])
