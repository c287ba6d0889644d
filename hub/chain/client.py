"""The contract's calls as Python methods: accounts and integers enter, ids and receipts leave."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from eth_account.signers.local import LocalAccount
from web3.types import TxParams, Wei

from hub.chain.abi import encode_node_id, market_abi
from hub.chain.gas import TRANSFER_GAS, gas_limit
from hub.chain.identity import deploy
from hub.chain.reads import MarketReads
from hub.chain.records import NO_ADDRESS, DeliveryReport, Fill, Receipt, SignedCall, WindowTerms
from hub.chain.refusals import ROLES
from hub.chain.sending import Sender

__all__ = ["MarketClient", "deploy"]


class MarketClient(MarketReads):
    """One EnergyMarket contract; synchronous, and safe to share between threads.

    Every method that sends takes the sender's account first and returns when the call is mined.
    All of them raise ContractRefused with a sentence, or ChainUnavailable.
    """

    def __init__(self, rpc_url: str, address: str, first_block: int = 0) -> None:
        """Remember where the contract is, see MarketReads; nothing is asked of the chain yet."""
        super().__init__(rpc_url, address, first_block)
        self._sender = Sender(self._web3)

    # ------------------------------------------------------------------------------- sending

    def sign(
        self, account: LocalAccount, function: str, *args: Any, value_wei: int = 0
    ) -> SignedCall:
        """Sign a call of a contract function (snake-case name) without sending it.

        The nonce is not reserved: send the call before the account signs another, or use
        `execute` with `before_send`, which holds the account's lock over both.
        """
        return self._sender.sign(
            account,
            {
                "to": self.address,
                "data": market_abi().encode_call(function, args),
                "value": Wei(value_wei),
                "gas": gas_limit(function, args),
            },
        )

    def chain_moved(self) -> None:
        """Tell those who wait for receipts that there is a new block; from any thread."""
        self._sender.pulse.beat()

    def send(self, call: SignedCall, account: LocalAccount | None = None) -> Receipt:
        """Send a signed call and wait for its receipt; harmless when it was sent before.

        With its account, it does not wait for calls before it that nobody sends. Raises StaleCall
        when it must be signed again.
        """
        return self._sender.send(call, account)

    def execute(
        self,
        account: LocalAccount,
        function: str,
        *args: Any,
        value_wei: int = 0,
        before_send: Callable[[SignedCall], None] | None = None,
    ) -> Receipt:
        """Sign and send a call; `before_send` may keep the signed call before the chain sees it."""
        return self._sender.execute(
            lambda: self.sign(account, function, *args, value_wei=value_wei), account, before_send
        )

    def reserve(
        self,
        account: LocalAccount,
        function: str,
        *args: Any,
        before_send: Callable[[SignedCall], None],
    ) -> SignedCall:
        """Sign and keep a call; `send_first` sends it, others of the account may follow at once."""
        return self._sender.reserve(
            lambda: self.sign(account, function, *args), account, before_send
        )

    def warm_up(self, account: LocalAccount) -> None:
        """Ask now what the account's next call needs of the node, if that comes within seconds."""
        self._sender.warm_up(account)

    def send_first(self, account: LocalAccount, call: SignedCall) -> Receipt:
        """Send a call that was just reserved and wait for its receipt. Raises as `send` does."""
        return self._sender.send_first(account, call)

    def transfer(self, account: LocalAccount, to: str, amount_wei: int) -> Receipt:
        """Send ETH from account to account, outside the market."""
        transaction: TxParams = {"to": to, "value": Wei(amount_wei), "gas": TRANSFER_GAS}
        return self._sender.execute(lambda: self._sender.sign(account, transaction), account)

    # ------------------------------------------------------------------------------ registry

    def register(self, account: LocalAccount) -> Receipt:
        return self.execute(account, "register")

    def approve(
        self, administrator: LocalAccount, peer: str, node_id: str, node_key: str | None = None
    ) -> Receipt:
        """Let `peer` trade with the node of that name; no key: the board cannot sign."""
        return self.execute(
            administrator, "approve", peer, encode_node_id(node_id), node_key or NO_ADDRESS
        )

    def grant_priority(self, administrator: LocalAccount, peer: str, priority: int) -> Receipt:
        return self.execute(administrator, "grant_priority", peer, priority)

    def suspend(self, administrator: LocalAccount, peer: str) -> Receipt:
        return self.execute(administrator, "suspend", peer)

    def remove(self, administrator: LocalAccount, peer: str) -> Receipt:
        return self.execute(administrator, "remove", peer)

    def pause(self, administrator: LocalAccount) -> Receipt:
        return self.execute(administrator, "pause")

    def unpause(self, administrator: LocalAccount) -> Receipt:
        return self.execute(administrator, "unpause")

    def deposit(self, account: LocalAccount, amount_wei: int) -> Receipt:
        return self.execute(account, "deposit", value_wei=amount_wei)

    def withdraw(self, account: LocalAccount, amount_wei: int) -> Receipt:
        return self.execute(account, "withdraw", amount_wei)

    # -------------------------------------------------------------------------------- market

    def open_window(self, coordinator: LocalAccount, terms: WindowTerms) -> int:
        """Open a trading window and return its id."""
        receipt = self.execute(coordinator, "open_window", dataclasses.astuple(terms))
        return _argument(receipt, "WindowOpened", "window_id")

    def offer(
        self, account: LocalAccount, window_id: int, energy_uwh: int, price_gwei_per_kwh: int
    ) -> int:
        """Offer energy and return the order's id."""
        receipt = self.execute(account, "offer", window_id, energy_uwh, price_gwei_per_kwh)
        return _argument(receipt, "OrderPlaced", "order_id")

    def bid(
        self, account: LocalAccount, window_id: int, energy_uwh: int, price_gwei_per_kwh: int
    ) -> int:
        """Ask for energy, lock its cost, and return the order's id."""
        receipt = self.execute(account, "bid", window_id, energy_uwh, price_gwei_per_kwh, False)
        return _argument(receipt, "OrderPlaced", "order_id")

    def bid_from_accepted(
        self, account: LocalAccount, window_id: int, energy_uwh: int, price_gwei_per_kwh: int
    ) -> int:
        """Bid, but for energy of the sellers that the peer accepts only."""
        receipt = self.execute(account, "bid", window_id, energy_uwh, price_gwei_per_kwh, True)
        return _argument(receipt, "OrderPlaced", "order_id")

    def accept_seller(self, account: LocalAccount, seller: str, is_accepted: bool) -> Receipt:
        """Add a seller to those whom bids of the account may name, or remove it."""
        return self.execute(account, "accept_seller", seller, is_accepted)

    def amend(
        self, account: LocalAccount, order_id: int, energy_uwh: int, price_gwei_per_kwh: int
    ) -> Receipt:
        """Change what is left of an order, its price and its lock."""
        return self.execute(account, "amend", order_id, energy_uwh, price_gwei_per_kwh)

    def review(
        self, coordinator: LocalAccount, order_ids: Sequence[int], is_approved: bool
    ) -> Receipt:
        """Approve or reject pending orders."""
        return self.execute(coordinator, "review", list(order_ids), is_approved)

    def clear(
        self,
        coordinator: LocalAccount,
        window_id: int,
        fills: Sequence[Fill],
        prices: tuple[int, int] = (0, 0),
    ) -> Receipt:
        """Make trades of a frozen book; `prices` (sell, buy) are those of a uniform window."""
        batch = (window_id, *prices, [dataclasses.astuple(one) for one in fills])
        return self.execute(coordinator, "clear", batch)

    def close_book(self, coordinator: LocalAccount, window_id: int, count: int) -> Receipt:
        """Go over the next orders of a book; after the last the window's trades are final."""
        return self.execute(coordinator, "close_book", window_id, count)

    def cancel(self, account: LocalAccount, order_id: int) -> Receipt:
        return self.execute(account, "cancel", order_id)

    def take(self, account: LocalAccount, order_id: int, energy_uwh: int, limit_price: int) -> int:
        """Trade part or all of an order at its price and return the trade's id."""
        receipt = self.execute(account, "take", order_id, energy_uwh, limit_price)
        return _argument(receipt, "TradeMade", "trade_id")

    def counter(
        self, account: LocalAccount, order_id: int, energy_uwh: int, price_gwei_per_kwh: int
    ) -> int:
        """Answer another peer's order with other terms; return the counter-offer's id."""
        receipt = self.execute(account, "counter", order_id, energy_uwh, price_gwei_per_kwh)
        return _argument(receipt, "CounterOffered", "counter_id")

    def counter_again(
        self, account: LocalAccount, counter_id: int, energy_uwh: int, price_gwei_per_kwh: int
    ) -> Receipt:
        """Replace the standing terms of a counter-offer by the account's."""
        return self.execute(account, "counter_again", counter_id, energy_uwh, price_gwei_per_kwh)

    def accept(
        self, account: LocalAccount, counter_id: int, energy_uwh: int, price_gwei_per_kwh: int
    ) -> int:
        """Trade at the other side's terms, refused if they changed; return the trade's id."""
        receipt = self.execute(account, "accept", counter_id, energy_uwh, price_gwei_per_kwh)
        return _argument(receipt, "TradeMade", "trade_id")

    def withdraw_counter(self, account: LocalAccount, counter_id: int) -> Receipt:
        return self.execute(account, "withdraw_counter", counter_id)

    def reclaim(self, account: LocalAccount, order_id: int) -> Receipt:
        return self.execute(account, "reclaim", order_id)

    def report(
        self, oracle: LocalAccount, trade_id: int, seller_uwh: int, buyer_uwh: int
    ) -> Receipt:
        """Settle a trade on the oracle's word, between boards that have no key."""
        return self.report_signed(oracle, DeliveryReport.unsigned(trade_id, seller_uwh, buyer_uwh))

    def report_signed(self, oracle: LocalAccount, delivered: DeliveryReport) -> Receipt:
        """Settle a trade by both meters; the receipt's event says what was paid, or disputed."""
        return self.execute(oracle, "report", delivered.as_args())

    def report_batch(self, oracle: LocalAccount, delivered: Sequence[DeliveryReport]) -> Receipt:
        """Settle many trades in one transaction; refused as a whole when one of them is."""
        return self.execute(oracle, "report_batch", [one.as_args() for one in delivered])

    def report_alone(
        self, oracle: LocalAccount, delivered: DeliveryReport, is_seller: bool
    ) -> Receipt:
        """Keep what one meter saw; the other one's figures are not looked at."""
        return self.execute(oracle, "report_alone", delivered.as_args(), is_seller)

    def refund(self, account: LocalAccount, trade_id: int) -> Receipt:
        return self.execute(account, "refund", trade_id)

    def resolve(self, coordinator: LocalAccount, trade_id: int, settled_uwh: int) -> Receipt:
        """End a dispute at a figure between the two meters'."""
        return self.execute(coordinator, "resolve", trade_id, settled_uwh)

    def split(self, account: LocalAccount, trade_id: int) -> Receipt:
        """End a dispute halfway, from the window's resolve-by on, as anyone may."""
        return self.execute(account, "split", trade_id)

    def offer_role(self, administrator: LocalAccount, role: str, address: str) -> Receipt:
        """Offer a role (administrator, coordinator, oracle) to an account, which accepts it."""
        return self.execute(administrator, "grant_role", ROLES[role], address)

    def accept_role(self, account: LocalAccount, role: str) -> Receipt:
        return self.execute(account, "accept_role", ROLES[role])


def _argument(receipt: Receipt, event_name: str, name: str) -> int:
    """Return an argument of the one event of that name in a receipt."""
    event = next(one for one in receipt.events if one.name == event_name)
    return int(event.args[name])
