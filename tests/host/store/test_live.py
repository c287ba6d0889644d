"""What is live or newest: the same as of the whole history, without reading it."""

from __future__ import annotations

import contextlib
import re

import pytest

from hub.site_clock import wall_ms
from hub.store import Store
from hub.store.database import Database
from tests.host.store.year import ORDERS_EACH, Looks, fill

PEERS = ["0xhouse-1", "0xhouse-2", "0xhouse-3"]
# Looked through whole inside the database, for the rows of now; or ended by their limit.
ALLOWED = re.compile(r"FROM (orders WHERE is_offer = 0 AND|trades t\s+WHERE chain_state)|LIMIT \?$")
LONG = re.compile(r"\bSCAN (orders|trades|t|deliveries|d|window_plans|readings)\b")


@pytest.fixture
def aged(store):
    fill(store, PEERS, windows=12)
    return store


@contextlib.contextmanager
def listening(monkeypatch):
    """Note each statement with its parameters and the number of rows it returned."""
    asked, rows_of = [], Database._rows

    def noted(self, sql, parameters=()):
        rows = rows_of(self, sql, parameters)
        asked.append((sql, parameters, len(rows)))
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(Database, "_rows", noted)
        yield asked


def test_windows_are_the_same_as_of_the_whole_history(aged):
    now_s, windows = wall_ms() / 1_000, aged.windows()
    live = [one for one in windows if now_s < one.report_by_s]
    assert aged.live_windows(now_s) == live and 0 < len(live) < len(windows)
    assert aged.newest_windows(3) == windows[:3]
    assert aged.windows_delivered_from(windows[5].delivery_start_s) == [windows[5]]
    assert aged.windows_by_id([1, 3, 3, 99]) == {1: aged.window(1), 3: aged.window(3)}
    assert aged.plan(3) == aged.plans()[3] and aged.plan(99) is None


def test_orders_are_the_same_as_of_the_whole_history(aged):
    orders = aged.orders()
    assert aged.order(7) == orders[6] and aged.order(999) is None
    assert aged.orders_by_id([7, 999]) == {7: orders[6]}
    assert aged.newest_orders(15) == orders[-15:]
    of_window = [one for one in orders if one.window_id == 4]
    assert aged.orders(4) == of_window and len(of_window) == ORDERS_EACH
    assert aged.orders(peer=PEERS[1]) == [one for one in orders if one.peer == PEERS[1]]
    assert aged.orders(4, PEERS[1]) == [one for one in of_window if one.peer == PEERS[1]]


def test_trades_are_the_same_as_of_the_whole_history(aged):
    trades = aged.trades()
    assert aged.newest_trades(15) == trades[::-1][:15]
    assert aged.newest_ids() == (aged.orders()[-1].order_id, trades[-1].trade_id)
    open_ = [one for one in trades if one.state != "settled"]
    assert aged.open_trades() == open_ and len(open_) == ORDERS_EACH
    assert aged.trade_states() == {"settled": len(trades) - ORDERS_EACH, "matched": ORDERS_EACH}
    of_peer = [one for one in trades if PEERS[0] in (one.seller, one.buyer)]
    assert aged.trades(PEERS[0]) == of_peer
    assert aged.trades(PEERS[0], 4) == [one for one in of_peer if one.window_id == 4]
    assert aged.deliveries(7) == [one for one in aged.deliveries() if one.trade_id == 7]


def test_nothing_is_newest_when_nothing_is_there(store):
    assert store.newest_ids() == (0, 0) and store.trade_states() == {}
    assert store.live_windows(0) == store.newest_trades(3) == store.newest_orders(3) == []


@pytest.mark.parametrize("name", ["panel's look", "page's snapshot", "agent's record",
                                  "round of returns"])  # fmt: skip
def test_look_reads_no_more_when_the_store_is_ten_times_as_old(name, tmp_path, monkeypatch):
    read = {}
    for windows in (20, 200):
        looks = Looks(tmp_path / str(windows), windows)
        with listening(monkeypatch) as asked:
            looks.all()[name]()
        read[windows] = sum(rows for _, _, rows in asked)
        plans = {
            step["detail"]
            for sql, parameters, _ in asked
            if not ALLOWED.search(sql)
            for step in looks.store._rows(f"EXPLAIN QUERY PLAN {sql}", parameters)
        }
        assert plans and not [one for one in plans if LONG.search(one) and "USING" not in one]
        looks.store.close()
    assert 0 < read[20] == read[200]


def test_no_table_is_scanned_when_one_thing_is_asked_for(tmp_path, monkeypatch):
    store = Store.open(tmp_path / "store.db")
    with listening(monkeypatch) as asked:
        store.orders(4)
        store.trades(PEERS[0], 4)
        store.deliveries(7)
        store.order(7)
        store.plan(4)
    for sql, parameters, _ in asked:
        steps = [row["detail"] for row in store._rows(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        assert not [one for one in steps if one.startswith("SCAN")], steps
    store.close()
