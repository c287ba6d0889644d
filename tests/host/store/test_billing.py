"""Bills of a site: exact splits, the same whether by days or by months, and readable on paper."""

from __future__ import annotations

import dataclasses
import datetime
import shutil
import zoneinfo

import pytest
from click.testing import CliRunner

from hub import billing, bills
from hub import config as configuration
from hub.bills_cli import bills as command
from hub.bills_page import bills_page
from hub.bills_print_cli import BROWSERS
from hub.store import IdentityRow, Store
from tests.host.hub.conftest import Events
from tests.host.hub.samples import reading

ZONE = zoneinfo.ZoneInfo("America/Los_Angeles")
MIDNIGHT_MS = round(datetime.datetime(2026, 6, 1, tzinfo=ZONE).timestamp() * 1000)
HOUR_MS = 3_600_000
ADDING_UP = ("load_uwh", "from_own_uwh", "from_community_uwh", "from_grid_uwh", "paid_wei",
             "earned_wei", "fees_wei", "trades", "pv_produced_uwh", "bus_export_uwh")  # fmt: skip
RETAIL, FEED_IN = 300_000_000, 100_000_000


@pytest.fixture
def site(tmp_path):
    configuration.write(tmp_path / "site", configuration.bench_houses(2), site={"name": "Orchard"})
    return configuration.load(tmp_path / "site")


@pytest.fixture
def store(site):
    """Two houses over two days: one with PV and a load register, one that buys."""
    opened = Store.open(site.store_path)
    events = Events(opened)
    events.open_market()
    opened.bind_identity(IdentityRow(1337, "0xgenesis", "0x" + "c0" * 20, "0xblock"))
    with opened.transaction():
        for hour in range(48):
            at_ms = MIDNIGHT_MS + hour * HOUR_MS
            for node, load in (("house-1", 133_357), ("house-2", 50_001)):
                record = reading(
                    hour + 1,
                    pv_export_uwh=1_713 * hour if node == "house-1" else None,
                    battery_import_uwh=300 * hour,
                    battery_export_uwh=200 * hour,
                    bus_import_uwh=0,
                    bus_export_uwh=41 * hour if node == "house-1" else 0,
                    load_import_uwh=load * hour,
                )
                opened.store_record(node, "reading", record, (at_ms, at_ms))
    for number in (1, 2, 3):
        events.offer(number, energy_uwh=1_000, price=200_000_000)
        events.trade(number, number, 1_000, 200_000_000, MIDNIGHT_MS)
        closed_ms = MIDNIGHT_MS + (number * 10 + 3) * HOUR_MS
        events.settle(number, (990, 980), 200_000_000, at_ms=closed_ms)
    yield opened
    opened.close()


def made(site, store, period):
    return list(billing.periods_billed(site, store, (0, billing.FOREVER_MS), period))


def test_load_is_the_sum_of_its_sources_to_the_uwh(site, store):
    for billed in made(site, store, "day"):
        for bill in billed.bills:
            assert bill.load_uwh == (
                bill.from_own_uwh + bill.from_community_uwh + bill.from_grid_uwh
            )
            assert bill.load_source == "board"


def test_bills_of_days_add_up_to_that_of_the_month(site, store):
    (month,) = made(site, store, "month")
    days = made(site, store, "day")
    assert len(days) == 2
    for number, whole in enumerate(month.bills):
        for name in ADDING_UP:
            if getattr(whole, name) is None:
                continue
            parts = [getattr(day.bills[number], name) for day in days]
            assert sum(parts) == getattr(whole, name), name


def test_money_of_all_bills_is_that_of_the_trades(site, store):
    (month,) = made(site, store, "month")
    assert sum(bill.paid_wei for bill in month.bills) == 3 * 980 * 200_000_000
    assert sum(bill.earned_wei for bill in month.bills) == 3 * 980 * 200_000_000
    assert sum(bill.net_wei for bill in month.bills) == 0


def test_bills_are_the_same_when_readings_are_gone(site, store):
    before = made(site, store, "day")
    store.close_periods(MIDNIGHT_MS + 90 * 24 * HOUR_MS)
    list(store.prune_readings(MIDNIGHT_MS + 60 * 24 * HOUR_MS))
    assert len(store.readings_between(0, 2**62)) == 2  # the newest of each
    assert made(site, store, "day") == before


def test_grid_costs_the_retail_tariff_and_earns_the_feed_in_tariff():
    tariffs = bills.Tariffs(RETAIL, FEED_IN)
    assert tariffs.cost_wei(10) == 10 * RETAIL
    assert tariffs.cost_wei(-10) == -10 * FEED_IN


def test_house_is_metered_by_its_plug_when_its_board_has_no_load_sensor(site, tmp_path):
    path = tmp_path / "other.db"
    store = Store.open(path)
    events = Events(store)
    events.open_market()
    plug = {"plug": "plug-1", "house": "house-1", "is_house_meter": True, "is_on": None,
            "power_uw": None, "voltage_uv": None, "current_ua": None,
            "device_uwh": None}  # fmt: skip
    for hour in range(25):
        at_ms = MIDNIGHT_MS + hour * HOUR_MS
        record = reading(hour + 1, pv_export_uwh=100 * hour, bus_export_uwh=0)
        store.store_record("house-1", "reading", record, (at_ms, at_ms))
        store.store_plug({**plug, "at_ms": at_ms, "energy_uwh": 40_000 * hour})
    (billed, *_) = made(site, store, "day")
    bill = next(one for one in billed.bills if one.peer == "house-1")
    assert (bill.load_source, bill.load_uwh) == ("plug", 23 * 400)
    assert bill.from_grid_uwh == 23 * 400 - 2_300
    assert billed.bills[1].load_source is None and billed.bills[1].from_grid_uwh is None
    store.close()


