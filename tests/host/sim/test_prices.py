"""The array prices against the exact ones of the market engine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.market.community import (
    Balance,
    Tariff,
    bill_sharing,
    mid_market_rate,
    supply_demand_ratio,
)
from hub.sim.prices import internal_price

KWH = 1_000_000_000
EXACT = {
    "mid-market-rate": mid_market_rate,
    "supply-demand-ratio": supply_demand_ratio,
    "bill-sharing": bill_sharing,
}


def mean_prices(mechanism, surplus, deficit, retail, feed_in, compensation=0.0):
    """Prices as the simulator settles them: inside at its price, the rest with the grid."""
    ratio = np.array([surplus / deficit])
    price = internal_price(mechanism, ratio, np.array([retail]), np.array([feed_in]), compensation)[
        0
    ]
    traded = min(surplus, deficit)
    buy = (traded * price + (deficit - traded) * retail) / deficit
    sell = (traded * price + (surplus - traded) * feed_in) / surplus
    return buy, sell


@pytest.mark.parametrize("mechanism", EXACT)
@given(
    surplus_wh=st.integers(1, 10**6),
    deficit_wh=st.integers(1, 10**6),
    feed_in=st.integers(0, 300),
    spread=st.integers(1, 300),
)
def test_prices_equal_the_exact_ones_when_both_sides_exist(
    mechanism, surplus_wh, deficit_wh, feed_in, spread
):
    balance = Balance(surplus_wh * 10**6, deficit_wh * 10**6)
    exact = EXACT[mechanism](balance, Tariff(feed_in + spread, feed_in))
    buy, sell = mean_prices(mechanism, surplus_wh, deficit_wh, feed_in + spread, feed_in)
    assert buy == pytest.approx(float(exact.buy_exact), rel=1e-9, abs=1e-9)
    assert sell == pytest.approx(float(exact.sell_exact), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("surplus", "deficit"), [(6, 10), (10, 6)])
def test_ratio_price_equals_the_exact_one_when_there_is_a_compensation(surplus, deficit):
    balance = Balance(surplus * KWH, deficit * KWH)
    exact = supply_demand_ratio(balance, Tariff(300, 100), 20)
    found = mean_prices("supply-demand-ratio", surplus, deficit, 300.0, 100.0, 20.0)
    assert found == pytest.approx((float(exact.buy_exact), float(exact.sell_exact)))


def test_ratio_price_is_zero_when_the_grid_pays_nothing_and_someone_sells():
    price = internal_price(
        "supply-demand-ratio", np.array([0.5, 0.0]), np.array([0.3, 0.3]), np.zeros(2)
    )
    assert price.tolist() == [0.0, 0.0]
