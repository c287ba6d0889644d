"""Plain records that the chain's parts exchange with the rest of the hub, and their errors.

Energies in uWh, prices in gwei/kWh, money in wei, times in seconds of the chain's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_utils import keccak, to_hex

from hub.errors import TruequeError


class ChainUnavailable(TruequeError):
    """The chain does not answer, or answers with an error of its own."""


class WrongContract(TruequeError):
    """The chain or the contract at the address is not the one that was expected."""


class StaleCall(TruequeError):
    """A signed call whose nonce another transaction has used: it must be signed again."""


class ContractRefused(TruequeError):
    """The contract refused a call; `str()` is a sentence with numbers and units.

    `error_name` is the name of the contract's error, "" when it gave none; `values` are its
    parameters by their names in snake case.
    """

    def __init__(self, error_name: str, values: dict[str, Any], sentence: str) -> None:
        super().__init__(sentence)
        self.error_name = error_name
        self.values = values
        self.sentence = sentence


@dataclass(frozen=True)
class ChainIdentity:
    """What tells one deployment of the contract from every other, also after a wiped chain."""

    chain_id: int
    genesis_hash: str
    address: str
    deployed_block_hash: str


@dataclass(frozen=True)
class ChainEvent:
    """One event of the contract; the names in `args` are those of the contract in snake case.

    Addresses are checksummed, a node id is the node's name, other bytes are 0x and hex digits;
    the members of `WindowOpened`'s terms stand in `args` themselves.
    """

    name: str
    args: dict[str, Any]
    block_number: int
    block_hash: str
    transaction_hash: str
    log_index: int


@dataclass(frozen=True)
class Cursor:
    """The block up to which events are known."""

    block_number: int
    block_hash: str


@dataclass(frozen=True)
class Batch:
    """All events of the blocks after the previous cursor up to and including `cursor`."""

    events: tuple[ChainEvent, ...]
    cursor: Cursor


@dataclass(frozen=True)
class Rollback:
    """Blocks after `cursor` were replaced: forget their events; those in their place follow."""

    cursor: Cursor


# How a window's orders become trades.
BILATERAL, UNIFORM, PAY_AS_BID, MIDPOINT, MCAFEE = range(5)
NO_ADDRESS = "0x" + "00" * 20
GRID = 0  # in a fill, instead of an order's id: the window's grid account


@dataclass(frozen=True)
class WindowTerms:
    """The terms of a trading window (half-open intervals); see `IEnergyMarket.WindowTerms`."""

    bid_start: int
    bid_end: int
    clear_by: int
    delivery_start: int
    delivery_end: int
    report_by: int
    resolve_by: int
    min_energy_uwh: int
    max_energy_uwh: int
    min_price: int
    max_price: int
    loss_permille: int
    mechanism: int = BILATERAL
    needs_approval: bool = False
    is_strict: bool = False
    k_permille: int = 500
    capacity_uwh: int = 0
    max_fee: int = 0
    fee_account: str = NO_ADDRESS
    grid_account: str = NO_ADDRESS


@dataclass(frozen=True)
class PeerState:
    """A peer; `status` is registered, approved or suspended; no key: the board cannot sign."""

    peer: str
    status: str
    balance_wei: int
    node_id: str | None
    node_key: str | None


@dataclass(frozen=True)
class OrderState:
    """An order; `energy_uwh` is what is left of it, 0 when taken whole or cancelled."""

    order_id: int
    window_id: int
    peer: str
    is_offer: bool
    energy_uwh: int
    price_gwei_per_kwh: int
    priority: int
    only_accepted: bool
    is_approved: bool
    locked_wei: int


@dataclass(frozen=True)
class CounterState:
    """A counter-offer that stands; the terms are the order's maker's, or those of `peer`."""

    counter_id: int
    order_id: int
    peer: str
    is_makers: bool
    energy_uwh: int
    price_gwei_per_kwh: int
    locked_wei: int


@dataclass(frozen=True)
class TradeState:
    """A trade; `energy_uwh` is the energy agreed; `status` is matched, one-sided, disputed,
    settled or refunded."""

    trade_id: int
    window_id: int
    seller: str
    buyer: str
    energy_uwh: int
    price_gwei_per_kwh: int
    fee_gwei_per_kwh: int
    status: str


@dataclass(frozen=True)
class Fill:
    """A trade of one bid with one offer; the buyer pays the fee on top of the seller's price."""

    bid_id: int
    offer_id: int
    energy_uwh: int
    fee_gwei_per_kwh: int = 0


@dataclass(frozen=True)
class Meter:
    """What one board says about a delivery, and its signature; none: the board has no key.

    `acknowledged_uwh` is the energy it last heard from the other board. The signature is 64 bytes
    as in EIP-2098: r, and s with the parity of y in its top bit; over the digest described in
    contracts/src/DeliveryReports.sol.
    """

    energy_uwh: int
    acknowledged_uwh: int
    signature: bytes = bytes(64)

    def as_args(self) -> tuple[int, int, bytes, bytes]:
        return (self.energy_uwh, self.acknowledged_uwh, self.signature[:32], self.signature[32:])


@dataclass(frozen=True)
class Attempted:
    """What both boards say about one attempt at a delivery, in one epoch of the hub."""

    number: int
    epoch: int
    seller: Meter
    buyer: Meter

    def as_args(self) -> tuple[Any, ...]:
        return (self.number, self.epoch, self.seller.as_args(), self.buyer.as_args())


@dataclass(frozen=True)
class DeliveryReport:
    """All attempts at a trade's delivery that moved energy, by number: their energies add up."""

    trade_id: int
    attempts: tuple[Attempted, ...]

    def as_args(self) -> tuple[Any, ...]:
        """Return it as the contract's functions take it."""
        return (self.trade_id, [one.as_args() for one in self.attempts])

    @classmethod
    def unsigned(cls, trade_id: int, seller_uwh: int, buyer_uwh: int) -> DeliveryReport:
        """Return what the oracle says of two boards that have no key."""
        seller, buyer = Meter(seller_uwh, buyer_uwh), Meter(buyer_uwh, seller_uwh)
        return cls(trade_id, (Attempted(0, 0, seller, buyer),))


@dataclass(frozen=True)
class Totals:
    """The contract's money: its wei, the sum of all balances, and the sum of locks and escrow."""

    contract_wei: int
    balances_wei: int
    escrow_wei: int


@dataclass(frozen=True)
class SignedCall:
    """A signed transaction that can be kept and sent later, also twice."""

    raw: bytes
    hash: str

    @classmethod
    def from_raw(cls, raw: bytes) -> SignedCall:
        """Rebuild the call from its kept bytes."""
        return cls(raw, to_hex(keccak(raw)))


@dataclass(frozen=True)
class Receipt:
    """A transaction that the contract accepted."""

    transaction_hash: str
    block_number: int
    block_hash: str
    gas_used: int
    events: tuple[ChainEvent, ...]
