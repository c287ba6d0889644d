"""Virtual plugs: the hub's own drivers read and switch them, and the house's load obeys."""

from __future__ import annotations

import asyncio
import json

import pytest

from hub.bridges.config import Plug
from hub.bridges.http import Http
from hub.bridges.plugs.shelly import ShellyGen1, ShellyGen2
from hub.bridges.plugs.tasmota import TasmotaHttp
from tools.bench.appliance import Appliance
from tools.bench.plugs import PlugPlan, VirtualPlugs

DRIVERS = {
    "tasmota": lambda plug, place: TasmotaHttp(plug, lambda: place, Http(), None),
    "shelly-gen1": lambda plug, place: ShellyGen1(plug, lambda: place, Http()),
    "shelly-gen2": lambda plug, place: ShellyGen2(plug, lambda: place, Http()),
}


@pytest.mark.parametrize("kind", DRIVERS)
def test_load_falls_by_the_appliance_when_its_plug_is_turned_off(make_bench, tmp_path, kind):
    bench = make_bench(2)
    bench.run(30.0)
    house = bench.houses[1]
    name = house.name
    plans = [PlugPlan("meter", name, "tasmota", True), PlugPlan("washer", name, kind, False)]

    async def switch():
        plugs = VirtualPlugs(plans, {name: house}, tmp_path / "plugs.json")
        await plugs.start()
        try:
            places = json.loads((tmp_path / "plugs.json").read_text())
            driver = DRIVERS[kind](Plug("washer", name, kind), places["washer"])
            meter = DRIVERS["tasmota"](Plug("meter", name), places["meter"])
            before = await driver.read(), await meter.read()
            await driver.switch(False)
            return before, (await driver.read(), await meter.read())
        finally:
            await plugs.stop()

    (washer, meter), (off, less) = asyncio.run(switch())
    assert washer.is_on and washer.power_uw > 100_000_000
    assert (off.is_on, off.power_uw) == (False, 0)
    assert meter.power_uw - less.power_uw == pytest.approx(washer.power_uw, abs=200_000)
    assert washer.device_uwh == pytest.approx(house.appliance.energy_j / 3600e-6, rel=0.02)
    load_a = house.load_a
    bench.run(2.0)
    assert house.load_a == pytest.approx(load_a, rel=0.05)  # it stays off


def test_appliance_takes_only_what_is_above_the_base_load():
    washer = Appliance(rated_w=800)
    assert (washer.take(1_500, 400), washer.power_w) == (1_500, 800)
    assert (washer.take(700, 400), washer.power_w) == (700, 300)
    assert (washer.take(300, 400), washer.power_w) == (300, 0)
    washer.is_on = False
    assert (washer.take(1_500, 400), washer.power_w) == (700, 0)


@pytest.mark.parametrize("text", ["a:b", "a:b:toaster", "a:b:tasmota:x", "a:b:tasmota:meter:x"])
def test_plug_is_refused_when_its_plan_cannot_be_read(text):
    with pytest.raises(ValueError):
        PlugPlan.of_text(text)


def test_plan_is_the_same_when_it_was_written_and_read():
    plan = PlugPlan("a", "house-1", "tasmota", True)
    assert PlugPlan.of_text(plan.to_text()) == plan
