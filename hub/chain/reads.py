"""What the contract and its chain say enters, records leave: nothing here sends."""

from __future__ import annotations

import time
from typing import Any

from eth_utils import to_checksum_address
from web3.exceptions import BadFunctionCallOutput
from web3.types import RPCEndpoint

from hub.chain.abi import market_abi
from hub.chain.identity import block_before, check_identity, read_identity
from hub.chain.ledger import Ledger
from hub.chain.records import (
    NO_ADDRESS,
    ChainIdentity,
    ContractRefused,
    CounterState,
    Cursor,
    OrderState,
    PeerState,
    Totals,
    TradeState,
    WindowTerms,
    WrongContract,
)
from hub.chain.refusals import PEER_STATUSES, TRADE_STATUSES, refusal
from hub.chain.rpc import RpcRefused, connect


class MarketReads:
    """One EnergyMarket contract as it stands; synchronous, and safe to share between threads."""

    def __init__(self, rpc_url: str, address: str, first_block: int = 0) -> None:
        """Remember where the contract is; nothing is asked of the chain yet.

        `first_block` is the earliest that can hold an event of it: a long chain is then not read
        from its own beginning.
        """
        self.address: str = to_checksum_address(address)
        self._web3 = connect(rpc_url)
        self._contract = self._web3.eth.contract(self.address, abi=market_abi().contract.abi)
        self._ledger = Ledger(self._web3, self.address, first_block)

    # ------------------------------------------------------------------------------ identity

    def identity(self) -> ChainIdentity:
        """Read what tells this deployment from others. Raises WrongContract."""
        return read_identity(self._web3, self.address)

    def check_identity(self, expected: ChainIdentity) -> None:
        """Raise WrongContract, saying what to do, unless the chain is the expected one."""
        check_identity(self._web3, expected)

    def block_before(self, identity: ChainIdentity) -> Cursor | None:
        """Return the block before the contract's first one; None when the chain has it not."""
        return block_before(self._web3, identity)

    def chain_time_s(self) -> int:
        """Return the chain's time: the wall clock, or the newest block's time if that is later.

        A dev chain stamps blocks with the wall clock and makes none while nothing happens.
        """
        return max(int(time.time()), self.head()[1])

    def head(self) -> tuple[int, int]:
        """Return number and time (s) of the newest block."""
        block = self._web3.eth.get_block("latest")
        return block["number"], block["timestamp"]

    def next_block_time_s(self) -> int:
        """Return the time that the node would stamp a block with now; its newest block's where it
        does not say. Raises ChainUnavailable.

        A dev chain tells by how much its clock was moved when it is moved by nothing; it makes no
        block meanwhile that could show it. Others do not know the method.
        """
        try:
            moved = self._web3.provider.make_request(RPCEndpoint("evm_increaseTime"), [0])
            return int(time.time()) + int(moved["result"])
        except RpcRefused:
            return self.head()[1]

    def wallet_wei(self, address: str) -> int:
        """Return an account's own ETH, outside the market."""
        return self._web3.eth.get_balance(to_checksum_address(address))

    # --------------------------------------------------------------------------------- reads

    def peer(self, address: str) -> PeerState:
        """Read a registered peer."""
        return _peer_state(self._read("peer", address))

    def peers(self) -> list[PeerState]:
        """Read all peers in the order of their registration."""
        numbers = range(1, self.counts()["peers"] + 1)
        return [_peer_state(self._read("peer_at", number)) for number in numbers]

    def priorities(self) -> dict[str, int]:
        """Return the class last granted to each peer that was granted one, from the events."""
        granted: dict[str, int] = {}
        for event in self._ledger.events("PriorityGranted"):
            granted[event.args["peer"]] = event.args["priority"]
        return granted

    def balance_wei(self, peer: str) -> int:
        """Return a peer's balance in the market, 0 for an account that is not registered."""
        try:
            return self.peer(peer).balance_wei
        except ContractRefused as problem:
            if problem.error_name != "NotRegistered":
                raise
            return 0

    def window(self, window_id: int) -> WindowTerms:
        return WindowTerms(**self._read("window", window_id))

    def order(self, order_id: int) -> OrderState:
        return OrderState(order_id=order_id, **self._read("order", order_id))

    def counter_offer(self, counter_id: int) -> CounterState:
        return CounterState(counter_id=counter_id, **self._read("counter_offer", counter_id))

    def trade(self, trade_id: int) -> TradeState:
        values = self._read("trade", trade_id)
        status = TRADE_STATUSES[values.pop("status")]
        return TradeState(trade_id=trade_id, status=status, **values)

    def domain(self) -> bytes:
        """Return the 32 bytes that tie boards' signatures to this contract on this chain."""
        return bytes.fromhex(str(self._read("domain")["value"])[2:])

    def dispute(self, trade_id: int) -> tuple[int, int]:
        """Return the two figures (uWh) between which a disputed trade is resolved."""
        found = self._read("dispute", trade_id)
        return int(found["low_uwh"]), int(found["high_uwh"])

    def delivery_id(self, trade_id: int, attempt: int, epoch: int) -> str:
        """Return the 32 hex digits that name an attempt to the boards and in their signatures."""
        return str(self._read("delivery_id", trade_id, attempt, epoch)["value"])[2:]

    def counts(self) -> dict[str, int]:
        """Return how many `peers`, `windows`, `orders`, `trades` and `counters` there are."""
        return self._read("counts")

    def totals(self) -> Totals:
        """Return the contract's wei beside what its events say it owes, all at one block."""
        return self._ledger.totals()

    def _read(self, function: str, *args: Any) -> dict[str, Any]:
        try:
            return market_abi().call(self._contract, function, args)
        except RpcRefused as problem:
            if problem.revert is None:
                raise
            raise refusal(problem.revert) from problem
        except BadFunctionCallOutput as problem:
            raise WrongContract(f"There is no such contract at {self.address}.") from problem


def _peer_state(values: dict[str, Any]) -> PeerState:
    return PeerState(
        peer=values["account"],
        status=PEER_STATUSES[values["status"]],
        balance_wei=values["balance_wei"],
        node_id=values["node_id"] or None,
        node_key=None if values["node_key"] == NO_ADDRESS else values["node_key"],
    )
