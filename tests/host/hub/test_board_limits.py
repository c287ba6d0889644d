"""A board's limits follow the bus of its site."""

from dataclasses import replace

import pytest
from node.settings import LIMITS, Settings

from hub import config, keys
from hub.provision import board_settings


@pytest.mark.parametrize("nominal_uv", [1_000_000, 12_000_000, 24_000_000, 28_800_000])
def test_boards_get_limits_that_the_firmware_takes_when_the_bus_is_another(tmp_path, nominal_uv):
    houses = config.bench_houses(2)
    config.write(tmp_path, houses, schedule={"mode": "none"}, clock={"zone": "UTC"})
    names = [house.name for house in houses]
    keys.create(tmp_path / "keys.json", names)
    site = config.load(tmp_path)
    site = replace(site, bus=replace(site.bus, nominal_uv=nominal_uv))
    secrets = keys.load(site.keys_path, names)
    members = board_settings(site, secrets, site.houses[0], {"broker": 1883, "ntp": 1123})
    limits = Settings(members).limits
    assert limits["under_voltage_uv"] == nominal_uv * 3 // 4
    assert limits["over_voltage_uv"] == nominal_uv * 5 // 4
    if nominal_uv == 12_000_000:
        assert limits == {name: default for name, (_, _, default) in LIMITS.items()}
