"""The store's rows as frozen records; units in the names, wei as exact integers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class IdentityRow:
    """The chain and contract that the store belongs to, as hub.chain.records.ChainIdentity."""

    chain_id: int
    genesis_hash: str
    address: str
    deployed_block_hash: str


@dataclass(frozen=True)
class NodeRow:
    node: str
    kind: str  # prosumer or consumer
    segment: str
    peer: str | None  # chain address


@dataclass(frozen=True)
class StatusRow:
    """The newest status of a node; the members of the wire record are None before the first."""

    node: str
    received_at_ms: int
    is_offline: bool
    boot_id: int | None
    seq: int | None
    t_ms: int | None
    uptime_ms: int | None
    nonce: str | None
    state: str | None
    relay: str | None
    delivery_id: str | None
    fault: str | None
    firmware: str | None
    reset_cause: str | None
    free_bytes: int | None


@dataclass(frozen=True)
class PeerRow:
    peer: str
    node: str | None
    state: str  # registered, approved, suspended
    balance_wei: int
    deposited_wei: int
    withdrawn_wei: int
    node_key: str | None = None  # address of its board's own key


@dataclass(frozen=True)
class WindowRow:
    window_id: int
    bid_start_s: int
    bid_end_s: int
    clear_by_s: int
    delivery_start_s: int
    delivery_end_s: int
    report_by_s: int
    min_energy_uwh: int
    max_energy_uwh: int
    min_price_gwei_per_kwh: int
    max_price_gwei_per_kwh: int
    resolve_by_s: int
    mechanism: int = 0  # as in hub.chain.records: 0 is taken by peers, the others are cleared
    needs_approval: bool = False
    is_strict: bool = False
    k_permille: int = 500
    capacity_uwh: int = 0
    max_fee_gwei_per_kwh: int = 0
    sell_gwei_per_kwh: int | None = None  # of its book, once published
    buy_gwei_per_kwh: int | None = None
    is_cleared: bool = False  # its trades are final

    @property
    def has_book(self) -> bool:
        """Its orders are cleared together, not taken one by one."""
        return self.mechanism != 0


@dataclass(frozen=True)
class PlanRow:
    """What the coordinator opened a window for; no community: everyone trades in it."""

    window_id: int
    stage: str
    community: str | None


@dataclass(frozen=True)
class CounterRow:
    """A counter-offer that stands: terms of the order's maker, or of `peer`, who answered it."""

    counter_id: int
    order_id: int
    peer: str
    is_makers: bool
    energy_uwh: int
    price_gwei_per_kwh: int
    locked_wei: int


@dataclass(frozen=True)
class OrderRow:
    order_id: int
    window_id: int
    peer: str
    is_offer: bool
    energy_uwh: int
    remaining_uwh: int
    price_gwei_per_kwh: int
    is_cancelled: bool
    placed_at_ms: int
    priority: int = 0
    only_accepted: bool = False
    is_approved: bool = False
    surplus_wei: int = 0  # saved by fills below a bid's price, locked until the book is closed


@dataclass(frozen=True)
class TradeRow:
    """A trade; `state` is matched, queued, armed, delivering, reported, settled, refunded or
    disputed. Metered, settled and money members are None until the chain settled it.

    The price is what the buyer pays; `fee_gwei_per_kwh` of it is not the seller's. `paid_wei` is
    what the buyer paid, of which `fee_wei` went to the window's account."""

    trade_id: int
    order_id: int
    window_id: int
    seller: str
    buyer: str
    taker: str
    energy_uwh: int
    price_gwei_per_kwh: int
    matched_at_ms: int
    state: str
    seller_metered_uwh: int | None
    buyer_metered_uwh: int | None
    settled_uwh: int | None
    paid_wei: int | None
    refunded_wei: int | None
    closed_at_ms: int | None = None
    signatures: int | None = None  # that the contract checked: 1 the seller's, 2 the buyer's
    fee_gwei_per_kwh: int = 0
    fee_wei: int | None = None


@dataclass(frozen=True)
class AnchorRow:
    """The hash of a closed window; what follows it is None until it is sent, and mined."""

    window_id: int
    hash: str
    made_at_ms: int
    chain_id: int | None
    transaction_hash: str | None
    raw: bytes | None
    block_number: int | None


@dataclass(frozen=True)
class ReportRow:
    """The last message of one phase from one side of a delivery."""

    delivery_id: str
    node: str
    role: str
    phase: str
    received_at_ms: int
    energy_uwh: int
    counterparty_uwh: int
    elapsed_ms: int
    register_uwh: int
    reason: str | None


@dataclass(frozen=True)
class SignatureRow:
    """What one side's board signed about a delivery: 64 bytes, r | vs of EIP-2098."""

    delivery_id: str
    node: str
    role: str
    received_at_ms: int
    energy_uwh: int
    counterparty_uwh: int
    signature: str


@dataclass(frozen=True)
class DeliveryRow:
    """One attempt at delivering a trade, as journaled before each step."""

    delivery_id: str
    trade_id: int
    attempt: int
    epoch: int
    state: str
    step: str
    reason: str | None
    queued_at_ms: int
    commanded_at_ms: int | None
    relay_closed_at_ms: int | None
    finished_at_ms: int | None
    reported_at_ms: int | None
    settled_at_ms: int | None
    raw_report: bytes | None
    report_hash: str | None


@dataclass(frozen=True)
class TransactionRow:
    key: str
    raw: bytes
    hash: str
    signed_at_ms: int
    is_done: bool


@dataclass(frozen=True)
class PackageRow:
    """A firmware package, without its content."""

    package_id: str
    number: int
    version: str
    size: int


@dataclass(frozen=True)
class UpdateRow:
    """Where one node stands in a rollout."""

    rollout: int
    place: int
    node: str
    package_id: str
    at_once: int
    state: str
    reason: str | None
    sent_bytes: int
    began_at_ms: int | None
    heard_at_ms: int | None


@dataclass(frozen=True)
class AlarmRow:
    """Something that a person has to look at. It holds until it is cleared."""

    alarm_id: int
    kind: str
    subject: str  # a node, a trade, a part of the hub
    severity: str  # notice, warning or fault
    sentence: str
    raised_at_ms: int
    cleared_at_ms: int | None = None
    acknowledged_at_ms: int | None = None
    acknowledged_by: str | None = None


@dataclass(frozen=True)
class LetterRow:
    """A letter to one of [[notify]]; `topic` is what it tells of, once."""

    target: str
    topic: str
    subject: str
    body: str
    posted_at_ms: int
    next_at_ms: int
    attempts: int = 0
    sent_at_ms: int | None = None
    given_up_at_ms: int | None = None
    problem: str | None = None
