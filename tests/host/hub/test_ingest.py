"""Ingest over a real broker: what is genuine is stored, the rest counted, nothing raises."""

from __future__ import annotations

import threading
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from wire import codec, topics

from hub.errors import StoreError
from hub.mqtt.ingest import GATHER_S, Ingest
from hub.mqtt.link import Arrival, Link
from hub.site_clock import SiteClock
from hub.store import Store
from tests.host.hub.conftest import PASSWORDS
from tests.host.hub.samples import delivery, reading, status

KEYS = {"house-1": b"1" * 32, "house-2": b"2" * 32}
TOPIC = "trueque/1/house-1/reading"


def until(condition, what, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.01)


class Node:
    """A client with a node's account."""

    def __init__(self, broker, user, password=None, client_id=None):
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id or user)
        self.client.username_pw_set(user, PASSWORDS[user] if password is None else password)
        self.codes = []
        self.client.on_connect = lambda c, u, f, code, p: self.codes.append(code)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        until(lambda: self.codes, "an answer to connect")

    def publish(self, topic, payload, retain=False):
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def say(self, kind, record, retain=False):
        topic = topics.topic("house-1", kind)
        self.publish(topic, codec.encode(topic, record, KEYS["house-1"]), retain)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class Hub:
    """Link, ingest and store as the hub composes them."""

    def __init__(self, broker, store):
        import zoneinfo

        self.store = store
        self.stored = []
        clock = SiteClock.real(zoneinfo.ZoneInfo("UTC"))
        self.ingest = Ingest(store, clock, KEYS, self.stored.extend)
        self.link = Link((broker.host, broker.port), PASSWORDS["hub"], self.ingest.put)
        self.ingest.start(self.link.acknowledge)
        self.link.start()
        until(lambda: self.link.is_connected, "connecting")

    def received(self, number):
        until(lambda: self.store.message_counts()["received"] >= number, f"{number} messages")
        return self.store.message_counts()

    def close(self):
        self.link.stop()
        self.ingest.stop()


@pytest.fixture
def hub(broker, store):
    made = Hub(broker, store)
    yield made
    made.close()


@pytest.fixture
def node(broker):
    made = Node(broker, "house-1")
    yield made
    made.close()


def test_record_is_stored_and_told_when_it_is_genuine(hub, node):
    node.say("reading", reading(1, pv_power_uw=5))
    assert hub.received(1)["stored"] == 1
    until(lambda: hub.stored, "telling")
    assert hub.stored[0].record["pv_power_uw"] == 5
    assert len(hub.store.readings_between(0, 2**60)) == 1


def test_messages_are_counted_by_reason_when_they_are_not_genuine(hub, node):
    good = codec.encode(TOPIC, reading(10), KEYS["house-1"])
    forged = codec.encode(TOPIC, reading(11), KEYS["house-2"])
    elsewhere = codec.encode("trueque/1/house-1/status", status(1), KEYS["house-1"])
    for payload in (good, good, b"", b"\xff\x00 nonsense", b"{" * 2_000, forged, elsewhere):
        node.publish(TOPIC, payload)
    node.publish(TOPIC, codec.encode(TOPIC, reading(9), KEYS["house-1"]))
    counts = hub.received(8)
    assert (counts["stored"], counts["duplicate"]) == (1, 1)
    # empty, nonsense, forged, and a genuine message moved to another topic
    assert counts["rejected"] == {"bad_mac": 4, "oversize": 1, "stale_seq": 1}
    assert [row["seq"] for row in hub.store.readings_between(0, 2**60)] == [10]


def test_last_will_marks_the_node_offline_and_nothing_else(hub, node):
    node.say("status", status(5))
    until(lambda: "house-1" in hub.store.latest_statuses(), "a status")
    node.publish("trueque/1/house-1/status", topics.WILL)
    until(lambda: hub.store.latest_statuses()["house-1"].is_offline, "the will's effect")
    assert hub.store.message_counts()["rejected"] == {}


def test_retained_status_counts_as_no_replay_when_the_hub_subscribes_again(mosquitto, tmp_path):
    store = Store.open(tmp_path / "store.db")
    node = Node(mosquitto, "house-1")
    node.say("status", status(1), retain=True)
    for times in (1, 2):
        hub = Hub(mosquitto, store)
        hub.received(times)
        hub.close()
    counts = store.message_counts()
    assert (counts["stored"], counts["duplicate"], counts["rejected"]) == (1, 1, {})
    node.close()
    store.close()


def test_nothing_is_lost_when_the_hub_is_away(mosquitto, tmp_path):
    store = Store.open(tmp_path / "store.db")
    first = Hub(mosquitto, store)
    first.close()
    node = Node(mosquitto, "house-1")
    for seq in range(1, 21):
        node.say("delivery", delivery(seq, energy_uwh=seq))
    second = Hub(mosquitto, store)
    assert second.received(20)["stored"] == 20
    assert store.delivery_reports("cd" * 16)[0].energy_uwh == 20
    second.close()
    node.close()
    store.close()


