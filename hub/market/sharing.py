"""Net positions and a tariff enter, what every member pays leaves, with the grid account.

A position is positive for a surplus (it sells) and negative for a deficit (it buys). A cost is
positive when it is paid and negative when it is earned. Members pay whole prices per uWh, so costs
are exact; what rounding leaves over goes to the grid account, and all costs add up to zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub.market.community import PRICE, Balance, CommunityPrices, Tariff
from hub.market.records import MarketRefusal

GRID_ACCOUNT = "grid"


@dataclass(frozen=True)
class Settlement:
    """Who pays what. `cost_wei` of all members and of the grid account add up to zero."""

    balance: Balance
    prices: CommunityPrices
    cost_wei: dict[str, int]
    grid_account: str
    residual_wei: int
    """What rounding makes members pay beyond the community's bill at the tariff; at least 0."""

    @property
    def grid_cost_wei(self) -> int:
        """The grid account's cost: negative when it earns."""
        return -sum(self.cost_wei.values())


def balance_of(positions_uwh: Mapping[str, int]) -> Balance:
    """Return the community's total surplus and deficit."""
    values = positions_uwh.values()
    return Balance(sum(v for v in values if v > 0), -sum(v for v in values if v < 0))


def settle_at(
    positions_uwh: Mapping[str, int],
    prices: CommunityPrices,
    tariff: Tariff,
    grid_account: str = GRID_ACCOUNT,
) -> Settlement:
    """Return what every member pays at these prices.

    Raises MarketRefusal when a member is named like the grid account.
    """
    if grid_account in positions_uwh:
        raise MarketRefusal(f"{grid_account!r} is the grid account's name, not a member's")
    buy, sell = prices.buy_gwei_per_kwh, prices.sell_gwei_per_kwh
    cost_wei = {
        peer: -net_uwh * (sell if net_uwh > 0 else buy) for peer, net_uwh in positions_uwh.items()
    }
    balance = balance_of(positions_uwh)
    bill_wei = balance.import_uwh * tariff.retail - balance.export_uwh * tariff.feed_in
    residual_wei = sum(cost_wei.values()) - bill_wei
    return Settlement(balance, prices, cost_wei, grid_account, residual_wei)


def settle_community(
    positions_uwh: Mapping[str, int], tariff: Tariff, mechanism: str = "mid-market-rate"
) -> Settlement:
    """Price and settle one slot by a mechanism of `community.PRICE`."""
    prices = PRICE[mechanism](balance_of(positions_uwh), tariff)
    return settle_at(positions_uwh, prices, tariff)
