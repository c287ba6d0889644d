"""Scenarios as text for the simulator's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.sim.outcome import Outcome
from hub.sim.reading import read_scenario
from hub.sim.responding import simulate
from hub.sim.scenario import Scenario

FLAT = """
[tariffs]
retail_eur_per_kwh = 0.30
feed_in_eur_per_kwh = 0.10
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Scenario]:
    def read_text(text: str) -> Scenario:
        path = tmp_path / "scenario.toml"
        path.write_text(text, encoding="utf-8")
        return read_scenario(path)

    return read_text


@pytest.fixture
def simulated(read: Callable[[str], Scenario]) -> Callable[..., Outcome]:
    def simulate_text(text: str, **options: Any) -> Outcome:
        return simulate(read(text), has_details=True, **options)

    return simulate_text
