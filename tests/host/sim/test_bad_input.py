"""What a scenario or its CSV files may get wrong: each refusal names file, row and field."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hub.errors import BadInput
from hub.services.simulator import SCENARIOS
from hub.sim.community import build
from hub.sim.plausible import magnitude_warnings
from hub.sim.reading import read_scenario
from hub.sim.responding import simulate
from tests.host.sim.conftest import FLAT

HEAD = (
    """
[scenario]
slot_minutes = 60
slots = 4
"""
    + FLAT
)
PEER = '[[peer]]\nname = "home"\n'
FROM_CSV = HEAD + PEER + 'load_w = {csv = "load.csv", column = "load_w"}\n'


def refusal(read, text):
    with pytest.raises(BadInput) as caught:
        build(read(text))
    return str(caught.value)


def csv_refusal(read, tmp_path: Path, content: str, text: str = FROM_CSV) -> str:
    (tmp_path / "load.csv").write_text(content, encoding="utf-8")
    return refusal(read, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + PEER + "batery_wh = 1", ("home", "batery_wh", "battery_wh")),
        (HEAD + "[markt]\n" + PEER, ("markt", "market")),
        (HEAD + '[market]\nmechanism = "mid-market"\n' + PEER, ("mid-market-rate",)),
        (HEAD + PEER + 'strategy = "gredy"', ("strategy", "greedy")),
        (HEAD + PEER + "soc_min = 20", ("soc_min", "per cent")),
        (
            HEAD + PEER + "battery_wh = 1000\nsoc_min = 0.6\nsoc_initial = 0.5",
            ("soc_initial", "soc_min 0.6"),
        ),
        (HEAD + PEER + "load_w = -5", ("load_w", "-5")),
        (HEAD + PEER + "load_w = nan", ("load_w", "finite")),
        (HEAD + PEER + "charge_efficiency = 0", ("charge_efficiency",)),
        (HEAD + PEER + "pv_area_m2 = 10", ("pv_area_m2", "ghi_w_per_m2")),
        (HEAD + PEER + PEER, ("home", "taken")),
        (HEAD, ("[[peer]]",)),
        (HEAD + PEER + "load_w = [1, 2, 3]", ("load_w", "3 values", "4")),
        (HEAD.replace("[tariffs]", "[tarifs]") + PEER, ("tarifs", "tariffs")),
        ("[scenario]\nslots = 1\n" + PEER, ("[tariffs]",)),
        (HEAD + PEER + "[peer.preferences]\nproducers = ['hom']", ("hom", "home")),
        (HEAD + PEER + "load_w = {home = 3}", ("home 3", "bundled")),
        (
            HEAD + '[market]\ndesign = "centralised"\nmechanism = "bill-sharing"\n' + PEER,
            ("bill-sharing", "uniform"),
        ),
        (HEAD + "[market]\ncarbon_eur_per_kg = 0.1\n" + PEER, ("grid_co2_kg_per_kwh",)),
        (HEAD.replace("slots = 4", 'slots = 4\ntimezone = "Mars/Base"') + PEER, ("Mars/Base",)),
        ("[scenario\n", ("TOML",)),
    ],
)
def test_scenario_is_refused_by_name_when_a_field_is_wrong(read, text, words):
    message = refusal(read, text)
    for word in ("scenario.toml", *words):
        assert word in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("load_w\n1\n\n3\n4\n", ("row 3",)),
        ("load_w\n1\nnan\n3\n4\n", ("row 3", "load_w", "finite")),
        ("load_w,x\n1,1\n,1\n3,1\n4,1\n", ("row 3", "load_w", "gap")),
        ("load_w\n1\n2\n3\n", ("row 5", "load_w", "3 rows", "4 slots")),
        ("load_w\n1\n2\n3\n4\n5\n", ("row 6", "5 rows", "4 slots")),
        ("load_w\n1\ntwo\n3\n4\n", ("row 3", "'two'")),
        ("load\n1\n2\n3\n4\n", ("load_w", "'load'")),
        ("load_w,b\n1\n2,3\n", ("row 2", "1 cells")),
        ("", ("empty",)),
    ],
)
def test_csv_is_refused_with_row_and_column_when_it_is_wrong(read, tmp_path, content, words):
    message = csv_refusal(read, tmp_path, content)
    for word in ("load.csv", *words):
        assert word in message


def timed(*times: str) -> str:
    return "time,load_w\n" + "".join(f"{time},500\n" for time in times)


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (
            ("2026-01-01T00:00", "2026-01-01T01:00", "2026-01-01T03:00", "2026-01-01T04:00"),
            ("row 4", "time"),
        ),
        (
            ("2026-01-01T00:00", "2026-01-01T01:00", "2026-01-01T01:00", "2026-01-01T02:00"),
            ("row 4", "clock change"),
        ),
        (
            ("2026-01-01T00:00", "2026-01-01T00:15", "2026-01-01T00:30", "2026-01-01T00:45"),
            ("row 3", "slot_minutes"),
        ),
    ],
)
def test_csv_is_refused_when_its_times_do_not_advance_by_a_slot(read, tmp_path, times, words):
    message = csv_refusal(read, tmp_path, timed(*times))
    for word in ("load.csv", *words):
        assert word in message


def test_gap_in_quarter_hours_is_counted_when_rows_are_missing(read, tmp_path):
    text = FROM_CSV.replace("slot_minutes = 60", "slot_minutes = 15")
    times = ("2026-01-01T00:00", "2026-01-01T00:15", "2026-01-01T01:00", "2026-01-01T01:15")
    message = csv_refusal(read, tmp_path, timed(*times), text)
    assert "2 rows of 15 minutes are missing" in message


def test_clock_change_is_no_fault_when_times_have_offsets(read, tmp_path):
    times = (
        "2026-03-29T00:00+01:00",
        "2026-03-29T01:00+01:00",
        "2026-03-29T03:00+02:00",
        "2026-03-29T04:00+02:00",
    )
    (tmp_path / "load.csv").write_text(timed(*times), encoding="utf-8")
    assert build(read(FROM_CSV)).explicit.load_w[:, 0].tolist() == [500] * 4


def test_clock_change_is_no_fault_when_the_scenario_names_the_zone(read, tmp_path):
    times = ("2026-03-29T00:00", "2026-03-29T01:00", "2026-03-29T03:00", "2026-03-29T04:00")
    (tmp_path / "load.csv").write_text(timed(*times), encoding="utf-8")
    head = 'slots = 4\nstart = 2026-03-29\ntimezone = "Europe/Paris"'
    assert build(read(FROM_CSV.replace("slots = 4", head))).explicit.load_w.shape == (4, 1)


UTC = "\n".join(
    ["time,load_w", *(f"2026-05-31T{hour:02}:00+00:00,{hour * 100}" for hour in (22, 23)),
     *(f"2026-06-01T{hour:02}:00+00:00,{hour}" for hour in range(4))]
)  # fmt: skip


def test_times_in_utc_are_the_scenarios_local_ones_when_it_names_the_zone(read, tmp_path):
    (tmp_path / "load.csv").write_text(UTC + "\n", encoding="utf-8")
    head = 'slots = 4\nstart = 2026-06-01\ntimezone = "Europe/Paris"'
    found = build(read(FROM_CSV.replace("slots = 4", head))).explicit.load_w[:, 0]
    assert found.tolist() == [2200, 2300, 0, 1]


def test_file_is_refused_when_it_begins_elsewhere_than_the_scenario(read, tmp_path):
    content = timed("2020-01-01T12:00", "2020-01-01T13:00", "2020-01-01T14:00", "2020-01-01T15:00")
    text = FROM_CSV.replace("slots = 4", "slots = 4\nstart = 2026-06-01")
    message = csv_refusal(read, tmp_path, content, text)
    assert "load.csv, row 2, time: begins at 2020-01-01 12:00" in message


def test_scenario_begins_with_its_file_when_it_names_no_start(read, tmp_path):
    content = timed("2020-01-01T12:00", "2020-01-01T13:00", "2020-01-01T14:00", "2020-01-01T15:00")
    (tmp_path / "load.csv").write_text(content, encoding="utf-8")
    assert str(build(read(FROM_CSV)).clock.start_local) == "2020-01-01 12:00:00"


def test_file_is_refused_when_it_has_a_header_alone(read, tmp_path):
    text = FROM_CSV.replace("slots = 4\n", "")
    assert "row 2, load_w: the file has a header" in csv_refusal(read, tmp_path, timed(), text)


@pytest.mark.parametrize(
    ("fields", "hour"),
    [
        ('start = "2026-07-01"', 0),
        ("start = 2026-07-01T08:00:00", 8),
        ("start = 2026-07-01T08:00:00Z", 8),
        ('start = 2026-07-01T08:00:00Z\ntimezone = "Europe/Paris"', 10),
    ],
)
def test_start_is_local_time_whatever_its_form(read, fields, hour):
    scenario = read(HEAD.replace("slots = 4", "slots = 4\n" + fields) + PEER)
    assert scenario.clock.local_times[0] == np.datetime64(f"2026-07-01T{hour:02}:00")


def test_longer_csv_is_aligned_when_it_has_times(read, tmp_path):
    rows = "".join(f"2026-01-01T{hour:02}:00,{hour * 100}\n" for hour in range(24))
    (tmp_path / "load.csv").write_text("time,load_w\n" + rows, encoding="utf-8")
    text = FROM_CSV.replace("slots = 4", "slots = 4\nstart = 2026-01-01T06:00:00")
    assert build(read(text)).explicit.load_w[:, 0].tolist() == [600, 700, 800, 900]


def test_feed_in_is_bounded_with_a_warning_when_it_is_not_below_retail(read):
    text = HEAD.replace("0.10", "[0.1, 0.3, 0.4, 0.1]") + PEER + "load_w = 500\n"
    outcome = simulate(read(text))
    assert outcome.community.tariff.feed_in.tolist() == [0.1, 0.3, 0.3, 0.1]
    (warning,) = outcome.warnings
    assert "[tariffs], feed_in_eur_per_kwh 2: 0.3 is not below the retail price, 0.3" in warning
    assert "slot 1" in warning
    assert "2 slots" in warning


def test_feed_in_is_refused_when_so_wanted(read):
    text = HEAD.replace("0.10", '0.40\nfeed_in_above_retail = "refuse"') + PEER
    assert "without bound" in refusal(read, text)


def test_magnitude_is_warned_about_when_a_load_looks_like_kilowatts(read, tmp_path):
    (tmp_path / "load.csv").write_text("load_w\n0.5\n0.7\n2.5\n1\n", encoding="utf-8")
    (warning,) = build(read(FROM_CSV)).warnings
    for word in ("load.csv", "row 4, load_w", "[[peer]] home", "kW"):
        assert word in warning


def test_magnitude_is_warned_about_when_appliances_come_on_top_of_kilowatts(read, tmp_path):
    (tmp_path / "load.csv").write_text("load_w\n0.5\n0.7\n2.5\n1\n", encoding="utf-8")
    (warning,) = build(read(FROM_CSV + 'appliances = [{ kind = "heater" }]\n')).warnings
    assert "row 4, load_w" in warning and "at most 2.5 W" in warning


def test_a_meters_count_is_warned_about_when_it_stands_where_watts_belong(read, tmp_path):
    rows = np.cumsum(np.random.default_rng(1).integers(100, 400, 24)) + 1000
    text = FROM_CSV.replace("slots = 4", "slots = 24")
    for given, expected in ((rows, 1), (rows[::-1], 0), (rows // 4000 * 4000 + 4000, 0)):
        lines = "".join(f"{each}\n" for each in given)
        (tmp_path / "load.csv").write_text("load_w\n" + lines, encoding="utf-8")
        warnings = [one for one in build(read(text)).warnings if "meter's count" in one]
        assert len(warnings) == expected
    assert all("row 25, load_w" in one for one in warnings)


def test_warning_names_the_files_own_row_when_the_file_is_longer_than_the_run(read, tmp_path):
    rows = "".join(f"2026-01-01T{hour:02}:00,{hour / 10}\n" for hour in range(24))
    (tmp_path / "load.csv").write_text("time,load_w\n" + rows, encoding="utf-8")
    text = FROM_CSV.replace("slots = 4", "slots = 4\nstart = 2026-01-01T06:00:00")
    (warning,) = build(read(text)).warnings
    # The run has hours 6 to 9; hour 9 is in row 11, the header being row 1.
    assert "load.csv, row 11, load_w" in warning and "at most 0.9 W" in warning


def test_negative_load_is_refused_with_the_row_of_the_run_when_an_earlier_one_is_no_part_of_it(
    read, tmp_path
):
    powers = [5, -1, 5, 5, 5, 5, 5, -2, 5, 5]
    rows = "".join(f"2026-01-01T{hour:02}:00,{power}\n" for hour, power in enumerate(powers))
    text = FROM_CSV.replace("slots = 4", "slots = 4\nstart = 2026-01-01T06:00:00")
    message = csv_refusal(read, tmp_path, "time,load_w\n" + rows, text)
    assert "load.csv, row 9, load_w" in message and "-2 is below 0" in message


SERIES = HEAD + "[weather]\n" + PEER + "load_w = 300\n"


@pytest.mark.parametrize(
    ("old", "field", "values", "hint"),
    [
        ("load_w = 300", "load_w = {}\npv_w = {}", (1, 2, 7, 0), "kW or kWh"),
        ("load_w = 300", "load_w = 300\nhydro = {{ power_w = {} }}", (1, 2, 7, 0), "kW or kWh"),
        ("[weather]", "[weather]\nghi_w_per_m2 = {}", (0.1, 0.2, 0.9, 0.3), "kW/m2"),
        ("[weather]", "[weather]\nghi_w_per_m2 = {}", (100, 200, 9000, 0), "more than the sun"),
        ("[weather]", "[weather]\nwind_m_per_s = {}", (10, 20, 55, 0), "km/h"),
        ("[weather]", "[weather]\ntemperature_c = {}", (280, 285, 290, 281), "in K"),
        ("retail_eur_per_kwh = 0.30", "retail_eur_per_kwh = {}", (28, 29, 30, 28), "ct/kWh"),
        ("feed_in_eur_per_kwh = 0.10", "feed_in_eur_per_kwh = 0.1\ngrid_co2_kg_per_kwh = {}",
         (300, 310, 320, 300), "g/kWh"),
    ],
)  # fmt: skip
def test_every_series_of_a_file_is_warned_about_with_its_row(
    read, tmp_path, old, field, values, hint
):
    lines = "".join(f"0,{value}\n" for value in values)
    (tmp_path / "x.csv").write_text("a,b\n" + lines, encoding="utf-8")
    source = '{ csv = "x.csv", column = "b" }'
    warnings = build(read(SERIES.replace(old, field.replace("{}", source).replace("{{", "{")
                                         .replace("}}", "}")))).warnings  # fmt: skip
    assert warnings
    for warning in warnings:
        assert f"{tmp_path / 'x.csv'}, row 4, b (" in warning and hint in warning


@pytest.mark.parametrize(
    ("fields", "where", "hint"),
    [
        ("battery_wh = 5", "battery_wh", "kWh"),
        ("battery_wh = 5000\nbattery_charge_w = 2.5", "battery_charge_w", "kW"),
        ("battery_wh = 5000\nbattery_discharge_w = 3", "battery_discharge_w", "kW"),
        ("load_max_w = 9", "load_max_w", "kW"),
        ("load_min_w = 0.3", "load_min_w", "kW"),
        ("export_limit_w = 5", "export_limit_w", "kW"),
        ("preferences = { highest_buying_eur_per_kwh = 25 }", "highest_buying_eur_per_kwh", "ct"),
        ("events = { share = 0.1, least_reward_eur_per_kwh = 50 }", "least_reward", "ct/kWh"),
    ],
)
@pytest.mark.parametrize("kind", ["peer", "group"])
def test_every_number_of_peers_and_groups_is_warned_about_with_its_field(
    read, kind, fields, where, hint
):
    text = HEAD + f'[[{kind}]]\nname = "a"\n' + fields + ("\ncount = 3" if kind == "group" else "")
    found = build(read(text + "\n")).warnings
    (warning,) = [one for one in found if "has no effect" not in one]
    assert f"scenario.toml, [[{kind}]] a, " in warning
    assert where in warning and hint in warning


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ("vehicle = { need_wh = 8 }", "vehicle, need_wh"),
        ("vehicle = { need_wh = 8000, charge_w = 22 }", "vehicle, charge_w"),
        ('appliances = [{ kind = "kettle", power_w = 2 }]', "appliances, kettle, power_w"),
        ('appliances = [{ name = "saw", power_w = 0.8 }]', "appliances, saw, power_w"),
        ("pv_roof = { peak_w = 9, latitude_deg = 48, longitude_deg = 2 }", "pv_roof, peak_w"),
        ("wind = { rated_w = 3 }", "wind, rated_w"),
        ("pv_area_m2 = 200000", "pv_area_m2"),
    ],
)
def test_devices_given_in_kilowatts_are_warned_about(read, fields, where):
    weather = "[weather]\nwind_m_per_s = 5\nghi_w_per_m2 = 300\n"
    text = HEAD + weather + PEER + "load_w = 300\n" + fields + "\n"
    (warning,) = magnitude_warnings(read(text))
    assert f"[[peer]] home, {where}" in warning


def test_a_small_base_load_is_no_mistake_beside_appliances(read):
    text = HEAD + PEER + 'load_w = 8\nappliances = [{ kind = "fridge" }]\n'
    assert build(read(text)).warnings == ()


def test_nothing_is_warned_about_in_the_bundled_scenarios():
    for path in sorted(SCENARIOS.glob("*.toml")):
        assert build(read_scenario(path)).warnings == (), path


@pytest.mark.parametrize(
    "speeds",
    ["cut_in_m_per_s = 13", "rated_m_per_s = 30", "cut_out_m_per_s = 12", "rated_m_per_s = 3"],
)
def test_turbine_is_refused_when_its_speeds_do_not_ascend(read, speeds):
    weather = "[weather]\nwind_m_per_s = 5\n"
    message = refusal(read, HEAD + weather + PEER + f"wind = {{ rated_w = 3000, {speeds} }}\n")
    assert "[[peer]] home, wind: cut_in_m_per_s" in message and "ascend" in message


@pytest.mark.parametrize("field", ["pv_w = [0, 2.5]", "hydro = { power_w = 0.8 }"])
def test_magnitude_is_warned_about_when_generation_looks_like_kilowatts(read, field):
    text = HEAD.replace("slots = 4", "slots = 2") + f'[[peer]]\nname = "a"\nload_w = 300\n{field}\n'
    [warning] = build(read(text)).warnings
    assert "[[peer]] a, " + field.split()[0] in warning and "kW or kWh, not in W" in warning


def test_negative_load_of_a_file_is_refused_with_its_row(read, tmp_path):
    words = csv_refusal(read, tmp_path, "load_w\n100\n-5\n100\n100\n")
    assert f"{tmp_path / 'load.csv'}, row 3, load_w (" in words and "-5 is below 0" in words


def test_empty_row_is_called_a_gap(read, tmp_path):
    words = csv_refusal(read, tmp_path, "load_w\n100\n\n100\n100\n")
    assert f"{tmp_path / 'load.csv'}, row 3: is empty (a gap)" in words


def test_a_file_that_was_mended_is_read_again(read, tmp_path):
    csv_refusal(read, tmp_path, "load_w\n100\nx\n100\n100\n")
    (tmp_path / "load.csv").write_text("load_w\n100\n200\n100\n100\n", encoding="utf-8")
    assert build(read(FROM_CSV)).explicit.load_w[:, 0].tolist() == [100, 200, 100, 100]
