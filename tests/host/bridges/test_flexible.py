"""The house's agent at the switch: on with the sun, off without, never against a person."""

from __future__ import annotations

import pytest

from hub.bridges.part import BridgesPart
from hub.bridges.plugs import flexible
from hub.bridges.plugs.sunlight import surplus_uw, wanted_state
from hub.services.events import EVENTS
from hub.site_clock import wall_ms
from tests.host.bridges.doubles import checked, wait_for
from tests.host.bridges.servers import TasmotaServer


def reading(pv, load, apparent=None):
    return {"pv_power_uw": pv, "load_power_uw": load, "load_apparent_uva": apparent}


def test_surplus_is_at_the_homes_scale_when_the_model_is_smaller():
    assert surplus_uw([reading(30, None, 1_000)] * 5, 100) == 2_000
    assert surplus_uw([reading(30, 500, 1_000)] * 5, 100) == 2_500


@pytest.mark.parametrize(
    "readings", [[], [reading(30, 1_000)] * 4, [reading(None, 1_000)] * 9, [reading(30, None)] * 9]
)
def test_surplus_is_unknown_when_it_would_be_a_guess(readings):
    assert surplus_uw(readings, 100) is None


@pytest.mark.parametrize(
    "is_on, surplus, wanted",
    [(False, 799, False), (False, 800, True), (True, 0, True), (True, -1, False),
     (True, None, True), (False, None, False)],
)  # fmt: skip
def test_appliance_follows_the_sun_when_it_takes_800(is_on, surplus, wanted):
    assert wanted_state(is_on, surplus, 800) is wanted


@pytest.fixture
def house(site, serve, monkeypatch):
    monkeypatch.setattr(flexible, "LOOK_S", 0.1)
    found = serve(TasmotaServer(watts=56.0))
    plug = {"name": "washer", "house": "house-1", "address": found.address, "period_s": 1,
            "is_flexible": True}  # fmt: skip
    part = BridgesPart(checked(plugs=[plug]), site.parts(), site.path, (100, 60))
    part.start()
    yield part, found
    part.stop()


def shine(site, pv_uw, load_uva):
    now_ms = wall_ms()
    for number in range(8):
        site.feed("house-1", now_ms - number * 1_000, pv_power_uw=pv_uw, load_apparent_uva=load_uva)


def test_agent_turns_an_appliance_off_when_the_sun_is_gone(site, house):
    _, plug = house
    shine(site, 0, 300_000_000)
    wait_for(lambda: not plug.is_on)
    wait_for(lambda: site.said)
    assert site.said == ["house-1: its agent turned washer off"]


def test_agent_leaves_an_appliance_alone_when_a_person_switched_it(site, house):
    part, plug = house
    wait_for(lambda: site.store.latest_plugs())
    part.switch_plug("washer", True, "house-1")
    shine(site, 0, 300_000_000)
    before = len(site.store.plug_readings("washer", 0))
    wait_for(lambda: len(site.store.plug_readings("washer", 0)) > before + 1)
    assert plug.is_on


def promise(site, start_ms):
    """Keep an event in which house-1 promised something: from `start_ms` on, for ten minutes."""
    house = {"accepted_uwh": 1_000, "pledged_uwh": 1_000, "is_asked": False}
    event = {"event_id": 1, "start_ms": start_ms, "end_ms": start_ms + 600_000,
             "end_local": "2017-06-05T17:30:00+02:00", "reward_gwei_per_kwh": 1,
             "houses": {"house-1": house}}  # fmt: skip
    site.store.set_state(EVENTS, [event])


def test_agent_keeps_an_appliance_off_in_an_event_although_the_sun_shines(site, house):
    _, plug = house
    promise(site, wall_ms())
    shine(site, 30_000_000, 300_000_000)
    wait_for(lambda: plug.is_on is False)


def test_event_ends_what_a_person_switched_on_before_it_when_the_house_promised(site, house):
    part, plug = house
    wait_for(lambda: site.store.latest_plugs())
    part.switch_plug("washer", True, "house-1")
    promise(site, wall_ms() + 1)
    wait_for(lambda: plug.is_on is False)
    until = "2017-06-05T17:30:00+02:00"
    wait_for(lambda: part.record()["plugs"][0]["promised_off_until"] == until)


def test_event_leaves_alone_what_a_person_switches_on_during_it(site, house):
    part, plug = house
    wait_for(lambda: site.store.latest_plugs())
    promise(site, wall_ms() - 1)
    wait_for(lambda: plug.is_on is False)
    part.switch_plug("washer", True, "house-1")
    before = len(site.store.plug_readings("washer", 0))
    wait_for(lambda: len(site.store.plug_readings("washer", 0)) > before + 1)
    assert plug.is_on
