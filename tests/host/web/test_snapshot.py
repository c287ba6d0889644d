"""What rows of the store become for the page: phases, windows, money, history."""

from __future__ import annotations

import dataclasses

import pytest

from hub.services import snapshot, window_records
from hub.store import OrderRow, PeerRow, ReportRow, TradeRow, WindowRow

WINDOW = WindowRow(1, 100, 200, 220, 250, 300, 400, 1, 10, 1, 10, 500)
NAMES = {"0xA": "house-1", "0xB": "house-2"}


@pytest.mark.parametrize(
    ("now_s", "phase"),
    [
        (99, "before"),
        (100, "bids"),
        (199.9, "bids"),
        (200, "taking"),
        (220, "waiting"),
        (250, "delivery"),
        (300, "reporting"),
        (400, "over"),
    ],
)
def test_phase_begins_at_its_start_and_ends_before_its_end_when_time_passes(now_s, phase):
    assert window_records.phase_of(WINDOW, now_s) == phase


def later(window_id: int, by_s: int) -> WindowRow:
    times = {name: getattr(WINDOW, name) + by_s for _, name in window_records.SPANS}
    times["bid_start_s"] = WINDOW.bid_start_s + by_s
    return dataclasses.replace(WINDOW, window_id=window_id, **times)


def test_window_that_takes_orders_is_shown_when_an_older_one_still_delivers():
    assert window_records.current_window([later(2, 160), WINDOW], 265).window_id == 2


def test_delivering_window_is_shown_when_the_next_has_not_begun():
    assert window_records.current_window([later(2, 400), WINDOW], 265).window_id == 1


def test_next_window_is_shown_when_none_has_begun_and_none_when_all_are_over():
    assert window_records.current_window([later(2, 500), later(3, 900)], 420).window_id == 2
    assert window_records.current_window([WINDOW], 400) is None


def test_money_is_in_escrow_when_bids_stand_and_trades_are_unsettled():
    bid = OrderRow(1, 1, "0xB", False, 50, 30, 7, False, 0)
    offer = dataclasses.replace(bid, order_id=2, is_offer=True)
    cancelled = dataclasses.replace(bid, order_id=3, is_cancelled=True)
    trade = TradeRow(1, 1, 1, "0xA", "0xB", "0xA", 20, 7, 0, "delivering", *[None] * 5)
    settled = dataclasses.replace(trade, trade_id=2, state="settled")
    peers = [PeerRow("0xB", "house-2", "approved", 10**20, 0, 0)]
    found = snapshot.balance_records(peers, [bid, offer, cancelled], [trade, settled], NAMES)
    expected_wei = 30 * 7 + 20 * 7
    assert found == {"house-2": {"available_wei": str(10**20), "in_escrow_wei": str(expected_wei)}}


def test_newest_reading_stays_when_history_is_thinned():
    row = {"node": "house-1", "pv_power_uw": 1, "load_power_uw": None, "load_apparent_uva": 5}
    row |= {"battery_power_uw": None, "bus_power_uw": 0}
    rows = [{**row, "received_at_ms": at_ms} for at_ms in range(100)]
    found = snapshot.history_records(rows, 10)["house-1"]
    assert found["at_ms"] == list(range(9, 100, 10))
    assert found["load_uw"] == [5] * 10


def test_names_of_flags_are_given_when_bits_are_set():
    assert snapshot.quality_words(0) == []
    assert snapshot.quality_words(1 + 4) == ["overrange", "uncalibrated"]


def test_progress_is_summed_over_attempts_when_a_delivery_was_taken_up_again():
    trade = TradeRow(1, 1, 1, "0xA", "0xB", "0xA", 100, 7, 0, "delivering", *[None] * 5)
    rows = [("one", "seller", "progress", 30), ("one", "seller", "final", 40),
            ("one", "buyer", "final", 38), ("two", "seller", "progress", 10),
            ("two", "buyer", "closed", 0)]  # fmt: skip
    reports = [
        ReportRow(attempt, "house", role, phase, 0, energy_uwh, 0, 0, 0, None)
        for attempt, role, phase, energy_uwh in rows
    ]
    found = snapshot.trade_record(trade, NAMES, None, reports)
    assert (found["seller_uwh"], found["buyer_uwh"]) == (40 + 10, 38 + 0)
    assert found["moved_uwh"] == 38
