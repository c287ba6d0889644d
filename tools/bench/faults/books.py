"""The books thrice: by the chain's events, by the contract, by the hub's store.

All of the events are read anew, apart from the hub.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from eth_utils import to_checksum_address

from hub.chain.abi import market_abi
from hub.chain.client import MarketClient
from hub.chain.ledger import Book
from hub.chain.records import ChainEvent, ChainUnavailable
from hub.chain.rpc import connect
from hub.store import Store

ENDS = ("TradeSettled", "TradeRefunded", "DisputeResolved")
TRIES, PAUSE_S = 40, 0.5  # the market goes on while it is read


@dataclass
class Trade:
    """A trade as the chain's events tell it."""

    seller: str
    buyer: str
    energy_uwh: int
    price: int
    report_by_s: int
    ends: list[ChainEvent] = field(default_factory=list)
    disputes: list[ChainEvent] = field(default_factory=list)

    @property
    def is_closed(self) -> bool:
        return bool(self.ends)

    @property
    def settled_uwh(self) -> int:
        return sum(int(event.args.get("settled_uwh", 0)) for event in self.ends)

    def moved_wei(self, name: str) -> int:
        """Return the sum of `paid_wei` or `refunded_wei` over all that ended or disputed it."""
        return sum(int(event.args.get(name, 0)) for event in [*self.disputes, *self.ends])


@dataclass
class Books:
    """Trades and money by the events of blocks up to and including `block_number`."""

    block_number: int
    trades: dict[int, Trade] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    deposited_wei: int = 0
    withdrawn_wei: int = 0

    def apply(self, event: ChainEvent, report_by_s: dict[int, int]) -> None:
        args, trades = event.args, self.trades
        self.book.apply(event)
        if event.name == "WindowOpened":
            report_by_s[args["window_id"]] = int(args["report_by"])
        elif event.name == "Deposited":
            self.deposited_wei += int(args["amount_wei"])
        elif event.name == "Withdrawn":
            self.withdrawn_wei += int(args["amount_wei"])
        elif event.name == "TradeMade":
            trades[args["trade_id"]] = Trade(
                *(args["seller"], args["buyer"], int(args["energy_uwh"])),
                *(int(args["price_gwei_per_kwh"]), report_by_s[args["window_id"]]),
            )
        elif event.name in ENDS:
            trades[args["trade_id"]].ends.append(event)
        elif event.name == "TradeDisputed":
            trades[args["trade_id"]].disputes.append(event)


def read(rpc_url: str, address: str) -> Books:
    """Read every event of the contract. Raises ChainUnavailable."""
    eth = connect(rpc_url, timeout_s=5.0).eth
    books = Books(eth.block_number)
    report_by_s: dict[int, int] = {}
    asked = {"address": to_checksum_address(address), "fromBlock": 0, "toBlock": books.block_number}
    for log in eth.get_logs(asked):  # type: ignore[arg-type]
        event = market_abi().decode_log(log)
        if event is not None:
            books.apply(event, report_by_s)
    return books


def contract_problems(client: MarketClient, peers: list[str], rpc_url: str) -> list[str]:
    """Return where the contract's wei, and each peer's balance, are not what the events say.

    Raises ChainUnavailable.
    """
    for _ in range(TRIES):
        books = read(rpc_url, client.address)
        totals = client.totals()
        balances = {peer: client.balance_wei(peer) for peer in peers}
        if client.head()[0] == books.block_number:
            break
        time.sleep(PAUSE_S)
    else:
        raise ChainUnavailable("the chain made blocks faster than its books can be read")
    owed_wei = totals.balances_wei + totals.escrow_wei
    found = []
    if totals.contract_wei != owed_wei:
        found.append(f"the contract has {totals.contract_wei} wei, owes {owed_wei}")
    put_wei = books.deposited_wei - books.withdrawn_wei
    if totals.contract_wei != put_wei:
        found.append(f"the contract has {totals.contract_wei} wei, {put_wei} were put into it")
    return found + [
        f"the contract says {peer} has {balances[peer]} wei, its events"
        f" {books.book.balances_wei[peer]}"
        for peer in peers
        if balances[peer] != books.book.balances_wei[peer]
    ]


def store_problems(store: Store, rpc_url: str, address: str) -> list[str]:
    """Return where the hub's store differs from the chain; it is given time to hear of all.

    Raises ChainUnavailable.
    """
    found: list[str] = []
    for _ in range(TRIES):
        found = _differing(store, read(rpc_url, address))
        if not found:
            return []
        time.sleep(PAUSE_S)
    return found


def _differing(store: Store, books: Books) -> list[str]:
    known = {row.trade_id: row for row in store.trades()}
    if set(known) != set(books.trades):
        return [f"the store knows trades {sorted(known)}, the chain {sorted(books.trades)}"]
    found = []
    for number, trade in books.trades.items():
        row = known[number]
        if trade.is_closed != (row.state in ("settled", "refunded")):
            found.append(f"the store says trade {number} is {row.state}")
        told = (row.settled_uwh or 0, row.paid_wei or 0, row.refunded_wei or 0)
        true = (trade.settled_uwh, trade.moved_wei("paid_wei"), trade.moved_wei("refunded_wei"))
        if trade.is_closed and told != true:
            found.append(f"trade {number} by the store: {told}, by the chain: {true}")
    for peer in store.peers():
        wei = books.book.balances_wei[peer.peer]
        if peer.balance_wei != wei:
            found.append(f"{peer.node} has {peer.balance_wei} wei by the store, {wei} by the chain")
    return found + _journal(store, books)


def _journal(store: Store, books: Books) -> list[str]:
    """At most one attempt of a trade has a report, and no trade that is over is delivered."""
    found = []
    for number, trade in books.trades.items():
        rows = store.deliveries(number)
        settled = [row for row in rows if row.state == "settled"]
        if len(settled) > 1:
            found.append(f"trade {number} was settled by {len(settled)} attempts")
        busy = [row.delivery_id for row in rows if row.state in ("armed", "delivering")]
        if trade.is_closed and busy:
            found.append(f"trade {number} is over and still delivered: {busy}")
    return found


def unpaid_uwh(trades: dict[int, Trade], exported_uwh: int) -> int:
    """Return what truly flowed and nobody was paid for: steps of exposure, and refunds."""
    return max(exported_uwh - sum(trade.settled_uwh for trade in trades.values()), 0)


def as_counts(trades: dict[int, Trade]) -> dict[str, int]:
    """Return how trades ended."""
    closed = [one for one in trades.values() if one.is_closed]
    whole = [one for one in closed if one.settled_uwh * 100 >= one.energy_uwh * 99]
    refunded = [one for one in closed if not one.settled_uwh]
    return {
        "trades": len(trades), "settled_whole": len(whole),
        "settled_partly": len(closed) - len(whole) - len(refunded), "refunded": len(refunded),
        "lost": len(trades) - len(closed),
        "double": sum(len(one.ends) > 1 for one in closed),
        "disputes": sum(len(one.disputes) for one in trades.values()),
    }  # fmt: skip
