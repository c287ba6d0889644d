"""Demand-response events on the bench: announced, accepted within flexibility, proved by meters."""

from __future__ import annotations

import datetime
import zoneinfo
from types import SimpleNamespace

import pytest

from hub.errors import BadInput
from hub.services import events
from hub.services.events import Announcement, EventDesk, announcement_of, is_held_off
from hub.site_clock import SiteClock

NOW_MS = 1_000_000_000
HOUSE_UW, WASHER_UW = 300_000_000, 600_000_000
REWARD = 200_000_000


class Meters:
    """A store with a house of 300 W and a washer of 600 W, on as long as `is_on` says."""

    def __init__(self):
        self.kept, self.washer_off_ms, self.silent_from_ms = {}, None, None

    def state(self, name):
        return self.kept.get(name)

    def set_state(self, name, value):
        self.kept[name] = value

    def latest_readings(self):
        return {"house-1": {"load_power_uw": None}, "house-2": {"load_power_uw": None}}

    def readings_between(self, start_ms, end_ms, node=None):
        if self.silent_from_ms is not None:
            end_ms = min(end_ms, self.silent_from_ms)
        return [
            {"node": "house-1", "received_at_ms": at_ms, "load_power_uw": None,
             "load_apparent_uva": HOUSE_UW + WASHER_UW}
            for at_ms in range(max(start_ms, NOW_MS - 60_000), end_ms, 5_000)
        ]  # fmt: skip

    def plug_readings(self, plug, since_ms):
        assert plug == "house-1-washer"
        return [{"at_ms": NOW_MS - 1_000, "power_uw": WASHER_UW}]

    def registers_at(self, node, before_ms):
        on_ms = before_ms if self.washer_off_ms is None else min(before_ms, self.washer_off_ms)
        load = (HOUSE_UW * before_ms + WASHER_UW * on_ms) // 3_600_000
        return {"load_import_uwh": None, "load_apparent_uvah": load}


@pytest.fixture
def bench(monkeypatch):
    """Return its store, its desk and a clock to set; 60 minutes of the site take a minute."""
    time = SimpleNamespace(ms=NOW_MS)
    monkeypatch.setattr(events, "wall_ms", lambda: time.ms)
    store = Meters()
    zone = zoneinfo.ZoneInfo("UTC")
    clock = SiteClock(datetime.datetime(2017, 6, 5, 12), NOW_MS, 60, zone)
    plugs = {"house-1": ["house-1-washer"], "house-2": []}
    return store, EventDesk(store, clock, plugs), time


def test_house_pledges_what_its_flexible_appliances_use(bench):
    _, desk, _ = bench
    event = desk.announce(Announcement(30, 60, REWARD))
    assert (event["start_ms"], event["end_ms"]) == (NOW_MS + 30_000, NOW_MS + 90_000)
    assert event["start_local"] == "2017-06-05T12:30:00+00:00"
    [(name, house)] = event["houses"].items()  # the other has nothing to switch
    assert name == "house-1"
    assert house["pledged_uwh"] == house["accepted_uwh"] == WASHER_UW // 60
    assert house["baseline_uwh"] == (HOUSE_UW + WASHER_UW) // 60


def test_no_more_is_accepted_than_was_asked_for(bench):
    event = bench[1].announce(Announcement(30, 60, REWARD, asked_uwh=1_000))
    assert event["houses"]["house-1"]["accepted_uwh"] == 1_000


def test_meter_proves_what_was_not_used_when_the_washer_stays_off(bench):
    store, desk, time = bench
    event = desk.announce(Announcement(30, 60, REWARD))
    store.washer_off_ms = event["start_ms"] + 6_000  # off for nine tenths of it
    time.ms = event["end_ms"] + events.GRACE_MS - 1
    desk.look()
    assert not desk.records()[0]["is_verified"]
    time.ms += 1
    desk.look()
    house = desk.records()[0]["houses"]["house-1"]
    assert house["verified_uwh"] == pytest.approx(WASHER_UW // 60 * 0.9, abs=2)
    assert house["reward_wei"] == str(house["verified_uwh"] * REWARD)


def test_house_earns_nothing_when_it_used_what_it_always_does(bench):
    _, desk, time = bench
    time.ms = desk.announce(Announcement(30, 60, REWARD))["end_ms"] + events.GRACE_MS
    desk.look()
    assert desk.records()[0]["houses"]["house-1"]["verified_uwh"] == 0


def test_nothing_is_proved_by_a_meter_that_was_silent(bench):
    store, desk, time = bench
    event = desk.announce(Announcement(30, 120, REWARD))
    store.washer_off_ms = event["start_ms"]
    store.silent_from_ms = event["end_ms"] - events.SILENT_MS
    time.ms = event["end_ms"] + events.GRACE_MS
    desk.look()
    house = desk.records()[0]["houses"]["house-1"]
    assert (house["verified_uwh"], house["reward_wei"]) == (0, "0")
    assert house["problem"] == "its meter was silent"


def test_appliances_are_held_off_from_start_to_end_of_what_was_accepted(bench):
    _, desk, _ = bench
    event = desk.announce(Announcement(30, 60, REWARD))
    times_ms = (event["start_ms"] - 1, event["start_ms"], event["end_ms"] - 1, event["end_ms"])
    assert [is_held_off([event], "house-1", at) for at in times_ms] == [False, True, True, False]
    assert not is_held_off([event], "house-2", event["start_ms"])


def test_two_events_at_once_and_bad_requests_are_refused(bench):
    _, desk, _ = bench
    desk.announce(Announcement(30, 60, REWARD))
    with pytest.raises(BadInput, match="Another event"):
        desk.announce(Announcement(60, 60, REWARD))
    good = {"in_minutes": 1, "for_minutes": 2, "reward": "0.2", "asked_uwh": None}
    assert announcement_of(good) == Announcement(1, 2, REWARD)
    for wrong in ([], {**good, "in_minutes": -1}, {**good, "for_minutes": True},
                  {**good, "asked_uwh": 1.5}, {**good, "relay": 1}):  # fmt: skip
        with pytest.raises(BadInput):
            announcement_of(wrong)
