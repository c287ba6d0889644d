"""Bills, exports and the report: figures with units, honest where nothing was measured."""

from __future__ import annotations

import csv
import dataclasses
import io
import json

import pyarrow.parquet
import pytest
from click.testing import CliRunner

from hub import bills, config, keys, report
from hub.chain.records import Totals
from hub.errors import BadInput
from hub.export import export
from hub.store import DeliveryRow, NodeRow, Store
from hub.store.plugs import PLUG_COLUMNS
from tests.host.hub.conftest import Events
from tests.host.hub.samples import aggregate, reading

DAY_MS = 86_400_000


@pytest.fixture
def site(tmp_path):
    houses = config.bench_houses(2)
    config.write(tmp_path, houses, clock={"zone": "UTC"})
    keys.create(tmp_path / "keys.json", [house.name for house in houses])
    return config.load(tmp_path)


@pytest.fixture
def filled(site):
    """Two days: house-1 makes 5,000 uWh of PV a day and sells 1,000 of them on the first."""
    store = Store.open(site.store_path)
    events = Events(store)
    events.open_market()
    events.offer()
    events.trade(at_ms=1_000)
    events.settle(energies=(990, 980), at_ms=2_000)
    store.set_nodes(NodeRow(house.name, house.kind, "bus-1", None) for house in site.houses)
    for seq, (at_ms, pv, bus) in enumerate(
        [(500, 100, 0), (DAY_MS - 1, 5_100, 990), (2 * DAY_MS - 1, 10_100, 990)], 1
    ):
        record = reading(seq, pv_export_uwh=pv, bus_export_uwh=bus, bus_import_uwh=0)
        store.store_record("house-1", "reading", record, (at_ms, at_ms))
    yield store
    store.close()


def exported(site, *arguments):
    result = CliRunner().invoke(
        export, [*arguments, "--data", str(site.data_dir)], standalone_mode=False
    )
    if result.exception:
        raise result.exception
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_trades_are_exported_with_names_and_units(site, filled):
    (row,) = exported(site, "trades")
    assert (row["seller"], row["buyer"]) == ("house-1", "house-2")
    assert (row["agreed_uwh"], row["settled_uwh"]) == ("1000", "980")
    assert (row["paid_wei"], row["refunded_wei"], row["state"]) == ("6860", "140", "settled")
    assert (row["attempts"], row["reason"]) == ("0", "")


def test_trades_say_in_how_many_attempts_and_why_the_last_ended(site, filled):
    for attempt, reason in enumerate(("exposure", "no_turn"), 1):
        times = (5, None, None, None, None, None)
        begun = DeliveryRow(
            f"1-{attempt}", 1, attempt, 1, "settled", "{}", reason, *times, None, None
        )
        filled.open_delivery(begun)
    (row,) = exported(site, "trades")
    assert (row["attempts"], row["reason"]) == ("2", "no_turn")


def test_readings_keep_what_was_not_measured_empty(site, filled):
    rows = exported(site, "readings", "--until", "1970-01-02")
    assert len(rows) == 2
    assert rows[0]["pv_export_uwh"] == "100"
    assert rows[0]["load_power_uw"] == ""


@pytest.mark.parametrize(
    ("real_uw", "apparent_uva", "told"),
    [
        (575_000_000, 1_150_000_000, "500"),
        (-575_000_000, 1_150_000_000, "-500"),
        (None, 1_150_000_000, ""),
        (0, 0, ""),
        (None, None, ""),
    ],
)
def test_readings_tell_the_power_factor_when_both_powers_are_known(
    site, filled, real_uw, apparent_uva, told
):
    record = reading(9, load_power_uw=real_uw, load_apparent_uva=apparent_uva)
    filled.store_record("house-2", "reading", record, (700, 700))
    (row,) = [row for row in exported(site, "readings") if row["node"] == "house-2"]
    assert row["load_power_factor_permille"] == told


