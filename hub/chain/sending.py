"""Calls enter, are signed and sent; receipts leave, or the reason why the contract refused."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from eth_account.signers.local import LocalAccount
from eth_typing import HexStr
from eth_utils import to_hex
from web3 import Web3
from web3.exceptions import TransactionNotFound
from web3.types import Nonce, TxParams, TxReceipt, Wei

from hub.chain.abi import market_abi
from hub.chain.gaps import Gap
from hub.chain.gas import TRANSFER_GAS
from hub.chain.next_call import NextCall
from hub.chain.pulse import Pulse
from hub.chain.records import (
    ChainUnavailable,
    ContractRefused,
    Receipt,
    SignedCall,
    StaleCall,
)
from hub.chain.refusals import refusal
from hub.chain.rpc import ConnectionLost, RpcRefused

SEND_TIMEOUT_S = 20.0
# A node that has a call is asked for the receipt at each block, without word of blocks ever less
# often, and given the call now and then.
_POLL_S, _LONGEST_POLL_S, _AGAIN_S = 0.05, 1.0, 5.0
_SIGNINGS = 3
# A nonce may be used by this very call, whose receipt some nodes know a moment later.
STALE_AFTER_S = 2.0

_NONCE_USED = (
    "nonce too low",
    "correct nonce",
    "nonce has already",
    "replacement transaction underpriced",  # another one with that nonce waits to be mined
)
_KNOWN = (
    "already known",
    "known transaction",
    "already imported",
    "mining has already started",  # Ganache, of one that it is mining
)
_UNDERPRICED = "underpriced"  # Ganache, of one that it has already and cannot mine yet
Answer = TypeVar("Answer")

_NO_FUNDS = ("insufficient funds", "sender doesn't have enough funds")


class Sender:
    """Signs and sends transactions, one at a time for each account; thread-safe.

    An account is locked while a call gets its nonce and is kept. Calls of one account may be on
    their way together; one whose predecessor is late waits for it at the node.
    """

    def __init__(self, web3: Web3, timeout_s: float = SEND_TIMEOUT_S) -> None:
        self._web3 = web3
        self._timeout_s = timeout_s
        self._next = NextCall(web3)
        self.pulse = Pulse()  # of the chain's blocks, where somebody follows them
        self._locks: dict[str, threading.RLock] = defaultdict(threading.RLock)
        self._locks_lock = threading.Lock()

    def lock(self, account: LocalAccount) -> threading.RLock:
        """The lock under which an account signs and sends, so that no nonce is used twice."""
        with self._locks_lock:
            return self._locks[account.address]

    def sign(self, account: LocalAccount, transaction: TxParams) -> SignedCall:
        """Sign `to`, `data`, `value` and `gas` with the account's next nonce and today's fees.

        The nonce is not reserved: send the call before the same account signs another.
        """
        whole: TxParams = {**self._next.fields(account.address), **transaction}
        signed = account.sign_transaction(dict(whole))  # type: ignore[arg-type]
        return SignedCall.from_raw(bytes(signed.raw_transaction))

    def warm_up(self, account: LocalAccount) -> None:
        """Ask for nonce and fees, unless they are known."""
        with self.lock(account):
            self._next.fields(account.address)

    def execute(
        self,
        sign: Callable[[], SignedCall],
        account: LocalAccount,
        before_send: Callable[[SignedCall], None] | None = None,
    ) -> Receipt:
        """Sign, let `before_send` keep the signed call, send it, and wait until it is mined.

        Where somebody else used the nonce, it is signed anew, and `before_send` called again: the
        call it kept before can never be mined. Raises as `send` does.
        """
        for _ in range(_SIGNINGS - 1):
            with contextlib.suppress(StaleCall):
                return self.send_first(account, self.reserve(sign, account, before_send))
        return self.send_first(account, self.reserve(sign, account, before_send))

    def reserve(
        self,
        sign: Callable[[], SignedCall],
        account: LocalAccount,
        before_send: Callable[[SignedCall], None] | None = None,
    ) -> SignedCall:
        """Sign and keep a call without sending it: no other call gets its nonce."""
        with self.lock(account):
            call = sign()
            if before_send is not None:
                before_send(call)
            self._next.was_used(account.address)
            return call

    def send_first(self, account: LocalAccount, call: SignedCall) -> Receipt:
        """Send a call that was just reserved, as `send` does, but without asking for it first."""
        is_given = False
        try:
            is_given = self._until(functools.partial(self._give, call), call)
            return self._wait(call, time.monotonic() + _AGAIN_S, account)
        except BaseException as problem:
            # One that reverted has used its nonce; of others, who knows.
            if not (is_given and isinstance(problem, ContractRefused)):
                with self.lock(account):
                    self._next.forget(account.address)
            raise
        finally:
            with self.lock(account):
                self._next.has_ended(account.address)

    def send(self, call: SignedCall, account: LocalAccount | None = None) -> Receipt:
        """Send a signed call and wait until it is mined; sending it again only returns its receipt.

        With its account, what it would wait for in vain is filled (hub.chain.gaps). Raises
        ContractRefused when it reverted, StaleCall when its nonce was used by another
        transaction, ChainUnavailable when no receipt came in time: then send the same call again.
        """
        return self._wait(call, time.monotonic(), account)

    def _wait(self, call: SignedCall, again_s: float, account: LocalAccount | None) -> Receipt:
        """Ask for the receipt; from `again_s` (monotonic) on give the node the call, too."""
        gap = Gap(self._web3, account, call)

        def look() -> TxReceipt | None:
            nonlocal again_s
            found = self._receipt(call.hash)
            if found is None and time.monotonic() >= again_s and self._fill(gap):
                again_s = time.monotonic() + _AGAIN_S
                self._submit(call)
                found = self._receipt(call.hash)
            return found

        return self._accepted(call, self._until(look, call))

    def _until(self, look: Callable[[], Answer | None], call: SignedCall) -> Answer:
        """Do it again while it gives nothing or the node does not answer, for a while."""
        deadline, pause_s = time.monotonic() + self._timeout_s, _POLL_S
        while True:
            lost: ConnectionLost | None = None
            beats = self.pulse.beats
            try:
                found = look()
                if found is not None:
                    return found
            except ConnectionLost as problem:
                lost = problem
            if time.monotonic() >= deadline:
                raise lost or ChainUnavailable(
                    f"the chain has not mined transaction {call.hash} "
                    f"within {self._timeout_s:g} s; it can be sent again"
                )
            # Where blocks are told of, the pause is for the case that nobody tells any more.
            self.pulse.wait(beats, _LONGEST_POLL_S if beats else pause_s)
            pause_s = min(1.5 * pause_s, _LONGEST_POLL_S)

    def _fill(self, gap: Gap) -> bool:
        """Fill what a call would wait for in vain; False: not now, others may still send it."""
        nonces = gap.missing()
        if nonces is None or gap.account is None:
            return nonces is not None
        own = gap.account.address
        if nonces:
            with self.lock(gap.account):
                for nonce in nonces:
                    nothing: TxParams = {"to": own, "value": Wei(0), "gas": TRANSFER_GAS}
                    nothing = {**self._next.fields(own), **nothing, "nonce": Nonce(nonce)}
                    self._give_nothing(gap.account, nothing)
                self._next.forget(own)
        return True

    def _give_nothing(self, account: LocalAccount, nothing: TxParams) -> None:
        signed = account.sign_transaction(dict(nothing))  # type: ignore[arg-type]
        try:
            self._submit(SignedCall.from_raw(bytes(signed.raw_transaction)))
        except StaleCall:
            pass  # somebody had it after all
        except ContractRefused as problem:  # no gas money; of the call that waits it says nothing
            raise ChainUnavailable(str(problem)) from problem

    def _give(self, call: SignedCall) -> bool:
        self._submit(call)
        return True

    def _submit(self, call: SignedCall) -> None:
        """Give the call to the node, which may have it already. Raises StaleCall."""
        try:
            self._web3.eth.send_raw_transaction(call.raw)
        except RpcRefused as problem:
            message = problem.message.lower()
            if any(part in message for part in _NO_FUNDS):
                raise ContractRefused(
                    "", {}, "The account has not enough ETH of its own for the amount and the gas."
                ) from problem
            if any(part in message for part in _NONCE_USED):
                self._require_own(call)
                return
            # A node that says "revert" here has mined the transaction all the same.
            if problem.revert is not None or any(part in message for part in _KNOWN):
                return
            if _UNDERPRICED not in message or not self._knows(call):
                raise

    def _require_own(self, call: SignedCall) -> None:
        """Raise StaleCall unless the call itself used its nonce; not at the first look, since who
        signs it again would do twice what was to be done once."""
        deadline = time.monotonic() + STALE_AFTER_S
        while self._receipt(call.hash) is None:
            if time.monotonic() >= deadline:
                raise StaleCall(f"transaction {call.hash} was overtaken by another; sign it again")
            time.sleep(_POLL_S)  # its block is there already: no new one will tell

    def _knows(self, call: SignedCall) -> bool:
        try:
            self._web3.eth.get_transaction(HexStr(call.hash))
        except TransactionNotFound:
            return False
        return True

    def _receipt(self, transaction_hash: str) -> TxReceipt | None:
        try:
            return self._web3.eth.get_transaction_receipt(HexStr(transaction_hash))
        except TransactionNotFound:
            return None

    def _accepted(self, call: SignedCall, found: TxReceipt) -> Receipt:
        if found["status"] == 0:
            raise self._reason(call.hash, found)
        events = [market_abi().decode_log(log) for log in found["logs"]]
        return Receipt(
            transaction_hash=to_hex(found["transactionHash"]),
            block_number=found["blockNumber"],
            block_hash=to_hex(found["blockHash"]),
            gas_used=found["gasUsed"],
            events=tuple(event for event in events if event is not None),
        )

    def _reason(self, transaction_hash: str, receipt: TxReceipt) -> ContractRefused:
        """Run a reverted transaction again to learn why.

        It runs on the block that holds it: a revert left the state as it was, and the time is
        the one it saw. Receipts hold no reason, and Ganache's traces none either.
        """
        sent = self._web3.eth.get_transaction(HexStr(transaction_hash))
        call: TxParams = {
            "from": sent["from"],
            "value": sent["value"],
            "gas": sent["gas"],
            "data": sent["input"],
        }
        if "to" in sent:  # a deployment has none
            call["to"] = sent["to"]
        try:
            self._web3.eth.call(call, receipt["blockNumber"])
        except RpcRefused as problem:
            if problem.revert is not None:
                return refusal(problem.revert)
        if receipt["gasUsed"] >= sent["gas"]:
            return ContractRefused("", {}, "The call ran out of gas.")
        return ContractRefused("", {}, "The contract refused the call; it would pass by now.")
