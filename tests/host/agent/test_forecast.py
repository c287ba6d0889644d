"""The forecast: what a house can sell or must buy."""

from __future__ import annotations

from hub.agent.forecast import forecast
from hub.agent.preferences import Preferences

WISH = Preferences(
    limit_gwei_per_kwh=140_000_000,
    min_trade_uwh=34_723,
    max_trade_uwh=52_084,
    is_prosumer=True,
    model_scale=100,
    averaging_s=60,
    need_horizon_s=720,
    battery_usable_uwh=100_000,
)
DELIVERY_S = 60


def readings(count: int = 5, **changes: int | None) -> list[dict[str, int | None]]:
    members = {"pv_power_uw": 20_000_000, "load_power_uw": None, "battery_voltage_uv": None}
    members |= {"load_apparent_uva": 500_000_000, **changes}
    return [{"received_at_ms": 1_000 * second, **members} for second in range(count)]


def test_surplus_is_what_pv_leaves_when_the_load_is_scaled():
    # 20 W of PV less 500 VA / 100 of load, over 60 s: 15 W * 60 s = 250 mWh.
    assert forecast(readings(), DELIVERY_S, WISH).surplus_uwh == 250_000


def test_need_is_the_uncovered_load_until_the_next_delivery_when_there_is_no_pv():
    # 500 VA / 100 over 720 s: 5 W * 720 s = 1 Wh.
    found = forecast(readings(pv_power_uw=None), DELIVERY_S, WISH)
    assert (found.need_uwh, found.surplus_uwh) == (1_000_000, 0)


def test_real_power_counts_when_the_load_has_a_voltage_channel():
    assert (
        forecast(readings(load_power_uw=400_000_000), DELIVERY_S, WISH).load_power_uw == 4_000_000
    )


def test_forecast_is_none_when_the_load_is_not_metered():
    assert forecast(readings(load_apparent_uva=None), DELIVERY_S, WISH) is None


def test_forecast_is_none_when_there_are_too_few_readings():
    assert forecast(readings(2), DELIVERY_S, WISH) is None
    assert forecast([], DELIVERY_S, WISH) is None


def test_old_readings_do_not_count_when_newer_ones_are_there():
    old = [{**one, "received_at_ms": one["received_at_ms"] - 600_000, "pv_power_uw": 0}
           for one in readings()]  # fmt: skip
    assert forecast(old + readings(), DELIVERY_S, WISH).pv_power_uw == 20_000_000


def test_battery_above_its_reserve_is_for_sale_when_it_is_full():
    # Full is 1000 permille, the reserve 500: half of the usable 100 mWh.
    full = readings(battery_voltage_uv=13_000_000, pv_power_uw=5_000_000)
    assert forecast(full, DELIVERY_S, WISH).surplus_uwh == 50_000


def test_battery_below_its_reserve_is_kept_when_it_is_low():
    low = readings(battery_voltage_uv=11_000_000)
    assert forecast(low, DELIVERY_S, WISH).stored_uwh == 0
