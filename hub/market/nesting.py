"""Communities enter, trades inside them, between them and with the grid leave: the hybrid market.

With orders: each community clears on its own, what is left is traded in pairs between communities
with the operator's fee, and what is left then goes to the grid. With net positions the same in
prices: communities share among themselves at the mid-market rate, and each prices its members with
the tariff that this gives it. Nesting as in F. Moret and P. Pinson, "Energy collectives: a
community and fairness based approach to future electricity markets", IEEE Trans. Power Syst. 34
(2019), doi:10.1109/TPWRS.2018.2808961.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hub.market.bilateral import clear_bilateral
from hub.market.clearing import CLEAR
from hub.market.community import PRICE, Balance, Tariff, mid_market_rate
from hub.market.records import BID, Clearing, MarketRefusal, Order, OrderId, Rest
from hub.market.sharing import GRID_ACCOUNT, Settlement, balance_of, settle_at


@dataclass(frozen=True)
class HybridTerms:
    """How communities clear inside, what the grid asks, and the operator's fee in gwei/kWh."""

    tariff: Tariff
    mechanism: str
    fee_gwei_per_kwh: int = 0

    def __post_init__(self) -> None:
        if self.fee_gwei_per_kwh < 0:
            raise MarketRefusal("the operator's fee must not be negative")


@dataclass(frozen=True, slots=True)
class GridTrade:
    """Energy that a peer buys from (side bid) or sells to (side offer) the grid account."""

    order_id: OrderId
    peer: str
    side: str
    energy_uwh: int
    price_gwei_per_kwh: int


@dataclass(frozen=True)
class HybridClearing:
    """Trades at the three levels; every order's energy is in exactly one of them."""

    inside: dict[str, Clearing]
    between: Clearing
    grid: tuple[GridTrade, ...]


def clear_hybrid(
    orders: Sequence[Order], community_of: Mapping[str, str], terms: HybridTerms
) -> HybridClearing:
    """Clear inside every community, between communities, and with the grid.

    Raises MarketRefusal for a peer without a community and for what the mechanism refuses.
    """
    members: dict[str, list[Order]] = defaultdict(list)
    for order in orders:
        if order.peer not in community_of:
            raise MarketRefusal(f"{order.peer} belongs to no community")
        members[community_of[order.peer]].append(order)
    inside = {name: CLEAR[terms.mechanism](book) for name, book in sorted(members.items())}
    left = _left_of(orders, [rest for one in inside.values() for rest in one.unmatched])
    between = _clear_between(left, community_of, terms.fee_gwei_per_kwh)
    last = _left_of(orders, between.unmatched)
    return HybridClearing(inside, between, trade_with_grid(last, terms.tariff))


def trade_with_grid(orders: Sequence[Order], tariff: Tariff) -> tuple[GridTrade, ...]:
    """Return what is left as trades with the grid account, at retail or feed-in.

    Limits of the orders do not count here: energy that no peer supplies or takes flows anyway.
    """
    return tuple(
        GridTrade(
            order.order_id,
            order.peer,
            order.side,
            order.energy_uwh,
            tariff.retail if order.side == BID else tariff.feed_in,
        )
        for order in orders
    )


def _left_of(orders: Sequence[Order], rests: Sequence[Rest]) -> list[Order]:
    left_uwh = {rest.order_id: rest.energy_uwh for rest in rests}
    return [
        replace(order, energy_uwh=left_uwh[order.order_id])
        for order in orders
        if order.order_id in left_uwh
    ]


def _clear_between(
    orders: Sequence[Order], community_of: Mapping[str, str], fee_gwei_per_kwh: int
) -> Clearing:
    """Clear in pairs of different communities: a community must not trade with itself.

    So the community stands in for the peer while matching, and the ban on self-trade does it.
    """
    peer_of = {order.order_id: order.peer for order in orders}
    as_communities = [replace(order, peer=community_of[order.peer]) for order in orders]
    cleared = clear_bilateral(as_communities, fee_gwei_per_kwh)
    trades = tuple(
        replace(trade, buyer=peer_of[trade.bid], seller=peer_of[trade.offer])
        for trade in cleared.trades
    )
    return replace(cleared, trades=trades)


@dataclass(frozen=True)
class HybridSettlement:
    """Members' costs by community; with the operator and the grid account they add up to zero."""

    communities: dict[str, Settlement]
    exchanged_uwh: int
    """Energy from communities with a surplus to communities with a deficit."""
    operator_wei: int
    grid_cost_wei: int
    residual_wei: int
    """What rounding leaves with the grid account beyond its tariff; at least 0."""


def settle_hybrid(
    positions_uwh: Mapping[str, Mapping[str, int]],
    terms: HybridTerms,
    grid_account: str = GRID_ACCOUNT,
) -> HybridSettlement:
    """Price and settle members' net positions, given by community (positive sells).

    `terms.mechanism` is one of community.PRICE. The buying community pays the fee; where it leaves
    no gain, communities trade with the grid only.
    """
    balances = {name: balance_of(members) for name, members in positions_uwh.items()}
    outer = Balance(
        sum(one.export_uwh for one in balances.values()),
        sum(one.import_uwh for one in balances.values()),
    )
    buying, selling = _community_tariffs(outer, terms)
    settled = {}
    for name, members in positions_uwh.items():
        tariff = buying if balances[name].import_uwh else selling
        prices = PRICE[terms.mechanism](balances[name], tariff)
        settled[name] = settle_at(members, prices, tariff, grid_account)
    exchanged_uwh = outer.shared_uwh if _is_exchange_worthwhile(terms) else 0
    operator_wei = exchanged_uwh * terms.fee_gwei_per_kwh
    paid_wei = -sum(one.grid_cost_wei for one in settled.values())
    tariff = terms.tariff
    bought_wei = (outer.deficit_uwh - exchanged_uwh) * tariff.retail
    sold_wei = (outer.surplus_uwh - exchanged_uwh) * tariff.feed_in
    grid_wei = paid_wei - operator_wei
    residual_wei = grid_wei - (bought_wei - sold_wei)
    return HybridSettlement(settled, exchanged_uwh, operator_wei, -grid_wei, residual_wei)


def _community_tariffs(outer: Balance, terms: HybridTerms) -> tuple[Tariff, Tariff]:
    """Return the tariff of communities with a deficit, and of those with a surplus."""
    tariff, fee = terms.tariff, terms.fee_gwei_per_kwh
    if not outer.shared_uwh or not _is_exchange_worthwhile(terms):
        return tariff, tariff
    prices = mid_market_rate(outer, Tariff(tariff.retail - fee, tariff.feed_in))
    return (
        Tariff(prices.buy_gwei_per_kwh + fee, tariff.feed_in),
        Tariff(tariff.retail, prices.sell_gwei_per_kwh),
    )


def _is_exchange_worthwhile(terms: HybridTerms) -> bool:
    return terms.tariff.retail - terms.fee_gwei_per_kwh > terms.tariff.feed_in
