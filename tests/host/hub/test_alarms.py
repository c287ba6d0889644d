"""Alarms: raised once, kept with their history, seen by a name, over when their cause is."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from hub import config, keys
from hub.admission import PUT_OUT_STATE
from hub.alarms import watch as watching
from hub.alarms.book import FAULT, AlarmBook
from hub.alarms.watch import AlarmWatch, WatchParts
from hub.cli import hub as command
from hub.errors import BadInput
from hub.honesty import quarantine
from hub.services.alarms import AlarmDesk


class Now:
    ms = 1_000

    def __call__(self):
        return self.ms


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def told():
    return []


@pytest.fixture
def book(store, now, told):
    found = AlarmBook(store, now_ms=now)
    found.on_change = lambda *what: told.append(what)
    return found


def test_alarm_is_raised_once_when_its_cause_is_told_again(book, store, told):
    for _ in range(3):
        book.raise_alarm("silent", "house-1", "house-1 is silent")
    assert len(store.alarms()) == 1
    assert told == [(1, "silent", "house-1 is silent", True)]


def test_alarm_still_stands_when_the_hub_starts_again(book, store, now):
    book.raise_alarm("silent", "house-1", "house-1 is silent")
    later = AlarmBook(store, now_ms=now)
    later.raise_alarm("silent", "house-1", "house-1 is silent")
    assert len(store.alarms()) == 1
    later.clear("silent", "house-1")
    assert store.raised_alarms() == []


def test_alarm_is_a_new_one_when_its_cause_comes_back(book, store, now):
    book.raise_alarm("fault", "house-1", "welded", FAULT)
    now.ms = 2_000
    book.clear("fault", "house-1")
    book.raise_alarm("fault", "house-1", "welded again", FAULT)
    newest, first = store.alarms()
    assert (first.raised_at_ms, first.cleared_at_ms) == (1_000, 2_000)
    assert (newest.alarm_id, newest.cleared_at_ms) == (2, None)


def test_alarm_stays_on_the_list_when_it_is_over_and_nobody_has_seen_it(book, store):
    book.raise_alarm("silent", "house-1", "house-1 is silent")
    book.clear("silent", "house-1")
    assert len(store.alarms(only_standing=True)) == 1
    assert store.acknowledge_alarm(1, "Maria", 3_000)
    assert store.alarms(only_standing=True) == []
    assert not store.acknowledge_alarm(1, "Juan", 4_000)
    assert store.alarms()[0].acknowledged_by == "Maria"


class Site:
    """A watch over two boards whose surroundings a test changes."""

    def __init__(self, book, store, now, tmp_path):
        self.is_stopped, self.is_clock_trusted, self.restarts = False, True, 0
        self.is_broker_there = self.is_chain_there = True
        self.chain_restarts = 0
        parts = WatchParts(
            store,
            tmp_path,
            ("house-1", "house-2"),
            lambda: self.is_stopped,
            lambda: self.is_clock_trusted,
            lambda: self.restarts,
            lambda: self.is_broker_there,
            lambda: self.chain_restarts,
            lambda: self.is_chain_there,
        )
        self.watch = AlarmWatch(book, parts, now)

    def say(self, node, fault="none"):
        self.watch.hear([SimpleNamespace(node=node, kind="status", record={"fault": fault})])


@pytest.fixture
def site(book, store, now, tmp_path):
    return Site(book, store, now, tmp_path)


def standing(store):
    return {(one.kind, one.subject) for one in store.raised_alarms()}


def test_silent_board_is_told_and_its_word_ends_the_alarm(site, store, now):
    site.say("house-1")
    site.watch.look()
    assert standing(store) == set()
    now.ms += watching.SILENT_MS + 1
    site.say("house-2")
    site.watch.look()
    assert standing(store) == {("silent", "house-1")}
    site.say("house-1")
    assert standing(store) == set()


def test_fault_of_a_board_is_an_alarm_until_it_reports_none(site, store):
    site.say("house-1", "welded")
    (alarm,) = store.raised_alarms()
    assert (alarm.severity, alarm.subject) == (FAULT, "house-1") and "welded" in alarm.sentence
    site.say("house-1")
    assert standing(store) == set()


def test_stop_clock_and_disk_are_alarms_while_they_last(site, store, monkeypatch):
    usage = SimpleNamespace(free=1 << 20)
    monkeypatch.setattr(watching.shutil, "disk_usage", lambda path: usage)
    site.is_stopped, site.is_clock_trusted = True, False
    site.watch.look()
    assert standing(store) == {("stop", "panel"), ("clock", "hub"), ("disk", "data")}
    site.is_stopped, site.is_clock_trusted, usage.free = False, True, 1 << 40
    site.watch.look()
    assert standing(store) == set() and len(store.alarms()) == 3


def test_broker_that_was_started_again_is_kept_in_the_history(site, store):
    site.restarts = 2
    site.watch.look()
    site.watch.look()
    assert [one.kind for one in store.alarms()] == ["broker"] and standing(store) == set()


def test_dispute_is_an_alarm_until_it_is_resolved(site, store, market):
    market.offer()
    market.trade()
    market.dispute()
    site.watch.look()
    assert standing(store) == {("dispute", "1")}
    market.apply("DisputeResolved", trade_id=1, settled_uwh=700, paid_wei=700, refunded_wei=300,
                 by_silence=False)  # fmt: skip
    site.watch.look()
    assert standing(store) == set()


def test_alarm_is_acknowledged_when_a_person_says_so(store, book, tmp_path):
    houses = config.bench_houses(2)
    keys.create(tmp_path / "keys.json", [house.name for house in houses])
    config.write(tmp_path, houses)
    book.raise_alarm("silent", "house-1", "house-1 is silent")
    call = ["alarms", "--data", str(tmp_path)]
    assert "house-1 is silent" in CliRunner().invoke(command, call).output
    answer = CliRunner().invoke(command, [*call, "--ack", "1", "--by", "Maria", "--json"])
    (shown,) = json.loads(answer.stdout)
    assert shown["acknowledged_by"] == "Maria" and shown["cleared_at_ms"] is None
    answer = CliRunner().invoke(command, [*call, "--ack", "9"])
    assert answer.exit_code != 0 and "no such alarm" in str(answer.exception)


def test_alarm_stands_while_a_board_that_floods_is_put_out(site, book, store):
    store.set_state(PUT_OUT_STATE, {"house-2": 99_000})
    site.watch.look()
    assert book.standing("flood") == {"house-2"}
    store.set_state(PUT_OUT_STATE, {})
    site.watch.look()
    assert book.standing("flood") == frozenset()


def test_alarm_is_raised_when_the_broker_neither_ends_nor_answers(site, book, store, now):
    site.is_broker_there = False
    site.watch.look()
    assert book.standing("broker_silent") == frozenset()  # it may be a moment only
    now.ms += 15_000
    site.watch.look()
    assert store.raised_alarms()[0].sentence.startswith("the broker does not answer")
    site.is_broker_there = True
    site.watch.look()
    assert book.standing("broker_silent") == frozenset()


def test_chain_that_was_started_again_is_kept_in_the_history(site, store):
    site.chain_restarts = 1
    site.watch.look()
    site.watch.look()
    (alarm,) = store.alarms()
    assert (alarm.kind, alarm.sentence) == ("chain", "the chain ended and was started again")
    assert standing(store) == set()


def test_alarm_stands_while_the_chain_is_away_for_more_than_half_a_minute(site, store, now):
    site.is_chain_there = False
    for away_ms in (0, 29_999):
        now.ms = 1_000 + away_ms
        site.watch.look()
        assert standing(store) == set()  # it may be a moment only
    now.ms = 31_000
    site.watch.look()
    (alarm,) = store.raised_alarms()
    assert alarm.kind == "chain" and alarm.sentence.startswith("the chain does not answer")
    site.is_chain_there = True
    site.watch.look()
    assert standing(store) == set()


def put_into_quarantine(store, site):
    row = {"node": "house-1", "reason": "lies", "since_ms": 1, "released_ms": None}
    store.set_state("quarantine", [row])
    site.watch.look()


def test_node_is_released_on_the_page_where_the_panels_keys_are(site, store):
    put_into_quarantine(store, site)
    desk = AlarmDesk(store, may_release=True)
    assert [one["release"] for one in desk.standing()] == ["house-1"]
    desk.release("house-1")
    assert quarantine.standing(store) == {}
    site.watch.look()
    assert [one["release"] for one in desk.standing()] == [None]
    with pytest.raises(BadInput, match="not in quarantine"):
        desk.release("house-1")


def test_node_is_not_released_on_the_page_of_a_real_site(site, store):
    put_into_quarantine(store, site)
    desk = AlarmDesk(store)
    assert [one["release"] for one in desk.standing()] == [None]
    with pytest.raises(BadInput, match="trueque hub node release house-1"):
        desk.release("house-1")
    assert "house-1" in quarantine.standing(store)


def test_stop_is_an_alarm_at_once_when_the_watch_is_woken(book, store, tmp_path):
    async def scenario():
        is_stopped = False
        parts = WatchParts(
            *(store, tmp_path, (), lambda: is_stopped, lambda: True),
            *(lambda: 0, lambda: True, lambda: 0, lambda: True),
        )
        watch = AlarmWatch(book, parts)
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(0)
        is_stopped = True
        watch.wake()
        async with asyncio.timeout(watching.LOOK_S / 2):
            while not book.standing("stop"):
                await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(scenario())
