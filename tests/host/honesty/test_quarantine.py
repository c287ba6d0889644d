"""A node that lies: its figures are not stored, it gets no turn, and a person releases it."""

from __future__ import annotations

import json
import time

import pytest
from click.testing import CliRunner
from wire import codec, topics

from hub import config, keys
from hub.errors import BadInput
from hub.honesty import quarantine
from hub.honesty.part import Honesty
from hub.mqtt.ingest import Ingest, Stored
from hub.mqtt.link import Arrival
from hub.node_cli import node as node_command
from hub.site_clock import SiteClock, wall_ms
from hub.status_cli import status as status_command
from hub.store import NodeRow, Store
from tests.host.hub.samples import delivery, reading

KEY = b"k" * 32


@pytest.fixture
def site(tmp_path):
    config.write(tmp_path, config.bench_houses(2), clock={"zone": "UTC"})
    keys.create(tmp_path / "keys.json", ["house-1", "house-2"])
    return config.load(tmp_path)


@pytest.fixture
def store(site):
    opened = Store.open(site.store_path)
    opened.set_nodes([NodeRow(one.name, one.kind, one.segment, None) for one in site.houses])
    yield opened
    opened.close()


@pytest.fixture
def caught():
    return []


@pytest.fixture
def honesty(site, store, caught):
    return Honesty(site, store, lambda *what: caught.append(what))


@pytest.fixture
def ingest(site, store, honesty):
    clock = SiteClock.real(site.zone)
    return Ingest(store, clock, {"house-1": KEY}, print, inspect=honesty.inspect)


def send(ingest, kind, record, at_ms):
    topic = topics.topic("house-1", kind)
    arrival = Arrival(topic, codec.encode(topic, record, KEY), at_ms, False, 1, 1)
    return ingest.store_batch([arrival])


def say(ingest, seq, register_uwh, at_ms):
    return send(ingest, "reading", reading(seq, bus_import_uwh=register_uwh), at_ms)


def test_nothing_a_liar_says_of_its_meters_is_stored(ingest, store, honesty, caught):
    now_ms = wall_ms()
    assert say(ingest, 1, 1_000, now_ms)
    assert say(ingest, 2, 10**9, now_ms + 1_000) == []
    assert say(ingest, 3, 1_100, now_ms + 2_000) == []
    assert [row["bus_import_uwh"] for row in store.each_reading(0, now_ms * 2)] == [1_000]
    assert store.message_counts()["rejected"] == {"quarantined": 2}
    assert [node for node, _ in caught] == ["house-1"]
    assert not honesty.may_serve("house-1") and honesty.may_serve("house-2")


def test_its_finals_are_still_heard_so_that_what_runs_is_settled(ingest, honesty):
    now_ms = wall_ms()
    say(ingest, 1, 1_000, now_ms)
    say(ingest, 2, 10**9, now_ms + 1_000)
    assert send(ingest, "delivery", delivery(), now_ms + 2_000)


def test_jump_is_seen_when_it_happens_while_the_hub_is_down(site, store, ingest, caught):
    now_ms = wall_ms()
    say(ingest, 1, 1_000, now_ms)
    again = Honesty(site, store, lambda *what: caught.append(what))
    record = reading(2, boot_id=2, bus_import_uwh=10**9)
    assert again.inspect("house-1", "reading", record, now_ms + 9_000) == "quarantined"


def test_quarantine_outlives_a_restart(site, store, honesty):
    honesty.quarantine.put("house-1", "says 900 W")
    assert not Honesty(site, store, print).may_serve("house-1")


def test_node_begins_anew_when_it_is_released(ingest, store, honesty, monkeypatch):
    monkeypatch.setattr(quarantine, "LOOK_MS", 0)
    now_ms = wall_ms()
    say(ingest, 1, 1_000, now_ms)
    say(ingest, 2, 10**9, now_ms + 1_000)
    quarantine.release(store, "house-1", now_ms)  # by another process
    assert honesty.may_serve("house-1")
    assert say(ingest, 3, 10**9 + 5, now_ms + 2_000)
    assert quarantine.standing(store) == {}


def test_meters_that_disagree_again_and_again_are_caught(honesty, caught):
    for number in range(3):
        name = f"{number:032x}"
        for node, role, energy in (("house-1", "seller", 30_000), ("house-2", "buyer", 10_000)):
            record = delivery(delivery_id=name, role=role, phase="final", energy_uwh=energy,
                              reason="energy_reached")  # fmt: skip
            honesty.hear([Stored(node, "delivery", record, wall_ms())])
    assert {node for node, _ in caught} == {"house-1", "house-2"}


def test_meters_that_disagree_are_given_time_when_one_tells_of_lost_samples(honesty, caught):
    for number in range(3):
        lost = {"code": "samples_lost", "reason": None, "delivery_id": None, "value": number}
        honesty.hear([Stored("house-2", "event", lost, wall_ms())])
        for node, role, energy in (("house-1", "seller", 34_000), ("house-2", "buyer", 20_000)):
            record = delivery(delivery_id=f"{number:032x}", role=role, phase="final",
                              energy_uwh=energy, elapsed_ms=20_000)  # fmt: skip
            honesty.hear([Stored(node, "delivery", record, wall_ms())])
    assert caught == []


def test_release_is_refused_when_the_node_is_not_in_quarantine(store):
    with pytest.raises(BadInput, match="not in quarantine"):
        quarantine.release(store, "house-1", 1)


def test_technician_sees_and_releases_it_by_commands(site, store):
    row = {"node": "house-1", "reason": "says 900 W", "since_ms": 1, "released_ms": None}
    store.set_state(quarantine.STATE_NAME, [row])
    run = CliRunner().invoke
    shown = run(status_command, ["--data", str(site.data_dir), "--json"])
    assert json.loads(shown.stdout)["quarantine"]["house-1"]["reason"] == "says 900 W"
    assert (
        "QUARANTINE house-1: says 900 W"
        in run(status_command, ["--data", str(site.data_dir)]).output
    )
    done = run(node_command, ["release", "house-1", "--data", str(site.data_dir)])
    assert done.exit_code == 0 and "house-1 is released" in done.output
    assert quarantine.standing(store) == {}
    assert quarantine.read(store)[0]["released_ms"] <= time.time() * 1000
