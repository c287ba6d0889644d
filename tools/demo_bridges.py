"""The demo's bridges: a meter and an appliance behind virtual plugs in each house, open feeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hub import config as configuration
from hub.bridges.config import BENCH
from tools.bench.plugs import PlugPlan

METERED_HOUSES = 5  # more would only show the same
APPLIANCES = ("shelly-gen2", "shelly-gen1", "tasmota")
LEAST_PERIOD_S = 5


def tables(houses: int) -> dict[str, Any]:
    """Return the table [bridges] of a new bench of so many houses."""
    period_s = max(LEAST_PERIOD_S, houses)
    plugs: list[dict[str, Any]] = []
    for number in range(1, houses + 1):
        house = f"house-{number}"
        common = {"house": house, "address": BENCH, "period_s": period_s}
        if number <= METERED_HOUSES:
            meter = {"is_house_meter": True, "can_switch": False}
            plugs.append({"name": f"{house}-meter", "kind": "tasmota", **common, **meter})
        kind = APPLIANCES[(number - 1) % len(APPLIANCES)]
        is_flexible = number % 2 == 1  # houses with a roof run it on their own sun
        washer = {"name": f"{house}-washer", "kind": kind, "is_flexible": is_flexible}
        plugs.append(washer | common)
    return {"plugs": plugs, "prometheus": {}, "market": {}}


def bench_arguments(data: Path) -> list[str]:
    """Return the arguments that make the bench have the site's virtual plugs."""
    arguments: list[str] = []
    for one in configuration.load(data).bridges.plugs:
        if one.address == BENCH:
            plan = PlugPlan(one.name, one.house, one.kind, one.is_house_meter)
            arguments += ["--plug", plan.to_text()]
    return arguments
