"""Statuses that waited somewhere are as old as they are, not as new as they look."""

from __future__ import annotations

import pytest

from hub.mqtt.freshness import Freshness
from hub.mqtt.ingest import Stored
from hub.mqtt.node_watch import NodeWatch
from tests.host.hub.doubles import Clock
from tests.host.hub.samples import status


@pytest.fixture
def freshness():
    known = Freshness()
    known.said_at_ms("house-1", 1, 10_000, 110_000)  # took no time
    return known


def test_status_is_as_old_as_its_delay_when_it_waited(freshness):
    # It took 60 s, of which a thousandth and more may be the crystal's.
    assert freshness.said_at_ms("house-1", 1, 12_000, 172_000) == 112_062
    assert freshness.said_at_ms("house-1", 1, 72_000, 172_000) == 172_000


def test_new_boot_begins_anew(freshness):
    assert freshness.said_at_ms("house-1", 2, 500, 172_000) == 172_000


def test_slow_crystal_is_not_taken_for_a_delay(freshness):
    uptime_ms = 10_000
    for second in range(1, 86_400):
        now_ms = 110_000 + second * 1_000
        uptime_ms = 10_000 + second * 999  # 1,000 ppm slow: worse than any crystal
        assert now_ms - freshness.said_at_ms("house-1", 1, uptime_ms, now_ms) <= 2


def test_node_is_not_alive_by_what_it_said_before_the_hub_was_frozen():
    clock = Clock()
    watch = NodeWatch({"house-1": "bus-1"}, clock)
    start_ms = clock()
    said = [status(uptime_ms=ms, seq=n) for n, ms in enumerate(range(0, 22_000, 2_000), 1)]
    watch.hear(Stored("house-1", "status", said[0], clock()))
    clock.at_ms = start_ms + 60_000  # frozen for a minute; what came meanwhile is found at once
    for record in said[1:]:
        watch.hear(Stored("house-1", "status", record, clock()))
        assert not watch.is_ready("house-1")
        assert watch.newest_nonce("house-1") is None
    watch.hear(Stored("house-1", "status", status(uptime_ms=60_000, seq=99), clock()))
    assert watch.is_ready("house-1")
