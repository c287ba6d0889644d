"""A community's surplus and deficit and the grid's tariff enter, its internal prices leave.

With r the retail and f the feed-in tariff, G the total surplus and D the total deficit of a slot:
- mid-market rate: C. Long, J. Wu, C. Zhang, L. Thomas, M. Cheng, N. Jenkins, "Peer-to-peer energy
  trading in a community microgrid", IEEE PES General Meeting 2017, doi:10.1109/PESGM.2017.8274546;
- bill sharing: the same paper;
- supply-demand ratio: N. Liu, X. Yu, C. Wang, C. Li, L. Ma, J. Lei, "Energy-sharing model with
  price-based demand response for microgrids of peer-to-peer prosumers", IEEE Trans. Power Syst. 32
  (2017), doi:10.1109/TPWRS.2017.2649558; with compensation: Y. Zhou, J. Wu, C. Long, "Evaluation of
  peer-to-peer energy sharing mechanisms based on a multiagent simulation framework", Appl. Energy
  222 (2018), doi:10.1016/j.apenergy.2018.02.089.

All three balance to zero against the grid: D buy - G sell = r max(D - G, 0) - f max(G - D, 0).
Integer prices round the buyers' up and the sellers' down, never past r or below 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from hub.market.amounts import rounded_down, rounded_up
from hub.market.records import HALF, MarketRefusal


@dataclass(frozen=True, slots=True)
class Tariff:
    """The grid's prices, gwei/kWh. Raises MarketRefusal unless 0 <= feed-in < retail."""

    retail: int
    feed_in: int

    def __post_init__(self) -> None:
        if self.feed_in < 0:
            raise MarketRefusal(f"the feed-in tariff must not be negative, not {self.feed_in}")
        if self.feed_in >= self.retail:
            raise MarketRefusal(
                f"the feed-in tariff ({self.feed_in} gwei/kWh) must be below the retail tariff "
                f"({self.retail} gwei/kWh): otherwise peers gain by selling everything to the grid "
                "and buying it back, and no community price suits both buyer and seller"
            )


@dataclass(frozen=True, slots=True)
class Balance:
    """Total surplus and deficit of a community in one slot (or over a billing period), uWh."""

    surplus_uwh: int
    deficit_uwh: int

    def __post_init__(self) -> None:
        if self.surplus_uwh < 0 or self.deficit_uwh < 0:
            raise MarketRefusal("a surplus or deficit must not be negative")

    @property
    def import_uwh(self) -> int:
        """Taken from the grid by the community as a whole."""
        return max(self.deficit_uwh - self.surplus_uwh, 0)

    @property
    def export_uwh(self) -> int:
        """Given to the grid by the community as a whole."""
        return max(self.surplus_uwh - self.deficit_uwh, 0)

    @property
    def shared_uwh(self) -> int:
        """Moved from members to members."""
        return min(self.surplus_uwh, self.deficit_uwh)


@dataclass(frozen=True, slots=True)
class CommunityPrices:
    """What members pay and get inside the community, exact and in whole gwei/kWh."""

    buy_exact: Fraction
    sell_exact: Fraction

    @property
    def buy_gwei_per_kwh(self) -> int:
        """The buyers' price, rounded up."""
        return rounded_up(self.buy_exact)

    @property
    def sell_gwei_per_kwh(self) -> int:
        """The sellers' price, rounded down."""
        return rounded_down(self.sell_exact)


def mid_market_rate(balance: Balance, tariff: Tariff) -> CommunityPrices:
    """Return m = (r + f)/2 for both; the side with more energy also bears the grid's share.

    G > D: sell = (D m + (G - D) f)/G. G < D: buy = (G m + (D - G) r)/D.
    """
    surplus, deficit = balance.surplus_uwh, balance.deficit_uwh
    twice_middle = tariff.retail + tariff.feed_in
    buy = sell = twice_middle * HALF
    if surplus > deficit:
        paid = deficit * twice_middle + 2 * (surplus - deficit) * tariff.feed_in
        sell = Fraction(paid, 2 * surplus)
    elif deficit > surplus:
        paid = surplus * twice_middle + 2 * (deficit - surplus) * tariff.retail
        buy = Fraction(paid, 2 * deficit)
    return CommunityPrices(buy, sell)


def supply_demand_ratio(
    balance: Balance, tariff: Tariff, compensation_gwei_per_kwh: int = 0
) -> CommunityPrices:
    """Return prices by s = G/D. With l the compensation and c = f + l:

    s <= 1: sell = r c / ((r - c) s + c), buy = sell s + r (1 - s).
    s > 1: sell = f + l/s, buy = c, so without compensation both f. D = 0: sell = f, buy = c.
    Raises MarketRefusal unless 0 <= l and f + l <= r.
    """
    surplus, deficit, retail = balance.surplus_uwh, balance.deficit_uwh, tariff.retail
    floor = tariff.feed_in + compensation_gwei_per_kwh
    if compensation_gwei_per_kwh < 0 or floor > retail:
        raise MarketRefusal(
            f"the compensation must be from 0 to {retail - tariff.feed_in} gwei/kWh (retail less "
            f"feed-in), not {compensation_gwei_per_kwh}"
        )
    if surplus > deficit or deficit == 0:
        extra = Fraction(compensation_gwei_per_kwh * deficit, surplus) if surplus else 0
        return CommunityPrices(Fraction(floor), tariff.feed_in + Fraction(extra))
    # With s = G/D the formula's denominator times D; 0 only if f = 0 and nobody sells.
    denominator = (retail - floor) * surplus + floor * deficit
    sell = Fraction(retail * floor * deficit, denominator) if denominator else Fraction(0)
    ratio = Fraction(surplus, deficit)
    return CommunityPrices(sell * ratio + retail * (1 - ratio), sell)


def bill_sharing(balance: Balance, tariff: Tariff) -> CommunityPrices:
    """Return the community's bill per kWh bought and its income per kWh sold, of a slot.

    buy = import r / D, sell = export f / G (0 where nobody buys or sells).
    """
    return bill_sharing_of([balance], tariff)


def bill_sharing_of(slots: list[Balance], tariff: Tariff) -> CommunityPrices:
    """Return bill sharing's prices over a billing period of several slots."""
    bought_uwh = sum(slot.deficit_uwh for slot in slots)
    sold_uwh = sum(slot.surplus_uwh for slot in slots)
    bill = sum(slot.import_uwh for slot in slots) * tariff.retail
    income = sum(slot.export_uwh for slot in slots) * tariff.feed_in
    buy = Fraction(bill, bought_uwh) if bought_uwh else Fraction(0)
    sell = Fraction(income, sold_uwh) if sold_uwh else Fraction(0)
    return CommunityPrices(buy, sell)


PRICE: dict[str, Callable[[Balance, Tariff], CommunityPrices]] = {
    "mid-market-rate": mid_market_rate,
    "supply-demand-ratio": supply_demand_ratio,
    "bill-sharing": bill_sharing,
}
"""Every community price with its defaults, by the name that the command line and scenarios use."""
