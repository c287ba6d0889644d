"""Demand-response events on the bench: announced, accepted within flexibility, proved by meters."""

from __future__ import annotations

import datetime
import zoneinfo
from types import SimpleNamespace

import pytest

from hub.amounts import BadAmount
from hub.errors import BadInput
from hub.services import events
from hub.services.events import Announcement, EventDesk, announcement_of
from hub.services.promises import on_ms, promise_of
from hub.site_clock import SiteClock
from hub.web import create_app
from hub.web.parts import PageParts

NOW_MS = 1_000_000_000
HOUSE_UW, WASHER_UW = 300_000_000, 600_000_000
REWARD = 200_000_000
CLOCK = SiteClock(datetime.datetime(2017, 6, 5, 12), NOW_MS, 60, zoneinfo.ZoneInfo("UTC"))


class Meters:
    """A store with a house of 300 W and a washer of 600 W, on until `washer_off_ms`."""

    def __init__(self):
        self.kept, self.washer_off_ms, self.silent_from_ms = {}, None, None

    def is_on(self, at_ms):
        return self.washer_off_ms is None or at_ms < self.washer_off_ms

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
        times_ms = [NOW_MS - 1_000, *range(max(NOW_MS, since_ms), self.time.ms, 2_000)]
        return [{"at_ms": at_ms, "power_uw": WASHER_UW, "is_on": self.is_on(at_ms)}
                for at_ms in times_ms if at_ms >= since_ms]  # fmt: skip

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
    store.time = time
    plugs = {"house-1": ["house-1-washer"], "house-2": []}
    return store, EventDesk(store, CLOCK, plugs), time


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
    assert house["problem"] == "house-1-washer was on for 10 % of it"


def test_house_earns_nothing_when_it_used_what_it_always_does(bench):
    _, desk, time = bench
    time.ms = desk.announce(Announcement(30, 60, REWARD))["end_ms"] + events.GRACE_MS
    desk.look()
    event = desk.records()[0]
    assert event["houses"]["house-1"]["verified_uwh"] == 0
    assert event["houses"]["house-1"]["problem"] == "house-1-washer was on for 100 % of it"
    assert event["operator_owes_wei"] == "0"


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
    found = [promise_of([event], "house-1", at) for at in times_ms]
    assert found == [None, event, event, None]
    assert promise_of([event], "house-2", event["start_ms"]) is None


def test_event_is_refused_when_another_is_at_that_time(bench):
    _, desk, _ = bench
    desk.announce(Announcement(30, 60, REWARD))
    with pytest.raises(BadInput, match="Another event"):
        desk.announce(Announcement(60, 60, REWARD))


GOOD = {"in_minutes": 1, "for_minutes": 2, "reward": "0.2"}


@pytest.mark.parametrize(
    "more, asked_uwh",
    [({}, None), ({"asked_uwh": None}, None), ({"asked_uwh": 40_000}, 40_000),
     ({"asked": "40"}, 40_000), ({"in_minutes": "1", "for_minutes": "2", "asked": None}, None)],
)  # fmt: skip
def test_announcement_is_read_when_typed_or_computed(more, asked_uwh):
    assert announcement_of({**GOOD, **more}) == Announcement(1, 2, REWARD, asked_uwh)


@pytest.mark.parametrize(
    "more, field",
    [({"in_minutes": -1}, "in_minutes"), ({"for_minutes": True}, "for_minutes"),
     ({"in_minutes": "soon"}, "in_minutes"), ({"for_minutes": 0}, "for_minutes"),
     ({"in_minutes": 7 * 1440 + 1}, "in_minutes"), ({"asked_uwh": 1.5}, "asked_uwh"),
     ({"asked": "much"}, "asked"), ({"reward": "1,5,0"}, "reward"), ({"reward": None}, "reward")],
)  # fmt: skip
def test_announcement_names_the_field_when_it_is_wrong(more, field):
    with pytest.raises(BadAmount) as refused:
        announcement_of({**GOOD, **more})
    assert refused.value.field == field


def test_announcement_speaks_of_the_reward_when_it_is_negative():
    with pytest.raises(BadAmount, match="The reward must be more than zero"):
        announcement_of({**GOOD, "reward": "-1"})


@pytest.mark.parametrize("body", [None, [], {**GOOD, "relay": 1}])
def test_announcement_is_refused_when_it_is_another_thing(body):
    with pytest.raises(BadInput, match="Say in_minutes"):
        announcement_of(body)


@pytest.fixture
def away(bench):
    """Return the same with one house, whose agent is away."""
    store, _, time = bench
    plugs = {"house-1": ["house-1-washer"]}
    return store, EventDesk(store, CLOCK, plugs, away=["house-1"]), time


