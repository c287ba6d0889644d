"""What enters the market and what leaves it: orders, trades and clearings, all immutable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

OrderId: TypeAlias = int | str

BID, OFFER = "bid", "offer"
HALF = Fraction(1, 2)


class MarketRefusal(ValueError):
    """The market cannot answer: the sentence says what is wrong and what would help."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Producers that a bid chooses: of these peers, of these origins; None is any."""

    peers: frozenset[str] | None = None
    origins: frozenset[str] | None = None

    def is_of(self, peer: str, origin: str) -> bool:
        """Tell whether energy of this origin from this peer is of the chosen."""
        return (self.peers is None or peer in self.peers) and (
            self.origins is None or origin in self.origins
        )


@dataclass(frozen=True, slots=True)
class Preference:
    """What an order asks of its counterparty and tells of itself; the default asks nothing.

    `partners`: peers it trades with (None: anyone). `shares_permille`: of a bid, the producers
    chosen (a peer's name is enough) and how much of the bid each may fill; what they leave over of
    1000 goes to anyone accepted. `chosen`: of a bid, the producers it likes to meet, the dearest
    first, as far as welfare and energy stay the same; with `is_choosy` it takes from no others.
    `origins`: of a bid, the sources it takes (None: any); `origin`: of an offer, its source.
    `priority`: of a bid, the class the administrator granted; a higher one is served first.
    """

    partners: frozenset[str] | None = None
    shares_permille: tuple[tuple[str | Chosen, int], ...] = ()
    origins: frozenset[str] | None = None
    origin: str = ""
    priority: int = 0
    chosen: tuple[Chosen, ...] = ()
    is_choosy: bool = False

    def __post_init__(self) -> None:
        shares = [share for _, share in self.shares_permille]
        if any(share <= 0 for share in shares) or sum(shares) > 1000:
            raise MarketRefusal("the shares of chosen producers must be positive, at most 1000 ‰")
        if len({peer for peer, _ in self.shares_permille}) < len(shares):
            raise MarketRefusal("a chosen producer is named twice")


INDIFFERENT = Preference()


@dataclass(frozen=True, slots=True)
class Order:
    """A bid (buys) or an offer (sells): its whole energy at its price or a better one.

    Raises MarketRefusal unless the energy is a positive and the price a non-negative integer.
    """

    order_id: OrderId
    peer: str
    side: str
    energy_uwh: int
    price_gwei_per_kwh: int
    placed_at_ms: int
    preference: Preference = INDIFFERENT

    def __post_init__(self) -> None:
        if self.side not in (BID, OFFER):
            raise MarketRefusal(f"order {self.order_id}: side {self.side!r} is not bid or offer")
        if type(self.energy_uwh) is not int or self.energy_uwh <= 0:
            raise MarketRefusal(f"order {self.order_id}: energy_uwh must be a positive integer")
        if type(self.price_gwei_per_kwh) is not int or self.price_gwei_per_kwh < 0:
            raise MarketRefusal(
                f"order {self.order_id}: price_gwei_per_kwh must be an integer of at least 0"
            )


@dataclass(frozen=True, slots=True)
class Match:
    """Energy that one bid and one offer exchange, before it has a price."""

    bid: Order
    offer: Order
    energy_uwh: int


@dataclass(frozen=True, slots=True)
class Trade:
    """A priced match. What the buyer pays beyond what the seller gets is fee or surplus."""

    bid: OrderId
    offer: OrderId
    buyer: str
    seller: str
    energy_uwh: int
    buy_gwei_per_kwh: int
    sell_gwei_per_kwh: int
    buy_exact: Fraction
    """The buyer's price before rounding."""

    @property
    def paid_wei(self) -> int:
        """What the buyer pays, exact (1 gwei/kWh = 1 wei/uWh)."""
        return self.energy_uwh * self.buy_gwei_per_kwh

    @property
    def earned_wei(self) -> int:
        """What the seller gets."""
        return self.energy_uwh * self.sell_gwei_per_kwh


@dataclass(frozen=True, slots=True)
class Rest:
    """Energy of an order that found nobody."""

    order_id: OrderId
    energy_uwh: int


@dataclass(frozen=True)
class Clearing:
    """The result of one mechanism on one book; trades in merit order, rests in the book's order."""

    mechanism: str
    trades: tuple[Trade, ...]
    unmatched: tuple[Rest, ...]
    welfare_wei: int
    """What the bids would have paid less what the offers asked, over all energy traded."""
    price_exact: Fraction | None = field(default=None)
    """The price that all buyers pay, before rounding; None where they differ or nobody trades."""

    @property
    def energy_uwh(self) -> int:
        """Energy traded."""
        return sum(trade.energy_uwh for trade in self.trades)

    @property
    def surplus_wei(self) -> int:
        """What buyers pay beyond what sellers get: fees, network charges, McAfee's surplus."""
        return sum(trade.paid_wei - trade.earned_wei for trade in self.trades)


def check_book(orders: Sequence[Order]) -> None:
    """Raise MarketRefusal when two orders have the same id."""
    seen: set[OrderId] = set()
    for order in orders:
        if order.order_id in seen:
            raise MarketRefusal(f"order {order.order_id} is in the book twice")
        seen.add(order.order_id)


def priced(match: Match, buy_exact: Fraction, charge_gwei_per_kwh: int = 0) -> Trade:
    """Return `match` at a buyer's price rounded down; the seller gets it less the charge."""
    buy = buy_exact.numerator // buy_exact.denominator
    return Trade(
        match.bid.order_id,
        match.offer.order_id,
        match.bid.peer,
        match.offer.peer,
        match.energy_uwh,
        buy,
        buy - charge_gwei_per_kwh,
        buy_exact,
    )


def conclude(
    mechanism: str, orders: Sequence[Order], matches: Iterable[Match], trades: Sequence[Trade]
) -> Clearing:
    """Return the clearing of `orders` by `trades`, which are the priced `matches`."""
    rest_uwh = {order.order_id: order.energy_uwh for order in orders}
    welfare_wei = 0
    for match in matches:
        rest_uwh[match.bid.order_id] -= match.energy_uwh
        rest_uwh[match.offer.order_id] -= match.energy_uwh
        gain = match.bid.price_gwei_per_kwh - match.offer.price_gwei_per_kwh
        welfare_wei += match.energy_uwh * gain
    unmatched = tuple(Rest(order_id, left) for order_id, left in rest_uwh.items() if left)
    prices = {trade.buy_exact for trade in trades}
    price_exact = prices.pop() if len(prices) == 1 else None
    return Clearing(mechanism, tuple(trades), unmatched, welfare_wei, price_exact)
