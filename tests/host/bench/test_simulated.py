"""Houses without a board of their own: they join the running bench, and are switched."""

from __future__ import annotations

import datetime
import json

import pytest
from click.testing import CliRunner

from hub.bridges.errors import PlugRefused
from hub.errors import BadInput
from hub.sim.household import read_household
from hub.simulated import SimulatedDevices, assets_path, state_path
from tools.bench.house import MODEL_SCALE
from tools.bench.simulated import Guests
from tools.cli import cli

NOON = datetime.datetime(2017, 6, 5, 12, 0)
ASSETS = """
[weather]
ghi_w_per_m2 = 500
wind_m_per_s = 7
[peer]
load_w = 100
pv_area_m2 = 20
pv_efficiency = 0.2
appliances = [
  { kind = "fridge" },
  { kind = "kettle", runs = [{ from = "12:00", to = "12:05" }] },
  { kind = "kettle", name = "kettle", place = "shed", is_on = false },
]
wind = { rated_w = 1000, is_on = false }
vehicle = { need_wh = 9000, arrival = "18:00", departure = "07:00", charge_w = 3000 }
"""


@pytest.fixture
def joined(make_bench, tmp_path):
    """A bench whose first house has joined: (bench, guests, directory, what was said)."""
    bench = make_bench(2)
    bench.local = NOON
    said: list[str] = []
    houses = {house.name: house for house in bench.houses}
    guests = Guests(houses, tmp_path, lambda: bench.local, said.append)
    path = assets_path(tmp_path, "house-1")
    path.parent.mkdir()
    path.write_text(ASSETS)
    guests.look(bench.now_s)
    bench.run(0.5)
    return bench, guests, tmp_path, said


def test_devices_are_metered_singly_at_any_time_of_the_day(tmp_path):
    path = tmp_path / "assets.toml"
    path.write_text(ASSETS)
    house = read_household(path, "house-1")
    names = ["fridge", "kettle", "kettle-2", "vehicle", "pv", "wind"]
    assert [one.name for one in house.devices] == names
    noon = house.powers_w(NOON)
    assert (noon["fridge"], noon["kettle"], noon["vehicle"]) == (50, 2000, 0)
    assert noon["pv"] == 500 * 20 * 0.2
    assert 100 < noon["wind"] < 300
    assert house.powers_w(NOON.replace(minute=5))["kettle"] == 0
    assert house.powers_w(NOON.replace(hour=18))["vehicle"] == 3000
    assert house.base_w(NOON) == 100
    assert house.peak_generation_w(NOON.date()) == pytest.approx(noon["pv"] + noon["wind"])


def test_house_follows_its_devices_when_it_joins(joined):
    bench, _, _, said = joined
    house = bench.houses[0]
    # The kettle is on, the one in the shed and the turbine are off.
    assert house.home_load_w == 100 + 50 + 2000
    assert house.home_pv_w == 2000
    assert house.traces["pv"].current_a * house.traces["pv"].voltage_v == pytest.approx(
        2000 / MODEL_SCALE, rel=0.01
    )
    assert said == ["house-1 is simulated: fridge, kettle, kettle-2, vehicle, pv, wind"]


def test_page_switches_appliances_and_generators(joined):
    bench, guests, directory, _ = joined
    devices = SimulatedDevices(directory)
    assert devices.switch("house-1-kettle", False, "house-1")["is_on"] is False
    devices.switch("house-1-pv", False, "house-1")
    devices.switch("house-1-wind", True, "house-1")
    bench.run(1.0)
    guests.look(bench.now_s)
    bench.run(0.5)
    assert bench.houses[0].home_load_w == 150
    assert 100 < bench.houses[0].home_pv_w < 300
    shown = {one["name"]: one for one in devices.records()}
    assert (shown["house-1-kettle"]["is_on"], shown["house-1-kettle"]["power_uw"]) == (False, 0)
    assert shown["house-1-fridge"]["is_online"] and shown["house-1-fridge"]["can_switch"]


