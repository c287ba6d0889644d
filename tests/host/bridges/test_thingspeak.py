"""ThingSpeak: nothing lost, nothing twice, never too often, whatever the service answers."""

from __future__ import annotations

import json

import pytest

from hub.bridges.config import ThingSpeak
from hub.bridges.errors import BridgeDown
from hub.bridges.foreign import BadAnswer
from hub.bridges.thingspeak import ThingSpeakBridge, read_history
from tests.host.bridges.doubles import checked, wait_for
from tests.host.bridges.servers import ThingSpeakServer

START_MS = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
PERIOD_MS = 15_000


def thingspeak(server, **changes):
    return checked(
        thingspeak={"url": server.url, "period_s": 15, "history_period_s": 60,
                    "channels": [{"house": "house-1", "channel_id": 7}], **changes}
    ).thingspeak  # fmt: skip


def begin(site, server, **changes):
    """Switch the bridge on: it begins with what comes from then on."""
    site.feed("house-1", START_MS - 1)
    bridge = ThingSpeakBridge(thingspeak(server, **changes), site.parts(), call_period_s=0.2)
    bridge._kept(bridge._wanted.channels[0])
    return bridge


def feed_periods(site, count, first=0):
    """Two readings a period: the second one is the period's."""
    for number in range(first, first + count):
        at_ms = START_MS + number * PERIOD_MS
        site.feed("house-1", at_ms, pv_voltage_uv=1)
        site.feed("house-1", at_ms + 7_000, pv_voltage_uv=18_250_000, pv_current_ua=500_000,
                  pv_power_uw=9_125_000, battery_voltage_uv=11_900_000)  # fmt: skip


def test_thingspeak_gets_the_fields_of_the_thesis_when_readings_were_stored(site, run, serve):
    server = serve(ThingSpeakServer())
    bridge = begin(site, server)
    feed_periods(site, 3)
    run(bridge)
    wait_for(lambda: len(server.entries) == 2)  # the third period may still get a reading
    assert server.entries[0] == {
        "created_at": "2023-11-14T22:13:07Z", "field1": 18.25, "field2": 0.5, "field3": 9.125,
        "field5": 11.9,
    }  # fmt: skip
    assert server.entries[1]["created_at"] == "2023-11-14T22:13:22Z"


def test_thingspeak_loses_and_repeats_nothing_when_the_service_was_away(site, run, serve):
    server = serve(ThingSpeakServer())
    bridge = begin(site, server)
    feed_periods(site, 5)
    server.is_away = True
    running = run(bridge)
    wait_for(lambda: running.states()[0].restarts >= 2)
    feed_periods(site, 1_500, first=5)  # more than a call may carry
    server.is_away = False
    wait_for(lambda: len(server.entries) == 1_504)
    times = [one["created_at"] for one in server.entries]
    assert times == sorted(set(times))  # as far as answers were heard: the service has no ids
    assert server.too_soon == 0
    assert len(server.calls_at) == 2  # 960 and the rest


def test_thingspeak_goes_on_where_it_was_when_the_hub_starts_again(site, run, serve):
    server = serve(ThingSpeakServer())
    first = run(begin(site, server))
    feed_periods(site, 3)
    wait_for(lambda: site.store.state("bridge thingspeak")["house-1"]["sent_at_ms"])
    first.stop()
    feed_periods(site, 2, first=3)
    run(ThingSpeakBridge(thingspeak(server), site.parts(), call_period_s=0.2))
    wait_for(lambda: len(server.entries) == 4)
    assert len({one["created_at"] for one in server.entries}) == 4


def test_thingspeak_leaves_out_one_entry_when_the_service_rejects_it_for_good(site, run, serve):
    server = serve(ThingSpeakServer(call_period_s=0.0))
    bad = "2023-11-14T22:13:37Z"
    server.refused = lambda updates: any(one["created_at"] == bad for one in updates)
    bridge = ThingSpeakBridge(thingspeak(server), site.parts(), call_period_s=0.01)
    site.feed("house-1", START_MS - 1)
    bridge._kept(bridge._wanted.channels[0])
    feed_periods(site, 6)
    run(bridge)
    wait_for(lambda: len(server.entries) == 4)
    assert bad not in [one["created_at"] for one in server.entries]
    assert any("left out reading" in text for text in site.said)


def test_thingspeak_says_where_the_key_belongs_when_it_is_missing(site, run, serve):
    server = serve(ThingSpeakServer())
    site.feed("house-1", START_MS - 1)
    bridge = ThingSpeakBridge(thingspeak(server), site.parts(secrets={}), call_period_s=0.01)
    bridge._kept(bridge._wanted.channels[0])
    feed_periods(site, 3)
    run(bridge)
    wait_for(lambda: site.said)
    assert '"thingspeak.house-1.write_key" under "bridges" in keys.json' in site.said[0]


def test_thingspeak_reads_its_history_back_when_entries_are_there(site, run, serve):
    server = serve(ThingSpeakServer())
    server.entries = [{"created_at": "2023-11-14T22:13:07Z", "field1": 18.25, "field5": 11.9}]
    bridge = begin(site, server)
    run(bridge)
    wait_for(lambda: "values" in bridge.history().get("house-1", {}))
    found = bridge.history()["house-1"]
    assert found["at_ms"] == [1_699_999_987_000]
    assert found["values"]["pv_voltage_v"] == [18.25]
    assert found["values"]["pv_current_a"] == [None]


@pytest.mark.parametrize("body", [b"", b"-1", b"[]", b'{"feeds":3}', b"\xff\xfe", b"[" * 9_000])
def test_history_is_refused_when_the_feed_is_none(body):
    with pytest.raises(BadAnswer):
        read_history(body, ThingSpeak().fields)


def test_history_leaves_out_what_has_no_time_when_a_feed_is_damaged():
    feeds = [3, None, {"created_at": 5}, {"created_at": "0001-01-01T00:00:00"}, {"created_at": "x"},
             {"created_at": "2023-11-14T22:13:07Z", "field1": "NaN", "field2": [1]}]  # fmt: skip
    found = read_history(json.dumps({"feeds": feeds}).encode(), ThingSpeak().fields)
    assert found["at_ms"][-1] == 1_699_999_987_000
    assert found["values"]["pv_voltage_v"][-1] is None


def test_thingspeak_is_down_when_nobody_listens(site):
    import asyncio

    from hub.bridges.http import Http

    with pytest.raises(BridgeDown, match="cannot connect"):
        asyncio.run(Http().get("http://127.0.0.1:9/none"))
