"""The scale that compared cases are measured on: nothing traded, and the pooled optimum."""

from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hub.sim.compare import Case, compare

SCENARIOS = Path(__file__).parents[3] / "hub" / "sim" / "scenarios"
HOMES = """
[scenario]
slot_minutes = 60
slots = 24
[tariffs]
retail_eur_per_kwh = 0.30
feed_in_eur_per_kwh = 0.10
[weather]
ghi_w_per_m2 = { "00:00" = 0, "09:00" = 800, "16:00" = 0 }
[market]
network_eur_per_kwh = 0.25
loss_permille = 100
[[peer]]
name = "roof"
load_w = 300
pv_area_m2 = 20
pv_efficiency = 0.2
battery_wh = 4000
[[peer]]
name = "flat"
load_w = 600
"""
CASES = [Case("none", "", "none"), Case("community", "mid-market-rate", "greedy")]


def rows(raw, path=Path("scenario.toml")):
    with ThreadPoolExecutor(1) as executor:
        *_, last = compare(raw, path, CASES, executor)
    return last


def test_value_is_of_what_could_be_saved_when_the_network_charges():
    nothing, traded = rows(tomllib.loads(HOMES))
    assert nothing["value"] == 0.0
    assert traded["value"] < 1.0


def test_scenario_with_a_shared_battery_can_be_compared():
    path = SCENARIOS / "evening.toml"
    found = rows(tomllib.loads(path.read_text()), path)
    assert found[0]["value"] == 0.0 and found[1]["value"] > 0
