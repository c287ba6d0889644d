"""`trueque sim`: exit codes, files, and the scenarios that ship with it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from hub.sim import scenarios
from hub.sim.outputs import write_columns
from hub.sim.reading import read_scenario
from hub.sim.scenarios.lorient import as_published

SCENARIOS = Path(scenarios.__path__[0])
SHIPPED = sorted(SCENARIOS.glob("*.toml"))


def trueque(*arguments: object) -> subprocess.CompletedProcess[str]:
    code = "import sys; from tools.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "sim", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenario_is_accepted(path):
    assert read_scenario(path).clock.slots > 0


def test_run_writes_all_files_when_the_scenario_is_good(tmp_path):
    done = trueque("run", SCENARIOS / "street.toml", "--out", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed == json.loads((tmp_path / "summary.json").read_text())
    assert {path.name for path in tmp_path.iterdir()} == {
        "summary.json",
        "peers.csv",
        "slots.csv",
        "peer_slots.csv",
        "trades.csv",
        "dashboard.json",
        "flows.png",
        "prices.png",
        "charge.png",
        "costs.png",
        "trades.png",
    }
    needed = {
        "load_kwh",
        "pv_kwh",
        "import_kwh",
        "export_kwh",
        "traded_kwh",
        "self_sufficiency",
        "self_consumption",
        "cost_eur",
        "peak_import_kw",
    }
    assert needed <= set(printed["community"])
    assert all(needed <= set(peer) for peer in printed["peers"].values())


def test_tables_add_up_to_the_summary(tmp_path):
    done = trueque("run", SCENARIOS / "street.toml", "--out", tmp_path, "--no-plots", "--json")
    summary = json.loads(done.stdout)
    with (tmp_path / "peers.csv").open() as file:
        peers = list(csv.DictReader(file))
    with (tmp_path / "slots.csv").open() as file:
        slots = list(csv.DictReader(file))
    with (tmp_path / "trades.csv").open() as file:
        trades = list(csv.DictReader(file))
    community = summary["community"]
    for name in ("load_kwh", "import_kwh", "export_kwh", "cost_eur"):
        assert sum(float(row[name]) for row in peers) == pytest.approx(community[name])
    imported = sum(float(row["import_w"]) for row in slots) * 0.25 / 1000
    assert imported == pytest.approx(community["import_kwh"])
    traded = sum(float(row["energy_kwh"]) for row in trades)
    assert traded == pytest.approx(community["traded_kwh"], rel=1e-6)


def test_tables_are_parquet_when_so_wanted(tmp_path):
    done = trueque(
        "run", SCENARIOS / "dashboard.toml", "--out", tmp_path, "--no-plots", "--format", "parquet"
    )
    assert done.returncode == 0, done.stderr
    table = pyarrow.parquet.read_table(tmp_path / "peer_slots.parquet")
    assert table.num_rows == 4 * 96


def test_cells_without_a_value_are_empty_in_every_table(tmp_path):
    columns = {"slot": np.arange(2), "price": np.array([0.25, np.nan]), "share": [None, 0.5]}
    path = write_columns(tmp_path / "slots.csv", columns)
    assert path.read_text().splitlines() == ["slot,price,share", "0,0.25,", "1,,0.5"]
    table = pyarrow.parquet.read_table(write_columns(tmp_path / "slots.parquet", columns))
    assert table.column("price").to_pylist() == [0.25, None]
    assert table.column("share").to_pylist() == [None, 0.5]


def test_exit_is_2_with_one_line_when_the_input_is_bad(tmp_path):
    (tmp_path / "bad.toml").write_text('[tariffs]\nretail_eur_per_kwh = 0.3\n[[peer]]\nnme = "a"\n')
    done = trueque("run", tmp_path / "bad.toml", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert "nme" in done.stderr
    assert "did you mean 'name'" in done.stderr


def test_exit_is_2_when_the_results_have_no_place(tmp_path):
    (tmp_path / "taken").write_text("a file")
    done = trueque("run", SCENARIOS / "street.toml", "--out", tmp_path / "taken")
    assert done.returncode == 2
    assert "taken" in done.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [("--markets", "midmarket"), ("--strategies", "lazy"), ("--sizes", "0")],
)
def test_compare_exits_2_when_an_option_is_wrong(tmp_path, option, value):
    done = trueque("compare", SCENARIOS / "street.toml", "--out", tmp_path, option, value)
    assert done.returncode == 2
    assert value in done.stderr


def test_compare_writes_table_and_figure(tmp_path):
    done = trueque(
        "compare",
        SCENARIOS / "four_buildings.toml",
        "--out",
        tmp_path,
        "--markets",
        "none",
        "--strategies",
        "none,greedy,optimal",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    costs = [row["cost_eur"] for row in json.loads(done.stdout)]
    assert costs == sorted(costs, reverse=True)
    assert (tmp_path / "compare.csv").is_file()
    assert (tmp_path / "compare.png").is_file()


def test_published_arithmetic_adds_ratios_and_omits_the_slot_length(tmp_path):
    # Two slots, each building 600 W; its PV of 28.8, 99.45, 36 and 24 kW at 1 kW/m2.
    header = "load_1_w,load_2_w,load_3_w,load_4_w,ghi_w_per_m2,retail_eur_per_kwh\n"
    rows = "600,600,600,600,0,0.1\n600,600,600,600,1,0.1\n"
    (tmp_path / "lorient.csv").write_text(header + rows)
    sufficiency, cost = as_published(tmp_path)
    # Slot 0 counts twice, slot 1 never: no sun, 4 x 100 Wh imported, twice
    assert sufficiency == 0
    assert cost == pytest.approx(2 * 0.4 * 0.1)
