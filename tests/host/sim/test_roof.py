"""Roofs by pvlib, generators that are switched off, and sweeps on a Dask cluster."""

from __future__ import annotations

import builtins
import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hub.errors import BadInput
from tools.cli import cli

A_DAY = """
[scenario]
start = 2026-06-21T00:00:00
slot_minutes = 30
slots = 48
[tariffs]
retail_eur_per_kwh = 0.30
WEATHER
[[peer]]
name = "a"
pv_roof = { peak_w = 1000, latitude_deg = 48, longitude_deg = 11, TURN }
"""


def power_w(simulated, turn: str = "tilt_deg = 30", weather: str = "") -> np.ndarray:
    text = A_DAY.replace("TURN", turn).replace("WEATHER", weather)
    return simulated(text).details["pv"][:, 0]


@pytest.fixture(autouse=True)
def _pvlib():
    pytest.importorskip("pvlib", reason="needs the extra `solar`")


def test_clear_sky_gives_a_days_energy_as_known_of_the_place(simulated):
    found_w = power_w(simulated)
    # A cloudless June day at 48 N: 6 to 8 kWh per kW peak after losses; noon in the middle.
    assert 6_000 < found_w.sum() / 2 < 8_000
    assert found_w[:8].max() == 0 and 700 < found_w.max() < 900
    assert found_w.argmax() in (23, 24)


def test_east_and_west_roofs_see_the_sun_before_and_after_noon(simulated):
    east = power_w(simulated, "tilt_deg = 40, azimuth_deg = 90")
    west = power_w(simulated, "tilt_deg = 40, azimuth_deg = 270")
    assert east.argmax() < 22 < 25 < west.argmax()
    assert east.sum() == pytest.approx(west.sum(), rel=0.03)


def test_half_the_irradiance_and_hot_air_give_less(simulated):
    clear = power_w(simulated, weather="[weather]\nghi_w_per_m2 = { clear_sky_latitude_deg = 48 }")
    dull = power_w(simulated, weather="[weather]\nghi_w_per_m2 = 100")
    hot = power_w(simulated, weather="[weather]\ntemperature_c = 40")
    assert dull.max() < 0.5 * clear.max()
    # 20 K more at -0.4 % per K.
    assert hot.max() == pytest.approx(power_w(simulated).max() * 0.92, rel=0.02)


def test_summer_time_moves_noon_by_the_zones_offset(simulated):
    text = A_DAY.replace("WEATHER", "").replace("TURN", "tilt_deg = 30")
    zoned = simulated(text.replace("slots = 48", 'slots = 48\ntimezone = "Europe/Berlin"'))
    # 11 E, UTC+2: the sun is highest at 13:18.
    assert zoned.details["pv"][:, 0].argmax() in (26, 27)


def test_generators_that_are_off_give_nothing(simulated):
    text = A_DAY.replace("WEATHER", "").replace("TURN", "tilt_deg = 30") + "pv_is_on = false\n"
    assert simulated(text).totals["pv"].sum() == 0


def test_roof_without_pvlib_says_what_to_install(simulated, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **named):
        if name == "pvlib":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadInput, match=r"trueque\[solar\]"):
        power_w(simulated)


@pytest.mark.filterwarnings("ignore")
def test_comparison_runs_on_a_dask_cluster_by_its_address(tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs the extra `cluster`")
    scenario = Path("hub/sim/scenarios/ten_homes_s1.toml")
    with distributed.LocalCluster(
        n_workers=1, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address=None
    ) as cluster:
        done = CliRunner().invoke(
            cli,
            ["sim", "compare", str(scenario), "--markets", "none,mid-market-rate",
             "--cluster", cluster.scheduler_address, "--out", str(tmp_path)],
        )  # fmt: skip
    assert done.exit_code == 0, done.output
    with (tmp_path / "compare.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["mechanism"] for row in rows] == ["", "mid-market-rate"]
    assert float(rows[1]["savings_eur"]) > 0


def test_cluster_that_does_not_answer_is_said_plainly(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra `cluster`")
    monkeypatch.setattr("tools.sim_cli.CLUSTER_TIMEOUT_S", 0.3)
    done = CliRunner().invoke(
        cli,
        ["sim", "compare", "hub/sim/scenarios/street.toml", "--cluster", "tcp://127.0.0.1:9",
         "--out", str(tmp_path)],
    )  # fmt: skip
    assert isinstance(done.exception, BadInput)
    assert "no Dask scheduler answers there" in str(done.exception)
