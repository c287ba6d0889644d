"""Plugs: each make read and switched over its own protocol; a register that only goes up."""

from __future__ import annotations

import dataclasses

import pytest

from hub.bridges.errors import PlugRefused
from hub.bridges.part import BridgesPart
from hub.bridges.plugs.meter import STEP_UWH, PlugMeter
from hub.bridges.plugs.reading import PlugReading
from tests.host.bridges.doubles import checked, wait_for
from tests.host.bridges.servers import ShellyGen1Server, ShellyGen2Server, TasmotaServer


def plug(**changes):
    found = {"name": "kettle", "house": "house-1", "address": "127.0.0.1", **changes}
    return checked(plugs=[found]).plugs[0]


@pytest.fixture
def running(site):
    parts = []

    def start(*plugs):
        wanted = checked(plugs=[{"house": "house-1", "period_s": 1, **one} for one in plugs])
        made = BridgesPart(wanted, site.parts(), site.path)
        parts.append(made)
        made.start()
        return made

    yield start
    for one in parts:
        one.stop()


def seen(part):
    return part.record()["plugs"][0]


MAKES = [
    ("tasmota", TasmotaServer, {}, (True, 56_000_000, 234_000_000, 239_000)),
    ("shelly-gen1", ShellyGen1Server, {}, (False, 0, None, None)),
    ("shelly-gen2", ShellyGen2Server, {}, (True, 12_300_000, 225_900_000, 55_000)),
    ("shelly-gen2", ShellyGen2Server, {"component": "em1", "can_switch": False},
     (None, 951_200_000, 236_100_000, 4_029_000)),
]  # fmt: skip


@pytest.mark.parametrize("kind, server, more, told", MAKES)
def test_plug_is_read_in_micro_units_when_it_answers(
    site, serve, running, kind, server, more, told
):
    found = serve(server())
    part = running({"name": "kettle", "kind": kind, "address": found.address, **more})
    wait_for(lambda: site.store.latest_plugs())
    row = site.store.latest_plugs()[0]
    is_on = None if row["is_on"] is None else bool(row["is_on"])
    assert (is_on, row["power_uw"], row["voltage_uv"], row["current_ua"]) == told
    assert seen(part)["is_online"]


@pytest.mark.parametrize(
    "kind, server, step_uwh",
    [("tasmota", TasmotaServer, 1_000_000), ("shelly-gen1", ShellyGen1Server, 16_667),
     ("shelly-gen2", ShellyGen2Server, 1_000_000)],
)  # fmt: skip
def test_plug_counts_by_the_devices_own_counter_when_it_rises(
    site, serve, running, kind, server, step_uwh
):
    found = serve(server())
    running({"name": "kettle", "kind": kind, "address": found.address})
    wait_for(lambda: site.store.latest_plugs())
    assert site.store.latest_plugs()[0]["energy_uwh"] == 0
    if kind == "tasmota":
        found.total_kwh += 0.001
    elif kind == "shelly-gen1":
        found.total += 1  # a watt-minute
    else:
        found.total_wh += 1
    wait_for(lambda: site.store.latest_plugs()[0]["energy_uwh"])
    assert site.store.latest_plugs()[0]["energy_uwh"] == step_uwh


@pytest.mark.parametrize(
    "kind, server",
    [("tasmota", TasmotaServer), ("shelly-gen1", ShellyGen1Server),
     ("shelly-gen2", ShellyGen2Server)],
)  # fmt: skip
def test_plug_obeys_when_its_house_switches_it(site, serve, running, kind, server):
    found = serve(server())
    part = running({"name": "kettle", "kind": kind, "address": found.address})
    for is_on in (False, True, False):
        assert part.switch_plug("kettle", is_on, "house-1")["is_on"] is is_on
        assert found.is_on is is_on


def test_plug_is_said_not_to_have_obeyed_when_it_did_not(serve, running):
    found = serve(ShellyGen2Server())
    found.is_deaf = True
    part = running({"name": "kettle", "kind": "shelly-gen2", "address": found.address})
    with pytest.raises(Exception, match="kettle did not switch off"):
        part.switch_plug("kettle", False, "house-1")