def test_agent_away_takes_part_when_it_answers_before_the_start(away):
    store, desk, time = away
    event = desk.announce(Announcement(30, 60, REWARD))
    assert event["houses"]["house-1"]["accepted_uwh"] == 0
    asked = desk.question("house-1")
    assert asked["pledged_uwh"] == WASHER_UW // 60 and asked["event_id"] == 1
    assert promise_of(desk.records(), "house-1", event["start_ms"]) is None
    assert desk.answer("house-1", 1, True)["accepted_uwh"] == WASHER_UW // 60
    assert desk.question("house-1") is None
    assert promise_of(desk.records(), "house-1", event["start_ms"])["event_id"] == 1
    store.washer_off_ms = event["start_ms"]
    time.ms = event["end_ms"] + events.GRACE_MS
    desk.look()
    [found] = desk.records()
    assert found["operator_owes_wei"] == found["houses"]["house-1"]["reward_wei"] != "0"


def test_agent_away_promises_no_more_than_is_left_of_what_was_asked_for(away):
    _, desk, _ = away
    desk.announce(Announcement(30, 60, REWARD, asked_uwh=1_000))
    assert desk.answer("house-1", 1, True)["accepted_uwh"] == 1_000


def test_agent_away_is_refused_when_it_answers_twice_late_or_unasked(away):
    _, desk, time = away
    event = desk.announce(Announcement(30, 60, REWARD))
    for house, event_id in (("house-2", 1), ("house-1", 7)):
        with pytest.raises(BadInput, match="asks nothing of"):
            desk.answer(house, event_id, True)
    time.ms = event["start_ms"]
    assert desk.question("house-1") is None
    with pytest.raises(BadInput, match="has begun"):
        desk.answer("house-1", 1, True)
    time.ms -= 1
    desk.answer("house-1", 1, True)
    with pytest.raises(BadInput, match="not answered"):
        desk.answer("house-1", 1, True)


def test_agent_away_is_not_asked_again_when_it_declined(away):
    _, desk, time = away
    event = desk.announce(Announcement(30, 60, REWARD))
    assert desk.answer("house-1", 1, False)["problem"] == "its agent declined"
    assert desk.question("house-1") is None
    assert promise_of(desk.records(), "house-1", event["start_ms"]) is None
    time.ms = event["end_ms"] + events.GRACE_MS
    desk.look()
    [found] = desk.records()
    assert (found["houses"]["house-1"]["verified_uwh"], found["operator_owes_wei"]) == (None, "0")


def test_agent_away_earns_nothing_when_it_never_answered(away):
    store, desk, time = away
    event = desk.announce(Announcement(30, 60, REWARD))
    store.washer_off_ms = event["start_ms"]
    time.ms = event["end_ms"] + events.GRACE_MS
    desk.look()
    [found] = desk.records()
    assert found["houses"]["house-1"]["problem"] == "its agent did not answer"
    assert (found["houses"]["house-1"]["verified_uwh"], found["operator_owes_wei"]) == (None, "0")


def test_event_is_refused_when_no_house_has_an_appliance_to_do_without(bench):
    desk = EventDesk(bench[0], CLOCK, {"house-1": []})
    with pytest.raises(BadInput, match="is_flexible"):
        desk.announce(Announcement(30, 60, REWARD))


def test_time_on_is_counted_inside_the_event_alone():
    told = ((0, True), (12, False), (14, True), (18, None), (19, True))
    readings = [{"at_ms": at_ms, "is_on": is_on} for at_ms, is_on in told]
    assert on_ms(readings, (10, 20)) == 2 + 4 + 1
    assert on_ms([], (10, 20)) == 0


TYPED = {"in_minutes": 30, "for_minutes": "60", "reward": "0.2", "asked": "40"}


def test_event_is_announced_and_told_when_the_coordinator_posts_it(bench, tmp_path):
    config = SimpleNamespace(data_dir=tmp_path)
    parts = PageParts(events=bench[1])
    client = create_app(None, config, {"TESTING": True}, parts).test_client()
    assert client.get("/api/events").json == {"can_announce": True, "events": []}
    assert client.post("/api/events", json=TYPED).status_code == 403  # no token of a session
    headers = {"X-CSRF-Token": client.get("/api/session").json["csrf_token"]}
    wrong = client.post("/api/events", json={**TYPED, "reward": "cheap"}, headers=headers)
    assert (wrong.status_code, wrong.json["field"]) == (400, "reward")
    made = client.post("/api/events", json=TYPED, headers=headers)
    assert made.status_code == 200 and made.json["houses"]["house-1"]["accepted_uwh"] == 40_000
    again = client.post("/api/events", json=TYPED, headers=headers)
    assert again.status_code == 409 and "Another event" in again.json["error"]
    assert client.get("/api/events").json["events"] == [made.json]


def test_hub_without_events_says_so(tmp_path):
    config = SimpleNamespace(data_dir=tmp_path)
    client = create_app(None, config, {"TESTING": True}, PageParts()).test_client()
    assert client.get("/api/events").json == {"can_announce": False, "events": []}
    headers = {"X-CSRF-Token": client.get("/api/session").json["csrf_token"]}
    assert client.post("/api/events", json=TYPED, headers=headers).status_code == 409