def test_aggregates_are_exported_by_their_own_time(site, filled):
    for seq, t_ms in ((1, 5_000), (2, DAY_MS), (3, None)):
        record = aggregate(seq, t_ms=t_ms, pv_power_uw=seq)
        filled.store_record("house-1", "aggregate", record, (2 * DAY_MS, 0))
    rows = exported(site, "aggregates", "--until", "1970-01-02")
    assert [(row["seq"], row["pv_power_uw"], row["bus_power_uw"]) for row in rows] == [
        ("1", "1", "")
    ]
    assert len(exported(site, "aggregates", "--since", "1970-01-02")) == 2


def test_bills_split_each_day_and_leave_the_grid_open_when_no_load_is_metered(site, filled):
    rows = exported(site, "bills")
    first = next(one for one in rows if one["peer"] == "house-1")
    assert first["pv_produced_uwh"] == "5000"
    assert first["from_own_uwh"] == str(5_000 - 990)
    assert (first["to_community_uwh"], first["earned_wei"], first["net_wei"]) == (
        *("980", "6860", "6860"),
    )
    assert first["from_grid_uwh"] == first["load_uwh"] == ""
    second_day = [one for one in rows if one["start_ms"] == str(DAY_MS)]
    assert [one["pv_produced_uwh"] for one in second_day] == ["5000", ""]
    assert [one["trades"] for one in second_day] == ["0", "0"]


def test_bill_is_one_when_the_period_is_all(site, filled):
    rows = exported(site, "bills", "--period", "all")
    assert [one["peer"] for one in rows] == ["house-1", "house-2"]
    assert rows[0]["pv_produced_uwh"] == "10000"


def test_parquet_holds_the_same_when_it_is_asked_for(site, filled, tmp_path):
    out = tmp_path / "trades.parquet"
    exported(site, "trades", "--format", "parquet", "--out", str(out))
    (row,) = pyarrow.parquet.read_table(out).to_pylist()
    assert (row["agreed_uwh"], row["paid_wei"]) == (1_000, "6860")


def test_columns_are_there_when_there_are_no_rows(site):
    Store.open(site.store_path).close()
    result = CliRunner().invoke(export, ["trades", "--data", str(site.data_dir)])
    assert result.exit_code == 0
    assert result.stdout.startswith("trade_id,window_id,")
    assert result.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["trades", "--since", "yesterday"], "--since: 'yesterday' is not an ISO date"),
        (["trades", "--format", "parquet"], "needs --out"),
        (["trades"], "has not run here yet"),
    ],
)
def test_export_says_what_is_wrong_when_it_cannot(site, arguments, sentence):
    with pytest.raises(BadInput, match=sentence):
        exported(site, *arguments)


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_export_names_the_file_when_it_cannot_be_written(site, filled, tmp_path, file_format):
    out = tmp_path / "gone" / "trades"
    with pytest.raises(BadInput, match=f"--out {out}: .*No such file"):
        exported(site, "trades", "--format", file_format, "--out", str(out))


# Bills as pure functions ------------------------------------------------------------------------

HOUSE = ("house-2", "0xhouse-2")


def metered(**changes):
    names = ("pv_export_uwh", "battery_import_uwh", "battery_export_uwh", "bus_export_uwh")
    return {**dict.fromkeys((*names, "load_import_uwh", "load_apparent_uvah")), **changes}


def test_load_is_the_exact_sum_of_its_parts_when_it_is_metered(store, market):
    market.offer()
    market.trade()
    market.settle()
    start = metered(load_import_uwh=0, pv_export_uwh=0, bus_export_uwh=0)
    end = metered(load_import_uwh=555_555, pv_export_uwh=2_000, bus_export_uwh=0)
    bill = bills.make_bill(HOUSE, (0, 9), (start, end), store.trades(), 100)
    assert bill.load_uwh == 5_555
    assert (bill.from_own_uwh, bill.from_community_uwh, bill.from_grid_uwh) == (2_000, 1_000, 2_555)
    assert (bill.paid_wei, bill.earned_wei, bill.net_wei) == (7_000, 0, -7_000)


