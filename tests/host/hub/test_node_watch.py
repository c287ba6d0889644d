"""What the hub believes of its nodes, by their newest word and by their silence."""

from __future__ import annotations

import pytest

from hub.mqtt.ingest import Stored
from hub.mqtt.node_watch import NodeWatch
from tests.host.hub.doubles import Clock
from tests.host.hub.samples import reading, status


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def watch(clock):
    return NodeWatch({"house-1": "bus-1", "house-2": "bus-1", "house-3": "bus-2"}, clock)


def say(watch, clock, node, kind="status", **changes):
    changes = {"uptime_ms": clock(), **changes} if kind == "status" else changes
    record = status(**changes) if kind == "status" else reading(**changes)
    watch.hear(Stored(node, kind, record, clock()))


def both_open(watch, clock):
    for node in ("house-1", "house-2"):
        say(watch, clock, node)


def test_node_is_ready_when_it_is_alive_idle_and_open(watch, clock):
    assert not watch.is_ready("house-1")
    say(watch, clock, "house-1")
    assert watch.is_ready("house-1")
    clock.at_ms += 6_000
    assert not watch.is_ready("house-1")


@pytest.mark.parametrize(
    "changes", [{"state": "fault", "fault": "over_current"}, {"relay": "in"}, {"state": "armed"}]
)
def test_node_is_not_ready_when_it_says_so(watch, clock, changes):
    say(watch, clock, "house-1", **changes)
    assert not watch.is_ready("house-1")


def test_nonce_is_of_no_use_when_it_is_ten_seconds_old(watch, clock):
    say(watch, clock, "house-1", nonce="12" * 16)
    clock.at_ms += 9_999
    assert watch.newest_nonce("house-1") == "12" * 16
    clock.at_ms += 1
    assert watch.newest_nonce("house-1") is None


def test_segment_is_clear_when_all_its_nodes_are_open(watch, clock):
    both_open(watch, clock)
    assert watch.is_clear("bus-1")
    say(watch, clock, "house-2", relay="in")
    assert not watch.is_clear("bus-1")


def test_segment_is_not_clear_when_the_hub_has_just_started_and_a_node_is_unheard(watch, clock):
    say(watch, clock, "house-1")
    assert not watch.is_clear("bus-1")
    clock.at_ms += 12_000  # its lease, if it had one, has ended
    say(watch, clock, "house-1")
    assert watch.is_clear("bus-1")


def test_segment_is_not_clear_when_current_flows(watch, clock):
    both_open(watch, clock)
    say(watch, clock, "house-1", "reading", bus_current_ua=-500_000)
    assert not watch.is_clear("bus-1")
    say(watch, clock, "house-1", "reading", bus_current_ua=-1_000)
    assert watch.is_clear("bus-1")


def test_segment_is_never_clear_when_a_contact_is_welded(watch, clock):
    both_open(watch, clock)
    say(watch, clock, "house-1", fault="welded_contact", state="fault")
    clock.at_ms += 3_600_000
    assert not watch.is_clear("bus-1")


def test_node_is_measuring_when_it_has_sent_enough_readings(watch, clock):
    say(watch, clock, "house-1")
    for _ in range(3):
        assert watch.measuring() == []
        say(watch, clock, "house-1", "reading")
    assert watch.measuring() == ["house-1"]