@pytest.mark.parametrize(
    "name, peer, sentence",
    [("kettle", "house-1", "read only"), ("kettle", "house-2", "Only house-1"),
     ("toaster", "house-1", "no such plug")],
)  # fmt: skip
def test_plug_is_not_switched_when_that_is_not_allowed(serve, running, name, peer, sentence):
    found = serve(TasmotaServer())
    part = running({"name": "kettle", "address": found.address, "can_switch": False})
    with pytest.raises(PlugRefused, match=sentence):
        part.switch_plug(name, False, peer)
    assert found.is_on


def test_plug_is_offline_with_its_reason_when_it_does_not_answer(serve, running):
    part = running({"name": "kettle", "address": "127.0.0.1:9"})
    wait_for(lambda: seen(part)["problem"])
    assert "cannot connect" in seen(part)["problem"]
    assert seen(part)["is_online"] is False


def test_register_goes_on_when_the_hub_starts_again(site, serve, running):
    found = serve(TasmotaServer())
    first = running({"name": "kettle", "address": found.address})
    wait_for(lambda: site.store.latest_plugs())
    first.stop()
    found.total_kwh += 0.002  # while the hub was away
    running({"name": "kettle", "address": found.address})
    wait_for(lambda: site.store.latest_plugs()[0]["energy_uwh"])
    assert site.store.latest_plugs()[0]["energy_uwh"] == 2_000_000


# The register ---------------------------------------------------------------------------------


def counted(*readings, step_ms=5_000):
    """Return the register after each of these readings."""
    meter = PlugMeter(plug(), None)
    return [meter.take(one, n * step_ms).energy_uwh for n, one in enumerate(readings, 1)]


def test_register_keeps_its_value_when_the_device_is_reset():
    told = [PlugReading(device_uwh=uwh) for uwh in (500_000, 600_000, 0, 50_000)]
    assert counted(*told) == [0, 100_000, 100_000, 150_000]


def test_register_takes_no_impossible_rise_when_a_device_lies():
    far = 10**12
    told = [PlugReading(device_uwh=uwh) for uwh in (0, far, far + 7)]
    assert counted(*told) == [0, 0, 7]
    assert far > 25_000_000_000 * 5 // 3600 + STEP_UWH


def test_register_passes_over_what_was_not_told_when_the_counter_is_missing():
    told = [PlugReading(device_uwh=uwh) for uwh in (10, None, 500, 600)]
    assert counted(*told) == [0, 0, 0, 100]


def test_register_integrates_power_exactly_when_there_is_no_counter():
    """1 W for 3,600 readings 1 s apart is 1 Wh less the first second; nothing is rounded away."""
    told = [PlugReading(power_uw=1_000_000)] * 3_601
    assert counted(*told, step_ms=1_000)[-1] == 1_000_000


def test_register_adds_nothing_when_readings_are_far_apart_or_negative():
    told = [PlugReading(power_uw=1_000_000)] * 2
    assert counted(*told, step_ms=60_001) == [0, 0]
    assert counted(*[PlugReading(power_uw=-1_000_000)] * 2) == [0, 0]


def test_power_is_left_out_when_it_is_impossible():
    meter = PlugMeter(plug(), None)
    row = meter.take(PlugReading(power_uw=10**15), 1)
    assert row.power_uw is None


def test_series_is_thinned_to_quarters_when_it_is_old(site):
    log = site.parts().plug_log
    meter = PlugMeter(plug(is_house_meter=True), None)
    rows = [meter.take(PlugReading(device_uwh=n), n * 60_000) for n in range(60)]
    for row in rows:
        log.keep(row)
    log.thin(45 * 60_000)
    kept = site.store.plug_readings("kettle", 0)
    assert [one["at_ms"] // 60_000 for one in kept] == [14, 29, 44, *range(45, 60)]
    assert site.store.house_meter_uwh("house-1", 60 * 60_000) == 59
    assert log.last("kettle") == dataclasses.replace(rows[-1])
