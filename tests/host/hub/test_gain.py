"""What trading gained over the grid alone, and when a bench's days are over."""

from __future__ import annotations

import datetime
import zoneinfo
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import config, some_days
from hub.gain import gains
from hub.site_clock import SiteClock
from tests.host.hub.samples import trade_row

RETAIL, FEED_IN = 300, 100
NAMES = {"0xa": "house-1", "0xb": "house-2"}


def trade(**changes):
    usual = {"seller": "0xa", "buyer": "0xb", "state": "settled", "settled_uwh": 10,
             "price_gwei_per_kwh": 220, "paid_wei": 2_200}  # fmt: skip
    return trade_row(**(usual | changes))


def test_both_gain_what_the_tariffs_leave_them():
    found = gains([trade()], (RETAIL, FEED_IN), NAMES.get)
    buyer, seller = found["houses"]["house-2"], found["houses"]["house-1"]
    assert (buyer["with_wei"], buyer["without_wei"], buyer["gained_wei"]) == (2_200, 3_000, 800)
    assert (seller["with_wei"], seller["without_wei"], seller["gained_wei"]) == (
        -2_200,
        -1_000,
        1_200,
    )
    assert (found["energy_uwh"], found["gained_wei"]) == (10, 2_000)


def test_fee_is_nobodys_gain():
    found = gains([trade(fee_wei=200)], (RETAIL, FEED_IN), NAMES.get)
    assert found["houses"]["house-1"]["gained_wei"] == 1_000
    assert found["gained_wei"] == 1_800


def test_nothing_is_gained_when_a_trade_was_refunded():
    found = gains(
        [trade(state="refunded", settled_uwh=0, paid_wei=0)], (RETAIL, FEED_IN), NAMES.get
    )
    assert found == {"energy_uwh": 0, "gained_wei": 0, "houses": {}}


def test_stranger_goes_by_its_address():
    found = gains([trade(buyer="0xgone")], (RETAIL, FEED_IN), NAMES.get)
    assert set(found["houses"]) == {"house-1", "0xgone"}


@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(FEED_IN, RETAIL), st.booleans())))
def test_gain_is_the_tariffs_span_whatever_the_prices_are(rows):
    trades = [
        trade(seller="0xa" if forth else "0xb", buyer="0xb" if forth else "0xa",
              settled_uwh=energy_uwh, price_gwei_per_kwh=price, paid_wei=energy_uwh * price)
        for energy_uwh, price, forth in rows
    ]  # fmt: skip
    found = gains(trades, (RETAIL, FEED_IN), NAMES.get)
    energy_uwh = sum(row[0] for row in rows)
    assert found["gained_wei"] == energy_uwh * (RETAIL - FEED_IN)
    assert all(house["gained_wei"] >= 0 for house in found["houses"].values())


@pytest.fixture
def day(store, tmp_path):
    """A site whose clock reads 10:15 at 0 ms and runs as fast as the wall's."""
    clock = SiteClock(datetime.datetime(1970, 1, 1, 10, 15), 0, 1, zoneinfo.ZoneInfo("UTC"))
    table = {"houses": [{"name": "house-1"}], "clock": {"zone": "UTC"}}
    return SimpleNamespace(store=store, clock=clock, config=config.check(table, tmp_path))


def at(day, monkeypatch, hours, minutes=0):
    wall_ms = day.clock.wall_ms_of(datetime.datetime(1970, 1, 1, hours, minutes))
    monkeypatch.setattr(some_days, "wall_ms", lambda: wall_ms)
    return wall_ms


def test_day_is_not_over_when_a_window_is_ahead(day, monkeypatch):
    end = some_days.end_of(1, day.clock, at(day, monkeypatch, 15))
    assert end == datetime.datetime(1970, 1, 2)
    assert not some_days._is_over(day, end)


def test_day_is_over_when_its_last_window_is_past_and_nothing_is_open(day, monkeypatch):
    end = some_days.end_of(1, day.clock, at(day, monkeypatch, 17, 40))
    assert some_days._is_over(day, end)
    assert not some_days._is_over(day, end + datetime.timedelta(days=1))


def test_day_waits_when_a_trade_is_still_open(day, market, monkeypatch):
    end = some_days.end_of(1, day.clock, at(day, monkeypatch, 17, 40))
    market.offer()
    market.trade()
    assert not some_days._is_over(day, end)
    market.settle()
    assert some_days._is_over(day, end)
