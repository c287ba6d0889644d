"""Fixtures of the drawings' tests: the units of the kit, built once."""

from __future__ import annotations

import pytest

from hw.schematics.dc_bus import dc_bus
from hw.schematics.export import units
from hw.schematics.model import Unit
from hw.schematics.peer_node import peer_node


@pytest.fixture(scope="session")
def kit() -> dict[str, Unit]:
    return {unit.name: unit for unit in units()}


@pytest.fixture
def node() -> Unit:
    return peer_node()


@pytest.fixture(params=(2, 5), ids=lambda houses: f"bus-{houses}")
def bus(request: pytest.FixtureRequest) -> Unit:
    return dc_bus(request.param)