def test_load_is_that_of_a_plug_when_the_board_has_no_mains_voltage(store):
    start = metered(pv_export_uwh=0, bus_export_uwh=0, house_meter_uwh=100)
    end = metered(pv_export_uwh=2_000, bus_export_uwh=0, house_meter_uwh=500_100)
    bill = bills.make_bill(HOUSE, (0, 9), (start, end), store.trades(), 100)
    assert (bill.load_uwh, bill.load_source) == (5_000, "plug")
    assert (bill.from_own_uwh, bill.from_grid_uwh) == (2_000, 3_000)


def test_load_is_the_boards_when_a_plug_meters_the_house_too(store):
    start = metered(load_import_uwh=0, house_meter_uwh=0)
    end = metered(load_import_uwh=100, house_meter_uwh=999)
    bill = bills.make_bill(HOUSE, (0, 9), (start, end), store.trades(), 1)
    assert (bill.load_uwh, bill.load_source) == (100, "board")


@pytest.mark.parametrize(("late_ms", "load"), [(1_000, "5"), (400_000, "")])
def test_bill_has_the_plugs_load_when_it_metered_the_whole_period(site, filled, late_ms, load):
    store = Store.open(site.store_path)
    first_ms = store.first_reading_ms("house-1")
    blank = dict.fromkeys(PLUG_COLUMNS)
    for at_ms, energy_uwh in ((first_ms + late_ms, 0), (first_ms + late_ms + 1_000, 500)):
        told = {"plug": "p", "house": "house-1", "is_house_meter": 1}
        store.store_plug(blank | told | {"at_ms": at_ms, "energy_uwh": energy_uwh})
    store.close()
    bill = next(one for one in exported(site, "bills") if one["peer"] == "house-1")
    assert (bill["load_uwh"], bill["load_source"]) == (load, "plug" if load else "")


def test_bills_are_refused_when_a_peer_is_missing(store, market):
    market.offer()
    market.trade()
    market.settle()
    bill = bills.make_bill(HOUSE, (0, 9), (metered(), metered()), store.trades(), 100)
    with pytest.raises(bills.UnbalancedBooks, match="energy sold: bills say 0"):
        bills.check([bill], store.trades())


# The report -------------------------------------------------------------------------------------


def made_report(site, store, violations):
    site.boards_dir.mkdir(exist_ok=True)
    bench = {"violations": {"total": violations, "kinds": {}}}
    (site.boards_dir / "bench.json").write_text(json.dumps(bench))
    made = keys.load(site.keys_path, [])
    totals = Totals(contract_wei=2_000_000, balances_wei=2_000_000, escrow_wei=0)
    return report.build(site, store, made, totals, {"broker": "mosquitto", "chain": "ganache"})


def test_report_finds_nothing_wrong_when_all_is_well(site, store, market):
    market.offer()
    market.trade(energy_uwh=1_000)
    market.settle(energies=(1_000, 1_000))
    found = made_report(site, store, 0)
    assert found["money"]["deposited_wei"] == 2_000_000
    assert found["trades"][0]["latency_ms"] == {
        "match_to_command": None,
        "command_to_relay": None,
        "report_to_settled": None,
    }
    # The sample trade is smaller than any real one.
    assert report.problems(found, site) == ["trade 1: only 1000 uWh settled"]


def test_report_names_what_is_wrong_when_relays_or_money_are(site, store, market):
    found = made_report(site, store, 2)
    found["money"]["escrow_wei"] = 1
    sentences = report.problems(found, site)
    assert sentences == [
        "0 trades, wanted at least 1",
        "the contract's wei are not its balances and escrow",
        "relay violations: 2",
    ]


def test_report_does_not_pass_when_nobody_watched_the_relays(site, store):
    made = keys.load(site.keys_path, [])
    found = report.build(site, store, made, Totals(0, 0, 0), {})
    assert found["relays"] == {"violations": None}
    assert "nobody watched the relays: no bench ran" in report.problems(found, site)


def test_report_passes_without_a_bench_when_the_site_is_a_real_one(site, store):
    real = dataclasses.replace(site, site=dataclasses.replace(site.site, kind="real"))
    found = report.build(real, store, keys.load(site.keys_path, []), Totals(0, 0, 0), {})
    assert not any("relays" in sentence for sentence in report.problems(found, real))
