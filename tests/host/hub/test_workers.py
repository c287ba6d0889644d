"""Ingest workers at the site's own Mosquitto: accounts of their own, keys as the hub has them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from hub import config, credentials, keys
from hub.board_network import BoardNetwork
from hub.errors import ConfigError
from hub.honesty import quarantine
from hub.mqtt.broker import find_mosquitto
from hub.store import Store, Verified
from tests.host.hub.samples import reading, status
from tests.host.hub.test_outside_broker import HOUSES, Boards, Hub, stored_seqs


class OwnBoards(Boards):
    """Boards with the passwords of keys.json."""

    def __init__(self, port, secrets):
        from tests.host.hub.test_admission import Client

        self.secrets = secrets
        words = secrets.broker_passwords
        self.clients = {node: Client(port, node, words[node]) for node in HOUSES}
        assert all(client.is_in for client in self.clients.values())


def test_workers_take_readings_until_their_node_is_revoked(tmp_path):
    if find_mosquitto() is None:
        pytest.skip("Mosquitto is not installed")
    config.write(tmp_path, config.bench_houses(len(HOUSES)), ingest={"workers": 2},
                 broker={"tls": False}, clock={"zone": "UTC"})  # fmt: skip
    secrets = keys.create(tmp_path / "keys.json", HOUSES)
    site = config.load(tmp_path)

    async def story():
        async with Hub(site, secrets) as hub:
            boards = await asyncio.to_thread(OwnBoards, hub.network.broker.port, secrets)
            for seq in range(1, 41):
                for node in HOUSES:
                    boards.say(node, "reading", reading(seq))
            await hub.until(lambda: len(hub.heard) == 160, "hearing all")
            assert len(hub.part.workers.stored) == 2
            credentials.revoke(site.keys_path, "house-1")
            await hub.part.admission.take(keys.load(site.keys_path, HOUSES))
            await hub.until(lambda: boards.clients["house-1"].ends, "the revoked one's end")
            boards.say("house-2", "reading", reading(41))
            await hub.until(lambda: len(hub.heard) == 161, "hearing the other")
            assert stored_seqs(hub.store, "house-1") == list(range(1, 41))
            boards.close()

    asyncio.run(story())


def test_liar_that_a_worker_catches_is_quarantined_by_the_hub_until_released(tmp_path):
    if find_mosquitto() is None:
        pytest.skip("Mosquitto is not installed")
    config.write(tmp_path, config.bench_houses(len(HOUSES)), ingest={"workers": 1},
                 broker={"tls": False}, clock={"zone": "UTC"})  # fmt: skip
    secrets = keys.create(tmp_path / "keys.json", HOUSES)

    async def story():
        async with Hub(config.load(tmp_path), secrets) as hub:
            boards = await asyncio.to_thread(OwnBoards, hub.network.broker.port, secrets)
            boards.say("house-1", "reading", reading(1, pv_export_uwh=10**9))
            boards.say("house-1", "reading", reading(2, pv_export_uwh=5))
            standing = hub.part.honesty.quarantine
            await hub.until(lambda: standing.has("house-1"), "the quarantine")
            assert any("house-1 is in quarantine" in text for text in hub.said)
            boards.say("house-1", "reading", reading(3, pv_export_uwh=6))
            boards.say("house-2", "reading", reading(1))
            await hub.until(lambda: stored_seqs(hub.store, "house-2") == [1], "the honest one")
            assert stored_seqs(hub.store, "house-1") == [1]
            quarantine.release(hub.store, "house-1", 5)
            await hub.until(lambda: not standing.has("house-1"), "the release")
            for seq in range(4, 500):  # until the worker has heard of it
                boards.say("house-1", "reading", reading(seq, pv_export_uwh=seq))
                boards.say("house-2", "reading", reading(seq))
                await asyncio.sleep(0.02)
                if len(stored_seqs(hub.store, "house-1")) > 1:
                    break
            assert len(stored_seqs(hub.store, "house-1")) > 1
            boards.close()

    asyncio.run(story())


def test_workers_are_refused_when_the_broker_cannot_share(tmp_path):
    config.write(tmp_path, config.bench_houses(1), ingest={"workers": 1},
                 broker={"tls": False, "kind": "embedded"})  # fmt: skip
    secrets = keys.create(tmp_path / "keys.json", ["house-1"])
    with pytest.raises(ConfigError, match="ingest.workers needs Mosquitto or broker.url"):
        BoardNetwork(config.load(tmp_path), secrets, {"broker": 1, "ntp": 1}, print)


def verified(kind, record, at_ms=5):
    return Verified("house-1", kind, record, at_ms, at_ms)


@pytest.fixture
def store(place):
    made = Store.open(place)
    yield made
    made.close()


@pytest.fixture
def place(tmp_path):
    return tmp_path / "store.db"


def test_overtaken_reading_is_stored_once_when_workers_share(store):
    assert store.store_batch([verified("reading", reading(5))], 4) == ["new"]
    batch = [verified("reading", reading(seq)) for seq in (3, 3, 5, 4)]
    assert store.store_batch(batch, 4) == ["new", "duplicate", "duplicate", "new"]
    assert stored_seqs(store, "house-1") == [3, 4, 5]
    assert store.store_batch([verified("reading", reading(4))], 4) == ["duplicate"]


def test_overtaken_reading_is_stored_once_when_the_newer_one_is_in_the_same_batch(store):
    batch = [verified("reading", reading(seq)) for seq in (7, 6, 6, 7)]
    assert store.store_batch(batch, 4) == ["new", "new", "duplicate", "duplicate"]
    assert stored_seqs(store, "house-1") == [6, 7]


def test_reading_is_stale_when_it_is_further_behind_than_workers_can_be(store):
    store.store_batch([verified("reading", reading(100))], 4)
    assert store.store_batch([verified("reading", reading(95))], 4) == ["stale"]


def test_overtaken_status_leaves_the_newer_one(store):
    store.store_batch([verified("status", status(5))], 4)
    assert store.store_batch([verified("status", status(4, state="armed"))], 4) == ["late"]
    assert store.latest_statuses()["house-1"].state == "idle"


def test_overtaken_status_is_not_heard_over_the_newer_one():
    from hub.mqtt.node_watch import NodeWatch

    watch = NodeWatch({"house-1": "bus-1"}, lambda: 10)
    for seq, state in ((5, "idle"), (4, "armed")):
        watch.hear(SimpleNamespace(kind="status", node="house-1", received_at_ms=10,
                                   record=status(seq, state=state)))  # fmt: skip
    assert watch.is_ready("house-1")
