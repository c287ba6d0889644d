"""The meter's bars on a virtual board: calibrated by the real procedure, then fed known inputs."""

import json

import pytest
from click.testing import CliRunner

from tools.bench.cli import bench

BARS = {
    "dc_voltage_10_to_100_percent": 0.5,
    "dc_voltage_at_code_511": 0.5,
    "dc_voltage_at_code_1535": 0.5,
    "dc_voltage_at_code_2559": 0.5,
    "dc_voltage_at_code_3583": 0.5,
    "ct_current_5_to_100_percent": 1.0,
    "ct_current_2_percent": 1.5,
    "ct_current_at_49.5_hz": 1.0,
    "ct_current_at_50.5_hz": 1.0,
    "dc_voltage_at_49.5_hz": 0.5,
    "dc_voltage_at_50.5_hz": 0.5,
    "energy_pv_export_to_integral": 0.1,
    "energy_pv_export_to_physics": 1.5,
    "energy_battery_import_to_physics": 1.5,
    "energy_load_apparent_to_physics": 1.5,
    "real_power_pf_1": 1.0,
    "real_power_pf_0.5": 1.5,
}


@pytest.fixture(scope="module")
def rows():
    words = ["meter", "--json", "--boards", "1", "--hours", "0.05"]
    result = CliRunner().invoke(bench, words, catch_exceptions=False)
    report = json.loads(result.stdout)
    assert report["command"] == "bench meter"
    return {row["name"]: row for row in report["rows"]}


@pytest.mark.parametrize(("name", "bar"), BARS.items())
def test_error_passes_its_bar_when_the_board_is_calibrated(rows, name, bar):
    assert rows[name]["baseline"] == bar
    assert rows[name]["value"] <= bar
    assert rows[name]["ratio"] == pytest.approx(rows[name]["value"] / bar, abs=1e-3)


def test_nothing_is_counted_when_nothing_flows(rows):
    assert rows["no_load_0.05_hours"]["value"] == 0


def test_hall_part_counts_nothing_when_nothing_flows(rows):
    assert rows["hall_no_load_0.05_hours"]["value"] == 0


def test_hall_parts_register_moves_when_a_250th_of_its_range_flows(rows):
    assert rows["hall_starting_current_0.4_percent"]["value"] > 0


def test_register_moves_when_a_250th_of_the_range_flows(rows):
    assert rows["starting_current_0.4_percent"]["ratio"] == pytest.approx(1, abs=0.1)
