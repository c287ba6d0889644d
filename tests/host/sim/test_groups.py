"""Groups from the user's own file, and what their homes have besides: vehicles, appliances."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hub.errors import BadInput
from hub.sim import wide
from hub.sim.community import build
from hub.sim.dashboard import dashboards
from hub.sim.summary import summarise
from tests.host.sim.conftest import FLAT

HEAD = f"""
[scenario]
slot_minutes = 60
SLOTS
{FLAT}
"""
DAY = HEAD.replace("SLOTS", "slots = 24")


def own(tmp_path: Path, content: str, name: str = "loads.csv") -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")


def group(fields: str, head: str = HEAD.replace("SLOTS", "")) -> str:
    return head + "[[group]]\n" + fields + "\n"


LOADS = "time,a,b,c\n" + "".join(
    f"2026-01-01T{hour:02}:00,{hour + 100},{hour + 200},{hour + 300}\n" for hour in range(6)
)
SUN = LOADS.replace("time,a,b,c", "time,sun-a,sun-b,sun-c")


def test_each_home_has_a_column_of_the_users_file(read, tmp_path):
    own(tmp_path, LOADS)
    community = build(read(group('source = { csv = "loads.csv", columns = "all" }')))
    assert community.names == ("home-a", "home-b", "home-c")
    assert community.clock.slots == 6 and str(community.clock.start_local) == "2026-01-01 00:00:00"
    load_w = community.block(0, 6).load_w
    assert load_w[:, 1].tolist() == [200, 201, 202, 203, 204, 205]
    assert community.block(0, 6).pv_w.sum() == 0


def test_columns_are_those_that_are_named_and_repeat_when_homes_are_more(read, tmp_path):
    own(tmp_path, LOADS)
    source = 'source = { csv = "loads.csv", columns = ["c", "a"] }\ncount = 3'
    community = build(read(group(source)))
    assert community.names == ("home-c", "home-a", "home-c-2")
    assert community.block(5, 6).load_w.tolist() == [[305, 105, 305]]


def test_pv_comes_from_columns_of_the_same_or_another_file(read, tmp_path):
    own(tmp_path, LOADS)
    own(tmp_path, SUN, "sun.csv")
    source = 'source = { csv = "loads.csv", columns = ["a"], pv_columns = ["b"] }'
    found = build(read(group(source))).block(0, 2)
    assert (found.load_w.tolist(), found.pv_w.tolist()) == ([[100], [101]], [[200], [201]])
    source = 'source = { csv = "loads.csv", pv_csv = "sun.csv" }\nprosumer_share = 0.34'
    pv_w = build(read(group(source))).block(0, 1).pv_w
    assert pv_w.tolist() == [[100, 0, 0]]


def test_roofs_are_the_bundled_ones_when_the_file_has_none_and_a_peak_is_given(read, tmp_path):
    own(tmp_path, LOADS.replace("2026-01", "2026-06").replace("T0", "T1"))
    source = 'source = { csv = "loads.csv" }\npv_peak_w = 5000\nprosumer_share = 0.67'
    pv_w = build(read(group(source))).block(0, 6).pv_w
    assert (pv_w.max(axis=0) > 0).tolist() == [True, True, False]
    assert pv_w.max() <= 5000


def test_homes_of_a_file_vary_when_so_wanted(read, tmp_path):
    own(tmp_path, LOADS)
    source = 'source = { csv = "loads.csv", is_varied = true }\ncount = 200\nseed = 4'
    community = build(read(group(source)))
    load_w = community.block(0, 6).load_w
    assert community.names[0] == "home-001"
    assert len(np.unique(load_w[0])) == 200
    assert load_w.mean() == pytest.approx(202.5, rel=0.1)


def test_longer_file_is_cut_to_the_run_and_a_negative_value_named_by_its_row(read, tmp_path):
    own(tmp_path, LOADS.replace(",204", ",-204"))
    head = HEAD.replace("SLOTS", "start = 2026-01-01T02:00:00\nslots = 2")
    source = 'source = { csv = "loads.csv" }'
    assert build(read(group(source, head))).block(0, 2).load_w[:, 0].tolist() == [102, 103]
    with pytest.raises(BadInput, match=r"loads.csv, row 6, b \(.*source\): -204 is below 0"):
        build(read(group(source)))


@pytest.mark.parametrize(
    ("content", "fields", "words"),
    [
        (LOADS, 'columns = ["a", "d"]', ("columns", "'d'", "loads.csv")),
        (LOADS, "columns = []", ("columns", "list of columns")),
        (LOADS, 'columns = ["a", "a"]', ("twice",)),
        (LOADS, 'colums = ["a"]', ("colums", "columns")),
        (LOADS, 'pv_columns = ["a", "b"]', ("2 columns of PV for 1 of load",)),
        (LOADS, 'pv_columns = "all"', ("pv_columns", "same file")),
        (LOADS.replace(",203", ","), "", ("row 5, b", "gap")),
        (LOADS.replace(",203", ",x"), "", ("row 5, b", "'x' is not a number")),
        (LOADS.replace(",203", ",nan"), "", ("row 5, b", "finite")),
        (LOADS.replace(",203", ",1,2"), "", ("row 5", "5 cells")),
        (LOADS.replace("T03:", "T04:"), "", ("row 5, time", "clock change or missing rows")),
        ("time,a\n", 'columns = ["a"]', ("row 2, a", "no rows")),
        ("", 'columns = ["a"]', ("empty", "loads.csv")),
    ],
)
def test_file_of_a_group_is_refused_with_row_and_column(read, tmp_path, content, fields, words):
    own(tmp_path, content)
    with pytest.raises(BadInput) as caught:
        build(read(group('source = { csv = "loads.csv"' + (fields and ", ") + fields + " }")))
    for word in words:
        assert word in str(caught.value)


def test_kilowatts_in_a_groups_file_are_warned_about_with_row_and_column(read, tmp_path):
    own(tmp_path, LOADS.replace(",20", ",0.20"))
    (warning,) = build(read(group('source = { csv = "loads.csv" }'))).warnings
    assert f"{tmp_path / 'loads.csv'}, row 7, b (" in warning and "kW or kWh" in warning


def test_a_meters_count_in_a_groups_file_is_warned_about_with_its_column(read, tmp_path):
    rows = "".join(
        f"2026-01-01T{hour:02}:00,{100 + hour % 7},{2000 + 150 * hour}\n" for hour in range(24)
    )
    own(tmp_path, "time,a,b\n" + rows)
    (warning,) = build(read(group('source = { csv = "loads.csv" }'))).warnings
    assert f"{tmp_path / 'loads.csv'}, row 25, b (" in warning and "meter's count" in warning


def test_wide_file_is_read_the_same_at_once_and_row_by_row(tmp_path):
    own(tmp_path, LOADS.replace(",201", ", 2_01 "))  # Python takes it, Arrow does not
    slow = wide.read_wide(tmp_path / "loads.csv", ("b", "a"))
    own(tmp_path, LOADS)
    fast = wide.read_wide(tmp_path / "loads.csv", ("b", "a"))
    assert np.array_equal(slow.values, fast.values) and slow.moments == fast.moments


@pytest.mark.parametrize("fields", ["count = 3\nhomes = [99]", "name = 'x'"])
def test_group_without_a_file_needs_its_count_and_bundled_homes(read, fields):
    with pytest.raises(BadInput, match="count is missing|99 is not bundled"):
        build(read(group(fields)))


CARS = """
count = 400
seed = 5
prosumer_share = 0
[group.vehicle]
share = 0.25
need_wh = 9000
charge_w = 4000
arrival = "18:00"
departure = "07:00"
arrival_spread_minutes = 60
departure_spread_minutes = 30
need_spread = 0.3
"""


def extra_w(read, fields: str, head: str = DAY):
    """Return what vehicles and appliances add to the homes' load, and the community."""
    plain = fields.split("[group.")[0].split("appliances")[0]
    community = build(read(group(fields, head)))
    slots = community.clock.slots
    return (
        community.block(0, slots).load_w - build(read(group(plain, head))).block(0, slots).load_w,
        community,
    )


