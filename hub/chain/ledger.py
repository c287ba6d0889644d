"""The contract's events enter, what it owes to whom leaves: balances, locks and escrow.

It recomputes the money from the events alone, so that it can be held against the contract's wei.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from eth_utils import to_checksum_address, to_hex
from web3 import Web3
from web3.exceptions import BlockNotFound

from hub.chain.abi import market_abi
from hub.chain.records import GRID, ChainEvent, Totals

BLOCKS_PER_REQUEST = 2_000  # so that an answer stays small


@dataclass
class _OpenOrder:
    peer: str
    is_offer: bool
    energy_uwh: int
    price_gwei_per_kwh: int

    surplus_wei: int = 0

    @property
    def locked_wei(self) -> int:
        if self.is_offer:
            return 0
        return self.energy_uwh * self.price_gwei_per_kwh + self.surplus_wei


@dataclass
class _OpenTrade:
    seller: str
    buyer: str
    escrow_wei: int
    fee_gwei_per_kwh: int = 0


@dataclass
class _Counter:
    peer: str
    locked_wei: int


@dataclass
class Book:
    """Balances, open orders, counter-offers and trades after the events applied so far."""

    balances_wei: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    counters: dict[int, _Counter] = field(default_factory=dict)
    orders: dict[int, _OpenOrder] = field(default_factory=dict)
    trades: dict[int, _OpenTrade] = field(default_factory=dict)

    @property
    def escrow_wei(self) -> int:
        """Locks of open bids and counter-offers, and escrow of open trades."""
        locked_wei = sum(order.locked_wei for order in self.orders.values())
        locked_wei += sum(counter.locked_wei for counter in self.counters.values())
        return locked_wei + sum(trade.escrow_wei for trade in self.trades.values())

    def apply(self, event: ChainEvent) -> None:
        """Move the money that an event tells of."""
        args = event.args
        match event.name:
            case "Deposited":
                self.balances_wei[args["peer"]] += args["amount_wei"]
            case "Withdrawn":
                self.balances_wei[args["peer"]] -= args["amount_wei"]
            case "OrderPlaced":
                self._place(args)
            case "OrderCancelled":
                self.balances_wei[self.orders.pop(args["order_id"]).peer] += args["refunded_wei"]
            case "TradeMade":
                self._trade(args)
            case "CounterOffered":
                self._counter(args)
            case "CounterAccepted" | "CounterWithdrawn":
                self._free(args["counter_id"])
            case "TradeSettled" | "DisputeResolved":
                trade = self.trades.pop(args["trade_id"])
                self.balances_wei[trade.seller] += args["paid_wei"]
                self.balances_wei[trade.buyer] += args["refunded_wei"]
            case "OrderAmended":
                order = self.orders[args["order_id"]]
                self.balances_wei[order.peer] += order.locked_wei
                order.energy_uwh = args["energy_uwh"]
                order.price_gwei_per_kwh = args["price_gwei_per_kwh"]
                self.balances_wei[order.peer] -= order.locked_wei
            case "TradeCleared":
                self._clear(args)
            case "SurplusReturned":
                self.balances_wei[self.orders.pop(args["order_id"]).peer] += args["refunded_wei"]
            case "FeePaid":
                self.balances_wei[args["account"]] += args["fee_wei"]
            case "TradeDisputed":
                trade = self.trades[args["trade_id"]]
                trade.escrow_wei -= args["paid_wei"] + args["refunded_wei"]
                trade.escrow_wei -= args["low_uwh"] * trade.fee_gwei_per_kwh
                self.balances_wei[trade.seller] += args["paid_wei"]
                self.balances_wei[trade.buyer] += args["refunded_wei"]
            case "TradeRefunded":
                trade = self.trades.pop(args["trade_id"])
                self.balances_wei[trade.buyer] += args["refunded_wei"]

    def _place(self, args: dict[str, Any]) -> None:
        order = _OpenOrder(
            args["peer"], args["is_offer"], args["energy_uwh"], args["price_gwei_per_kwh"]
        )
        self.orders[args["order_id"]] = order
        self.balances_wei[order.peer] -= order.locked_wei

    def _trade(self, args: dict[str, Any]) -> None:
        escrow_wei = args["energy_uwh"] * args["price_gwei_per_kwh"]
        self.trades[args["trade_id"]] = _OpenTrade(args["seller"], args["buyer"], escrow_wei)
        order = self.orders[args["order_id"]]
        order.energy_uwh -= args["energy_uwh"]
        if order.energy_uwh == 0:
            del self.orders[args["order_id"]]
        if not order.is_offer:  # its lock is freed, at its own price
            self.balances_wei[args["buyer"]] += args["energy_uwh"] * order.price_gwei_per_kwh
        self.balances_wei[args["buyer"]] -= escrow_wei

    def _counter(self, args: dict[str, Any]) -> None:
        """The newest terms replace those before; a peer that would buy locks their cost."""
        self._free(args["counter_id"])
        order = self.orders[args["order_id"]]
        cost_wei = args["energy_uwh"] * args["price_gwei_per_kwh"]
        locked_wei = cost_wei if order.is_offer and not args["is_makers"] else 0
        self.counters[args["counter_id"]] = _Counter(args["peer"], locked_wei)
        self.balances_wei[args["peer"]] -= locked_wei

    def _free(self, counter_id: int) -> None:
        counter = self.counters.pop(counter_id, None)
        if counter is not None:
            self.balances_wei[counter.peer] += counter.locked_wei

    def _clear(self, args: dict[str, Any]) -> None:
        """A fill moves a part of the bid's lock into escrow and leaves what it saved locked.

        The grid has no order: it pays out of its balance.
        """
        energy_uwh, fee = args["energy_uwh"], args["fee_gwei_per_kwh"]
        price = args["price_gwei_per_kwh"] + fee
        trade = _OpenTrade(args["seller"], args["buyer"], energy_uwh * price, fee)
        self.trades[args["trade_id"]] = trade
        if args["bid_id"] == GRID:
            self.balances_wei[args["buyer"]] -= energy_uwh * price
        else:
            bid = self.orders[args["bid_id"]]
            bid.surplus_wei += energy_uwh * (bid.price_gwei_per_kwh - price)
            bid.energy_uwh -= energy_uwh
        if args["offer_id"] != GRID:
            self.orders[args["offer_id"]].energy_uwh -= energy_uwh


class Ledger:
    """Keeps a Book beside the chain; reads only what is new, and all of it after a rollback."""

    def __init__(self, web3: Web3, address: str, first_block: int = 0) -> None:
        self._web3 = web3
        self._first_block = first_block
        self._address = to_checksum_address(address)
        self._lock = threading.Lock()
        self._book = Book()
        self._at: tuple[int, str] | None = None  # number and hash of the last block read

    def totals(self) -> Totals:
        """Return the contract's money at the newest block. Raises ChainUnavailable."""
        with self._lock:
            head = self._web3.eth.get_block("latest")
            self._catch_up(head["number"], to_hex(head["hash"]))
            return Totals(
                contract_wei=self._web3.eth.get_balance(self._address, head["number"]),
                balances_wei=sum(self._book.balances_wei.values()),
                escrow_wei=self._book.escrow_wei,
            )

    def events(self, name: str) -> list[ChainEvent]:
        """Return all events of that name, the oldest first. Raises ChainUnavailable."""
        topic = market_abi().topic(name)
        found: list[ChainEvent] = []
        newest = self._web3.eth.block_number
        for first in range(self._first_block, newest + 1, BLOCKS_PER_REQUEST):
            last = min(newest, first + BLOCKS_PER_REQUEST - 1)
            logs = self._web3.eth.get_logs(
                {"address": self._address, "fromBlock": first, "toBlock": last, "topics": [topic]}
            )
            found += [event for log in logs if (event := market_abi().decode_log(log))]
        return found

    def _catch_up(self, number: int, block_hash: str) -> None:
        if self._at is not None and self._hash_of(self._at[0]) != self._at[1]:
            self._at, self._book = None, Book()
        start = self._first_block if self._at is None else self._at[0] + 1
        self._at = None  # a failure between two reads must not leave half a book behind
        try:
            for first in range(start, number + 1, BLOCKS_PER_REQUEST):
                self._read(first, min(number, first + BLOCKS_PER_REQUEST - 1))
        except BaseException:
            self._book = Book()
            raise
        self._at = (number, block_hash)

    def _hash_of(self, number: int) -> str | None:
        try:
            return to_hex(self._web3.eth.get_block(number)["hash"])
        except BlockNotFound:
            return None

    def _read(self, first: int, last: int) -> None:
        for log in self._web3.eth.get_logs(
            {"address": self._address, "fromBlock": first, "toBlock": last}
        ):
            event = market_abi().decode_log(log)
            if event is not None:
                self._book.apply(event)