def page(site, store, peer=None):
    names = {peer.peer: peer.node for peer in store.peers()}
    return bills_page(site, store.identity(), names, made(site, store, "month"), peer)


def test_page_has_one_sheet_a_bill_with_its_trades_and_exact_amounts(site, store):
    text = page(site, store)
    assert text.count('<article class="bill">') == 2
    assert "01 June 2026 to 30 June 2026" in text
    # 3 * 980 uWh at 200,000,000 gwei a kWh
    assert text.count("588 gwei") >= 2
    assert 'sold to <span class="name">house-2<' in text
    assert 'bought from <span class="name">house-1<' in text
    assert "0x" + "c0" * 20 in text


def test_page_says_what_is_not_metered_and_escapes_names(site, store, tmp_path):
    bare = Store.open(tmp_path / "bare.db")
    events = Events(bare)
    events.open_market()
    bare.store_record("house-1", "reading", reading(1), (MIDNIGHT_MS, MIDNIGHT_MS))
    names = {"0xhouse-1": "<script>"}
    text = bills_page(site, None, names, made(site, bare, "day"))
    assert "not metered" in text and "no voltage sensor" in text and "<script>" not in text
    bare.close()


def test_command_writes_html_for_one_house_and_names_a_stranger(site, store, tmp_path):
    out = tmp_path / "bills.html"
    given = ["print", "--data", str(site.data_dir), "--out", str(out), "--peer"]
    assert CliRunner().invoke(command, [*given, "house-1"]).exit_code == 0
    assert out.read_text().count('<article class="bill">') == 1
    wrong = CliRunner().invoke(command, [*given, "house-9"])
    assert "no house of Orchard has that name" in str(wrong.exception)


@pytest.mark.browser
@pytest.mark.parametrize("fee_gwei_per_kwh", [0, 12_345_678])
def test_sheet_holds_its_trades_when_their_amounts_are_long(
    site, store, tmp_path, fee_gwei_per_kwh
):
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        pytest.skip("Chromium is not installed")
    path = tmp_path / "bills.html"
    long = {
        "price_gwei_per_kwh": 187_654_321, "settled_uwh": 987_654,
        "paid_wei": 987_654 * 187_654_321, "fee_gwei_per_kwh": fee_gwei_per_kwh,
        "fee_wei": 987_654 * fee_gwei_per_kwh,
    }  # fmt: skip
    billed = [
        dataclasses.replace(
            one,
            bills=tuple(dataclasses.replace(bill, fees_wei=long["fee_wei"]) for bill in one.bills),
            trades=tuple(dataclasses.replace(trade, **long) for trade in one.trades),
        )
        for one in made(site, store, "month")
    ]
    names = {peer.peer: peer.node for peer in store.peers()}
    path.write_text(bills_page(site, store.identity(), names, billed))
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 900, "height": 1100})
        tab.goto(path.as_uri())
        over = tab.eval_on_selector_all(
            ".trades", "all => all.map(one => one.scrollWidth - one.clientWidth)"
        )
        browser.close()
    assert over and max(over) <= 0


@pytest.mark.browser
def test_command_prints_a_pdf_of_one_sheet_a_bill_when_chromium_is_there(site, store, tmp_path):
    if not any(map(shutil.which, BROWSERS)):
        pytest.skip("Chromium is not installed")
    out = tmp_path / "bills.pdf"
    done = CliRunner().invoke(
        command, ["print", "--data", str(site.data_dir), "--out", str(out)], catch_exceptions=False
    )
    assert done.exit_code == 0
    content = out.read_bytes()
    assert content.startswith(b"%PDF-") and content.count(b"/Type /Page\n") == 2


def test_bill_has_no_jump_and_its_identity_holds_when_a_board_was_in_quarantine(site, store):
    """House 1's registers jump within a quarantine of two hours; the day is billed without them."""
    (before,) = made(site, store, "month")
    out_ms = MIDNIGHT_MS + 48 * HOUR_MS
    row = {"node": "house-1", "reason": "lies", "since_ms": out_ms - HOUR_MS}
    store.set_state("quarantine", [{**row, "released_ms": out_ms}])
    for hour in range(2):
        record = reading(
            100 + hour,
            pv_export_uwh=10**9 + 500 * hour,
            battery_import_uwh=10**9,
            battery_export_uwh=10**9,
            bus_import_uwh=0,
            bus_export_uwh=10**9,
            load_import_uwh=10**9 + 40_000 * hour,
        )
        at_ms = out_ms + HOUR_MS * (hour + 1)
        store.store_record("house-1", "reading", record, (at_ms, at_ms))
    (after,) = made(site, store, "month")
    first, then = (next(one for one in billed.bills if one.peer == "house-1")
                   for billed in (before, after))  # fmt: skip
    assert then.load_uwh - first.load_uwh == 40_000 // site.site.model_scale
    assert then.load_uwh == then.from_own_uwh + then.from_community_uwh + then.from_grid_uwh