def test_a_share_of_the_homes_has_vehicles_that_come_and_go_at_times_of_their_own(read):
    head = DAY.replace("slots = 24", "slots = 48\nstart = 2017-06-05T12:00:00")
    added_w, _ = extra_w(read, CARS, head)
    owners = np.flatnonzero(added_w.any(axis=0))
    assert len(owners) == 100
    # Both nights serve the need whole, some 10 kWh at the meter, log-normal about it.
    first = added_w[:24, owners].sum(axis=0)
    assert first == pytest.approx(added_w[24:, owners].sum(axis=0))
    assert first.mean() == pytest.approx(10_000, rel=0.15)
    assert 2000 < first.std() < 4500
    begins = (added_w[:24, owners] > 0).argmax(axis=0) + 12
    assert begins.mean() == pytest.approx(18, abs=0.5) and len(set(begins.tolist())) >= 4


def test_loads_of_the_homes_stay_the_same_with_and_without_vehicles(read):
    added_w, _ = extra_w(read, CARS)
    assert added_w.min() == 0
    again, _ = extra_w(read, CARS)
    assert np.array_equal(added_w, again)
    other, _ = extra_w(read, CARS.replace("seed = 5", "seed = 6"))
    assert not np.array_equal(added_w.any(axis=0), other.any(axis=0))


