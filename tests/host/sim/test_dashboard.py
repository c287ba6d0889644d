"""Each peer's dashboard, and the simulator as the page uses it."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from hub.errors import BadInput
from hub.services.simulator import Busy, SimulatorDesk
from hub.sim.dashboard import dashboards
from hub.sim.outputs import write_tables
from hub.sim.summary import summarise
from hub.web import simulator as page
from tests.host.sim.conftest import FLAT

DAY = (
    """
[scenario]
start = 2017-06-05T00:00:00
slot_minutes = 60
slots = 24
[weather]
ghi_w_per_m2 = 400
wind_m_per_s = 12
"""
    + FLAT
    + """
[market]
mechanism = "mid-market-rate"
[[peer]]
name = "amina"
wallet_eur = 5
pv_area_m2 = 10
pv_efficiency = 0.2
battery_wh = 2000
strategy = "greedy"
wind = { rated_w = 300 }
hydro = { power_w = 100 }
appliances = [{ kind = "kettle" }, { kind = "lamp", is_on = false }]
[[peer]]
name = "bruno"
load_w = 600
appliances = [{ kind = "computer" }]
"""
)


def test_appliances_are_metered_singly_and_the_rest_is_the_house(simulated):
    outcome = simulated(DAY)
    shown = dashboards(outcome)
    kettle, lamp = shown["amina"]["appliances"]
    # Twice five minutes at 2 kW; the lamp is off.
    assert kettle["energy_kwh"] == pytest.approx(2 * 5 / 60 * 2, abs=1e-6)
    assert (lamp["energy_kwh"], lamp["is_on"], lamp["place"]) == (0, False, "living room")
    [computer] = shown["bruno"]["appliances"]
    load_kwh = outcome.totals["load"][1]
    assert load_kwh == pytest.approx(0.6 * 24 + computer["energy_kwh"])


def test_generators_are_counted_each_for_itself(simulated):
    found = {one["kind"]: one for one in dashboards(simulated(DAY))["amina"]["generators"]}
    assert found["pv"]["energy_kwh"] == pytest.approx(0.8 * 24)
    assert found["wind"]["energy_kwh"] == pytest.approx(0.3 * 24)
    assert found["hydro"]["energy_kwh"] == pytest.approx(0.1 * 24)


def test_what_is_switched_off_is_shown_as_off_and_gives_nothing(simulated):
    text = DAY.replace("pv_efficiency = 0.2", "pv_efficiency = 0.2\npv_is_on = false")
    text = text.replace("rated_w = 300", "rated_w = 300, is_on = false")
    text = text.replace("power_w = 100", "power_w = 100, is_on = false")
    generators = dashboards(simulated(text))["amina"]["generators"]
    assert {one["kind"] for one in generators} == {"pv", "wind", "hydro"}
    for one in generators:
        assert (one["is_on"], one["energy_kwh"], one["peak_w"]) == (False, 0, 0)


def test_wallet_and_history_add_up_to_the_summary(simulated):
    outcome = simulated(DAY)
    summary = summarise(outcome)["peers"]
    for name, shown in dashboards(outcome).items():
        wallet = shown["wallet"]
        history = shown["history"]
        traded = sum(
            one["energy_kwh"] * one["price_eur_per_kwh"]
            for one in history
            if one["counterparty"] != "grid"
        )
        assert wallet["after_trades_eur"] == pytest.approx(wallet["start_eur"] - traded, abs=1e-5)
        end = wallet["after_trades_eur"] - wallet["grid_and_fees_eur"]
        assert wallet["end_eur"] == pytest.approx(end, abs=1e-5)
        assert wallet["end_eur"] == pytest.approx(summary[name]["wallet_eur"], abs=1e-5)
        bought = sum(max(one["energy_kwh"], 0) for one in history)
        taken = summary[name]["bought_kwh"] + summary[name]["import_kwh"]
        assert bought == pytest.approx(taken, abs=1e-6)
    assert {one["source"] for one in dashboards(outcome)["bruno"]["history"]} == {
        "pv", "wind", "hydro", "grid"
    }  # fmt: skip
    assert dashboards(outcome)["amina"]["battery"]["soc_permille"] == 1000


def test_run_writes_dashboards_and_appliances(simulated, tmp_path):
    outcome = simulated(DAY)
    write_tables(tmp_path, outcome, summarise(outcome), "csv")
    assert set(json.loads((tmp_path / "dashboard.json").read_text())) == {"amina", "bruno"}
    lines = (tmp_path / "appliances.csv").read_text().splitlines()
    assert lines[0].startswith("peer,name,place,power_w,is_on")
    assert len(lines) == 4


def client(desk: SimulatorDesk):
    app = Flask("test")
    app.config["MAX_CONTENT_LENGTH"] = 4_096  # as the page's own
    app.extensions["simulator"] = desk
    app.register_blueprint(page.blueprint)
    return app.test_client()


def test_page_runs_a_scenario_by_the_same_functions(simulated):
    answer = client(SimulatorDesk()).post("/api/simulator/run", json={"scenario": DAY})
    assert answer.status_code == 200
    summary = answer.json["summary"]["community"]
    assert summary == summarise(simulated(DAY))["community"]
    assert len(answer.json["slots"]["import_w"]) == 24
    assert set(answer.json["dashboards"]) == {"amina", "bruno"}


def test_page_takes_scenarios_larger_than_an_order():
    text = DAY + "# " + "x" * 10_000
    assert (
        client(SimulatorDesk()).post("/api/simulator/run", json={"scenario": text}).status_code
        == 200
    )


def test_page_offers_the_bundled_scenarios_and_each_small_one_is_read():
    found = client(SimulatorDesk()).get("/api/simulator/scenarios").json
    assert {"street", "dashboard", "evening"} <= {one["name"] for one in found}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("= 3", "is not TOML"),
        (DAY.replace("load_w = 600", 'load_w = { csv = "/etc/passwd", column = "a" }'),
         "reads no files"),
        (DAY.replace("wallet_eur", "walet_eur"), "did you mean 'wallet_eur'"),
        (DAY + '[[group]]\ncount = 5000\n', "more than the page runs"),
        (DAY.replace("mid-market-rate", "uniform") + '[[group]]\ncount = 900\n', "20,000 together"),
    ],
)  # fmt: skip
def test_page_refuses_in_a_sentence(text, words):
    answer = client(SimulatorDesk()).post("/api/simulator/run", json={"scenario": text})
    assert answer.status_code == 400
    assert words in answer.json["error"]


def test_page_refuses_what_is_no_scenario():
    answer = client(SimulatorDesk()).post("/api/simulator/run", json=["x"])
    assert (answer.status_code, answer.json["field"]) == (400, "scenario")


def test_second_run_waits_for_the_first(monkeypatch):
    desk = SimulatorDesk()
    with desk._one, pytest.raises(Busy, match="try again"):
        desk.run(DAY)
    assert desk.run(DAY)["summary"]["slots"] == 24


def test_files_are_refused_wherever_they_stand():
    with pytest.raises(BadInput, match="tariffs, retail_eur_per_kwh: the page reads no files"):
        SimulatorDesk().run('[tariffs]\nretail_eur_per_kwh = { csv = "a.csv", column = "b" }\n')
