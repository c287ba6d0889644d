"""What an account's next transaction carries: a node is asked once, calls in a row need no more.

Nonce, fees and chain id enter and leave as fields of a transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from web3 import Web3
from web3.types import Nonce, TxParams, Wei

PRIORITY_FEE_WEI = 10**9
# A kept transaction must still be worth mining when the base fee has risen meanwhile.
LEAST_FEE_WEI = 10 * 10**9
# How long an answer counts. Short, so that another process that signs for the same account, or a
# chain that lost its last blocks, is noticed; the base fee rises by an eighth a block at most.
KEPT_S = 5.0


@dataclass(frozen=True)
class _Known:
    value: int
    at_s: float


class NextCall:
    """Belongs to whoever holds an account's lock, except for the fees, which are anybody's."""

    def __init__(self, web3: Web3, now_s: Callable[[], float] = time.monotonic) -> None:
        self._web3 = web3
        self._now_s = now_s
        self._chain_id: int | None = None
        self._fee: _Known | None = None
        self._nonces: dict[str, _Known] = {}
        self._on_the_way: dict[str, int] = {}

    def fields(self, address: str) -> TxParams:
        """Return type, chain id, nonce and fees. The nonce is used up by `was_used` only.

        Raises ChainUnavailable.
        """
        if self._chain_id is None:
            self._chain_id = self._web3.eth.chain_id
        return {
            "type": 2,
            "chainId": self._chain_id,
            "nonce": Nonce(self._nonce(address)),
            "maxPriorityFeePerGas": Wei(PRIORITY_FEE_WEI),
            "maxFeePerGas": Wei(self._fee_wei()),
        }

    def was_used(self, address: str) -> None:
        """Note that a call has the nonce that `fields` gave last."""
        known = self._nonces.get(address)
        if known is not None:
            self._nonces[address] = _Known(known.value + 1, self._now_s())
        self._on_the_way[address] = self._on_the_way.get(address, 0) + 1

    def has_ended(self, address: str) -> None:
        """Note that a call that has its nonce is mined, or given up.

        With none on the way the next one asks: a chain that lost its last blocks meanwhile would
        keep a call whose nonce is too high for ever, and take it when nobody expects it any more.
        """
        left = self._on_the_way.pop(address, 0) - 1
        if left > 0:
            self._on_the_way[address] = left
        else:
            self.forget(address)

    def forget(self, address: str) -> None:
        """Ask for the nonce again: another call may have used it, or this one none."""
        self._nonces.pop(address, None)

    def _nonce(self, address: str) -> int:
        known = self._nonces.get(address)
        if known is None or self._is_old(known):
            count = self._web3.eth.get_transaction_count(
                Web3.to_checksum_address(address), "pending"
            )
            known = self._nonces[address] = _Known(count, self._now_s())
        return known.value

    def _fee_wei(self) -> int:
        known = self._fee
        if known is None or self._is_old(known):
            base_wei = self._web3.eth.get_block("latest").get("baseFeePerGas", 0)
            fee_wei = max(4 * base_wei, LEAST_FEE_WEI) + PRIORITY_FEE_WEI
            known = self._fee = _Known(fee_wei, self._now_s())
        return known.value

    def _is_old(self, known: _Known) -> bool:
        return self._now_s() - known.at_s > KEPT_S