def test_block_with_vehicles_is_the_same_in_pieces(read):
    _, community = extra_w(read, CARS)
    whole = community.block(0, 24).load_w
    pieces = [community.block(start, min(start + 7, 24)).load_w for start in range(0, 24, 7)]
    assert np.array_equal(whole, np.concatenate(pieces))


STOVES = """
count = 50
appliances = [
  { kind = "kettle", share = 0.4, spread_minutes = 90 },
  { name = "stove", power_w = 1200, runs = [{ from = "18:00", to = "19:00" }], share = 0.2 },
]
"""


def test_appliances_are_had_by_their_shares_and_run_at_times_of_their_own(read):
    added_w, _ = extra_w(read, STOVES)
    assert np.count_nonzero(added_w.any(axis=0)) <= 20 + 10
    assert np.count_nonzero(added_w[18] >= 1200) == 10
    # A kettle: twice five minutes at 2 kW in each of 20 homes.
    assert added_w.sum() == pytest.approx(10 * 1200 + 20 * 2000 * 10 / 60)
    assert np.count_nonzero(added_w.any(axis=1)) > 4


def test_homes_with_optimal_vehicles_and_answering_ones_are_the_same_homes(simulated):
    fields = CARS.replace("count = 400", "count = 12").replace("share = 0.25", "share = 0.5")
    dear = DAY.replace("0.30", '{ "00:00" = 0.2, "06:00" = 0.4 }').replace(
        "slots = 24", "slots = 24\nstart = 2017-06-05T12:00:00"
    )
    at_once = simulated(group(fields, dear))
    planned = simulated(group("strategy = 'optimal'" + fields, dear))
    assert planned.totals["load"] == pytest.approx(at_once.totals["load"])
    assert planned.totals["cost"].sum() < at_once.totals["cost"].sum() - 0.5
    shown = dashboards(planned)  # homes that are spelt out are peers, with a dashboard each
    assert sum(one["vehicle"] is not None for one in shown.values()) == 6
    answering = simulated(group("elastic_share = 0.1" + STOVES, DAY))
    assert answering.totals["load"].sum() == pytest.approx(
        simulated(group(STOVES, DAY)).totals["load"].sum()
    )


def test_vehicles_of_a_group_that_leave_too_soon_are_counted(simulated):
    fields = CARS.replace("departure = \"07:00\"", "departure = \"20:00\"").replace(
        "charge_w = 4000", "charge_w = 1000").replace("count = 400", "count = 40")  # fmt: skip
    for spread in ("arrival_spread_minutes = 60", "departure_spread_minutes = 30",
                   "need_spread = 0.3"):  # fmt: skip
        fields = fields.replace(spread, "")
    outcome = simulated(group(fields, DAY))
    # Ten vehicles get 2 of 10 kWh.
    assert summarise(outcome)["community"]["unserved_kwh"] == pytest.approx(10 * 8)
    assert sum(one["unserved_kwh"] for one in summarise(outcome)["peers"].values()) == (
        pytest.approx(80)
    )
    (warning,) = outcome.warnings
    assert "[[group]] home, vehicle: 10 of 40 homes' vehicles" in warning and "80.00 kWh" in warning


def test_load_limits_hold_for_the_homes_of_a_group(read):
    load_w = build(read(group("count = 20\nload_max_w = 400\nload_min_w = 150", DAY))).block(0, 24)
    assert load_w.load_w.max() == 400 and load_w.load_w.min() == 150