def test_account_reaches_its_own_topics_only_when_mosquitto_runs(mosquitto, tmp_path):
    store = Store.open(tmp_path / "store.db")
    hub = Hub(mosquitto, store)
    other = Node(mosquitto, "house-2")
    heard = []
    other.client.on_message = lambda c, u, message: heard.append(message.topic)
    other.client.subscribe([("trueque/1/+/command", 1), ("trueque/1/+/reading", 1)])
    other.publish(TOPIC, codec.encode(TOPIC, reading(1), KEYS["house-1"]))
    other.publish("trueque/1/house-1/command", b"open sesame")
    hub.link.publish("trueque/1/house-1/command", b"for house-1")
    hub.link.publish("trueque/1/house-2/command", b"for house-2")
    until(lambda: heard, "house-2 hearing its own command")
    assert heard == ["trueque/1/house-2/command"]
    assert store.message_counts()["received"] == 0
    other.close()
    hub.close()
    store.close()


def test_connection_is_refused_when_the_password_is_wrong(mosquitto):
    node = Node(mosquitto, "house-1", "guess")
    assert node.codes[0].is_failure
    node.close()


def test_broker_starts_again_when_it_is_killed(hub, node, broker):
    import os
    import signal

    restarts = broker.restarts
    os.kill(broker.pid, signal.SIGKILL)
    until(lambda: broker.restarts > restarts and broker.is_running, "a restart")
    until(lambda: len(node.codes) > 1 and hub.link.is_connected, "reconnecting", 20)
    node.say("reading", reading(50))
    until(lambda: hub.store.readings_between(0, 2**60), "storing")


# Without a broker ------------------------------------------------------------------------------


def arrival(topic, payload, is_retained=False):
    return Arrival(topic, payload, 1_000, is_retained, 1, 1)


def make_ingest(store, **more):
    import zoneinfo

    clock = SiteClock.real(zoneinfo.ZoneInfo("UTC"))
    return Ingest(store, clock, KEYS, more.pop("on_stored", lambda batch: None), **more)


def test_unknown_nodes_and_topics_are_counted_when_they_speak(store):
    ingest = make_ingest(store)
    ingest.store_batch(
        [
            arrival("trueque/1/house-9/reading", b"{}"),
            arrival("other/topic", b"{}"),
            arrival("", b"{}"),
        ]
    )
    assert store.message_counts()["rejected"] == {"unknown_node": 1, "unknown_topic": 2}


def test_message_is_acknowledged_only_when_the_store_has_taken_it(store):
    troubles, acknowledged = [], []
    ingest = make_ingest(store, on_trouble=troubles.append)
    store_batch = store.store_batch
    failures = iter([StoreError("disk full")])

    def failing(*args):
        for problem in failures:
            raise problem
        return store_batch(*args)

    store.store_batch = failing
    ingest.put(arrival(TOPIC, codec.encode(TOPIC, reading(1), KEYS["house-1"])))
    ingest.start(acknowledged.append)
    until(lambda: troubles, "trouble")
    assert acknowledged == []
    until(lambda: acknowledged, "acknowledging")
    ingest.stop()
    assert "disk full" in troubles[0]
    assert store.message_counts()["received"] == 1
    assert len(store.readings_between(0, 2_000)) == 1


def test_urgent_message_takes_waiting_readings_with_it_and_does_not_wait(store):
    ingest = make_ingest(store)
    for seq in (1, 2):
        ingest.put(arrival(TOPIC, codec.encode(TOPIC, reading(seq), KEYS["house-1"])))
    urgent = topics.topic("house-1", "status")
    ingest.put(arrival(urgent, codec.encode(urgent, status(1), KEYS["house-1"])))
    started_s = time.monotonic()
    assert len(ingest._next_batch()) == 3
    assert time.monotonic() - started_s < GATHER_S


def test_readings_wait_a_little_for_others(store, monkeypatch):
    monkeypatch.setattr("hub.mqtt.ingest.wall_ms", lambda: 1_000)  # when they arrived
    ingest = make_ingest(store)
    ingest.put(arrival(TOPIC, b"one"))
    threading.Timer(GATHER_S / 5, lambda: ingest.put(arrival(TOPIC, b"two"))).start()
    assert len(ingest._next_batch()) == 2


def test_reading_waits_no_longer_when_it_came_while_others_were_stored(store, monkeypatch):
    monkeypatch.setattr("hub.mqtt.ingest.wall_ms", lambda: 1_000 + round(GATHER_S * 1000))
    ingest = make_ingest(store)
    for payload in (b"one", b"two"):
        ingest.put(arrival(TOPIC, payload))
    started_s = time.monotonic()
    assert len(ingest._next_batch()) == 2
    assert time.monotonic() - started_s < GATHER_S


def test_hub_stays_connected_when_a_board_gives_its_client_id(mosquitto, store):
    hub = Hub(mosquitto, store)
    connections = []
    subscribe = hub.link._client.on_connect
    hub.link._client.on_connect = lambda *told: (connections.append(told), subscribe(*told))
    thief = Node(mosquitto, "house-1", client_id="trueque-hub")
    second = Node(mosquitto, "house-2", client_id="hub")
    thief.say("status", status(1))
    hub.received(1)
    for client in (thief, second, hub):
        client.close()
    assert connections == []
