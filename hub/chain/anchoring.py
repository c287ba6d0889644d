"""The outside chain: bytes enter a plain transaction, and are read back from it."""

from __future__ import annotations

from collections.abc import Callable

from eth_account.signers.local import LocalAccount
from eth_typing import HexStr
from eth_utils import to_checksum_address
from web3.exceptions import TransactionNotFound
from web3.types import TxParams, Wei

from hub.chain.records import SignedCall
from hub.chain.rpc import connect
from hub.chain.sending import Sender

GAS = 40_000  # 21,000 and 40 bytes of data at 16, and the most that EIP-7623 asks for them


class OutsideChain:
    """A node of it. Raises ChainUnavailable, StaleCall as hub.chain.sending."""

    def __init__(self, rpc_url: str, account: LocalAccount, to: str = "") -> None:
        self._web3 = connect(rpc_url)
        self._account = account
        self._to = to_checksum_address(to or account.address)
        self._sender = Sender(self._web3)

    @property
    def chain_id(self) -> int:
        return self._web3.eth.chain_id

    def write(self, content: bytes, keep: Callable[[SignedCall], None]) -> int:
        """Send a transaction with that data; `keep` has it first. Return its block."""
        transaction: TxParams = {
            "to": self._to, "data": content, "value": Wei(0), "gas": GAS,
        }  # fmt: skip
        sign = lambda: self._sender.sign(self._account, transaction)  # noqa: E731
        return self._sender.execute(sign, self._account, keep).block_number

    def resume(self, raw: bytes) -> int:
        """Send a kept transaction again, or find it; return its block."""
        return self._sender.send(SignedCall.from_raw(raw), self._account).block_number

    def read(self, transaction_hash: str) -> tuple[bytes, int | None] | None:
        """Return a transaction's data and block; None when the chain does not know it."""
        try:
            found = self._web3.eth.get_transaction(HexStr(transaction_hash))
        except TransactionNotFound:
            return None
        return bytes(found["input"]), found.get("blockNumber")