def test_each_device_counts_its_own_energy(joined):
    bench, guests, directory, _ = joined
    bench.run(36.0)
    guests.look(bench.now_s)
    devices = {one["name"]: one for one in SimulatedDevices(directory).records()}
    # 36.5 s since the first look.
    assert devices["house-1-fridge"]["energy_uwh"] == pytest.approx(50 * 36.5 / 3600e-6, rel=1e-6)
    assert devices["house-1-kettle-2"]["energy_uwh"] == 0


def test_strangers_and_unknown_devices_are_refused(joined):
    devices = SimulatedDevices(joined[2])
    with pytest.raises(PlugRefused, match="Only house-1 can switch"):
        devices.switch("house-1-kettle", False, "house-2")
    with pytest.raises(PlugRefused, match="no such plug"):
        devices.switch("house-1-toaster", False, "house-1")


def test_house_replays_its_home_again_when_the_assets_go(joined):
    bench, guests, directory, said = joined
    assets_path(directory, "house-1").unlink()
    guests.look(bench.now_s)
    bench.run(0.5)
    assert bench.houses[0].home_load_w != 2150
    assert said[-1] == "house-1 is no longer simulated"
    assert SimulatedDevices(directory).records() == []


def test_bad_assets_are_said_and_change_nothing(joined):
    bench, guests, directory, said = joined
    assets_path(directory, "house-1").write_text("[peer]\npv_aria_m2 = 3\n")
    guests.look(bench.now_s)
    assert "did you mean 'pv_area_m2'" in said[-1]
    bench.run(0.5)
    assert bench.houses[0].home_load_w == 2150


def test_state_of_a_bench_that_ended_is_shown_as_offline(joined):
    path = state_path(joined[2], "house-1")
    state = json.loads(path.read_text())
    path.write_text(json.dumps({**state, "at_ms": state["at_ms"] - 60_000}))
    assert not any(one["is_online"] for one in SimulatedDevices(joined[2]).records())


def test_commands_join_and_leave(tmp_path):
    site, assets = tmp_path / "site", tmp_path / "assets.toml"
    assets.write_text(ASSETS)
    run = CliRunner()
    made = run.invoke(cli, ["hub", "init", "--data", str(site), "--houses", "2"])
    assert made.exit_code == 0, made.output
    asked = ["sim", "join", "house-1", str(assets), "--data", str(site)]
    done = run.invoke(cli, asked)
    assert done.exit_code == 0 and "fridge, kettle" in done.output, done.output
    assert "warning" not in done.output
    assets.write_text(ASSETS.replace("charge_w = 3000", "charge_w = 3"))
    mistaken = run.invoke(cli, asked)
    assert mistaken.exit_code == 0 and "is it in kW or kWh" in mistaken.output, mistaken.output
    stranger = run.invoke(cli, ["sim", "join", "house-9", str(assets), "--data", str(site)])
    assert isinstance(stranger.exception, BadInput)
    consumer = run.invoke(cli, ["sim", "join", "house-2", str(assets), "--data", str(site)])
    assert "no meter for pv, wind; join as house-1" in str(consumer.exception)
    assert run.invoke(cli, ["sim", "leave", "house-1", "--data", str(site)]).exit_code == 0
    again = run.invoke(cli, ["sim", "leave", "house-1", "--data", str(site)])
    assert isinstance(again.exception, BadInput)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[pear]\n", "unknown table 'pear'"),
        ("[weather]\nwind_m_per_s = 3\n", "the table [peer] is missing"),
        ("[peer]\npv_area_m2 = 10\n", "needs [weather] ghi_w_per_m2"),
        ("[peer]\nload_w = [1, 2]\n", "has 2 values"),
    ],
)
def test_assets_are_refused_by_name(tmp_path, text, words):
    path = tmp_path / "assets.toml"
    path.write_text(text)
    with pytest.raises(BadInput) as refusal:
        read_household(path, "house-1")
    assert str(path) in str(refusal.value) and words in str(refusal.value)
