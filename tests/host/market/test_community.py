"""Community prices: the reference table, and that money balances to the wei."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.market.community import (
    PRICE,
    Balance,
    Tariff,
    bill_sharing_of,
    mid_market_rate,
    supply_demand_ratio,
)
from hub.market.records import MarketRefusal
from hub.market.sharing import balance_of, settle_at, settle_community
from tests.host.market.books import EUR, KWH, gwei

TARIFF = Tariff(gwei(".30"), gwei(".10"))
MORE, LESS, EVEN = (10, 6), (6, 10), (8, 8)  # surplus and deficit, kWh


def balance(kwh: tuple[int, int]) -> Balance:
    return Balance(kwh[0] * KWH, kwh[1] * KWH)


@pytest.mark.parametrize(
    ("mechanism", "kwh", "buy", "sell"),
    [
        # m = .20. G > D: sell = (6 x .20 + 4 x .10)/10. G < D: buy = (6 x .20 + 4 x .30)/10.
        ("mid-market-rate", MORE, "1/5", "4/25"),
        ("mid-market-rate", LESS, "6/25", "1/5"),
        ("mid-market-rate", EVEN, "1/5", "1/5"),
        # s = .6: sell = .30 x .10/(.20 x .6 + .10) = .03/.22; buy = .6 x 3/22 + .4 x .30.
        ("supply-demand-ratio", MORE, "1/10", "1/10"),
        ("supply-demand-ratio", LESS, "111/550", "3/22"),
        ("supply-demand-ratio", EVEN, "1/10", "1/10"),
        # G > D: 4 kWh exported at .10 over 10 sold. G < D: 4 imported at .30 over 10 bought.
        ("bill-sharing", MORE, "0", "1/25"),
        ("bill-sharing", LESS, "3/25", "0"),
        ("bill-sharing", EVEN, "0", "0"),
    ],
)
def test_community_price_is_that_of_the_table_when_tariffs_are_30_and_10(
    mechanism: str, kwh: tuple[int, int], buy: str, sell: str
) -> None:
    prices = PRICE[mechanism](balance(kwh), TARIFF)
    assert prices.buy_exact / EUR == Fraction(buy)
    assert prices.sell_exact / EUR == Fraction(sell)


def test_supply_demand_ratio_raises_prices_when_sellers_are_compensated() -> None:
    # c = .12: sell = .30 x .12/(.18 x .6 + .12) = .036/.228; buy = .6 x 3/19 + .12.
    prices = supply_demand_ratio(balance(LESS), TARIFF, gwei(".02"))
    assert prices.buy_exact / EUR == Fraction(102, 475)
    assert prices.sell_exact / EUR == Fraction(3, 19)


@pytest.mark.parametrize("compensation", [-1, 201])
def test_supply_demand_ratio_refuses_when_compensation_leaves_the_tariff(compensation: int) -> None:
    with pytest.raises(MarketRefusal, match="compensation must be from 0 to 200"):
        supply_demand_ratio(balance(LESS), Tariff(300, 100), compensation)


@pytest.mark.parametrize("feed_in", [300, 301])
def test_tariff_refuses_when_feed_in_reaches_retail(feed_in: int) -> None:
    with pytest.raises(MarketRefusal, match="must be below the retail tariff"):
        Tariff(300, feed_in)


def test_bill_sharing_prices_a_period_when_slots_differ() -> None:
    # Noon exports 4, evening imports 4: 4 x .30 over 16 bought, 4 x .10 over 16 sold.
    prices = bill_sharing_of([balance(MORE), balance(LESS)], TARIFF)
    assert prices.buy_exact / EUR == Fraction(3, 40)
    assert prices.sell_exact / EUR == Fraction(1, 40)


def test_prices_round_for_the_grid_account_when_they_are_fractions() -> None:
    # buy = 2220000000/11 = 201818181.8..., sell = 1500000000/11 = 136363636.36...
    prices = PRICE["supply-demand-ratio"](balance(LESS), TARIFF)
    assert prices.buy_gwei_per_kwh == 201_818_182
    assert prices.sell_gwei_per_kwh == 136_363_636


def test_settlement_charges_members_and_the_grid_account_when_energy_is_short() -> None:
    settled = settle_community({"sun": 6 * KWH, "shade": -10 * KWH}, TARIFF)
    # MMR: buys 10 kWh at .24, sells 6 kWh at .20; the grid delivers 4 kWh at .30 = 1.20.
    assert settled.cost_wei == {"sun": -1_200 * 10**15, "shade": 2_400 * 10**15}
    assert settled.grid_cost_wei == -1_200 * 10**15
    assert settled.residual_wei == 0


def test_settlement_refuses_when_a_member_is_named_like_the_grid() -> None:
    with pytest.raises(MarketRefusal, match="grid account's name"):
        settle_community({"grid": 1}, TARIFF)


amounts = st.integers(0, 10**12)
positions = st.dictionaries(st.text(min_size=5, max_size=6), st.integers(-(10**12), 10**12))


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    feed_in = draw(st.integers(0, 10**9))
    return Tariff(feed_in + draw(st.integers(1, 10**9)), feed_in)


@pytest.mark.parametrize("mechanism", sorted(PRICE))
@given(surplus=amounts, deficit=amounts, tariff=tariffs())
def test_exact_prices_pay_the_grid_exactly_when_amounts_are_any(
    mechanism: str, surplus: int, deficit: int, tariff: Tariff
) -> None:
    found = Balance(surplus, deficit)
    prices = PRICE[mechanism](found, tariff)
    bill = found.import_uwh * tariff.retail - found.export_uwh * tariff.feed_in
    assert deficit * prices.buy_exact - surplus * prices.sell_exact == bill
    assert 0 <= prices.sell_exact <= prices.buy_exact or mechanism == "bill-sharing"
    assert prices.buy_exact <= tariff.retail


@given(surplus=amounts, deficit=amounts, tariff=tariffs(), data=st.data())
def test_compensated_prices_pay_the_grid_exactly_when_amounts_are_any(
    surplus: int, deficit: int, tariff: Tariff, data: st.DataObject
) -> None:
    found = Balance(surplus, deficit)
    compensation = data.draw(st.integers(0, tariff.retail - tariff.feed_in))
    prices = supply_demand_ratio(found, tariff, compensation)
    bill = found.import_uwh * tariff.retail - found.export_uwh * tariff.feed_in
    assert deficit * prices.buy_exact - surplus * prices.sell_exact == bill


@pytest.mark.parametrize("mechanism", ["mid-market-rate", "supply-demand-ratio"])
@given(surplus=amounts, deficit=amounts, tariff=tariffs())
def test_no_member_is_worse_off_than_with_the_grid_when_prices_are_whole(
    mechanism: str, surplus: int, deficit: int, tariff: Tariff
) -> None:
    prices = PRICE[mechanism](Balance(surplus, deficit), tariff)
    assert prices.buy_gwei_per_kwh <= tariff.retail
    # Without anyone to sell there is nothing to be better than.
    assert prices.sell_gwei_per_kwh >= tariff.feed_in or surplus == 0


@pytest.mark.parametrize("mechanism", sorted(PRICE))
@given(net_uwh=positions, tariff=tariffs())
def test_settlement_balances_to_the_wei_when_positions_are_any(
    mechanism: str, net_uwh: dict[str, int], tariff: Tariff
) -> None:
    before = dict(net_uwh)
    settled = settle_community(net_uwh, tariff, mechanism)
    assert net_uwh == before
    assert sum(settled.cost_wei.values()) + settled.grid_cost_wei == 0
    # Rounding costs less than 1 gwei/kWh on each side.
    moved_uwh = settled.balance.surplus_uwh + settled.balance.deficit_uwh
    assert 0 <= settled.residual_wei <= moved_uwh


def test_mid_market_rate_is_the_middle_when_nobody_trades() -> None:
    prices = mid_market_rate(balance_of({}), Tariff(301, 100))
    assert (prices.buy_gwei_per_kwh, prices.sell_gwei_per_kwh) == (201, 200)
    settled = settle_at({"idle": 0}, prices, Tariff(301, 100))
    assert settled.cost_wei == {"idle": 0}
