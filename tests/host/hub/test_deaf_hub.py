"""What the hub hears its boards by fails: it is tried again, or the hub ends with the reason."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from wire import codec

from hub import config, keys
from hub.chain.process import find_ganache, find_node
from hub.errors import PartMissing
from hub.mqtt import workers as crews
from hub.mqtt.broker import Broker
from hub.mqtt.link import Arrival
from hub.mqtt.workers import Workers
from hub.processes import free_port, wait_until
from hub.site import Site
from tests.host.hub.conftest import PASSWORDS
from tests.host.hub.samples import reading
from tests.host.hub.test_ingest import KEYS, TOPIC, arrival, make_ingest

SOON_S = 60.0
HOUSES = ["house-1", "house-2"]


async def until(condition, what):
    await wait_until(condition, SOON_S, what, period_s=0.01)


def test_broker_starts_again_when_its_files_could_not_be_written_for_a_while(tmp_path):
    said, directory = [], tmp_path / "broker"

    async def story():
        broker = Broker("embedded", free_port(), directory, PASSWORDS)
        await broker.start(said.append)
        try:
            in_the_way = directory / "embedded.toml.new"
            in_the_way.mkdir()
            os.kill(broker.pid, signal.SIGKILL)
            await until(lambda: any("cannot be started" in one for one in said), "it is said")
            in_the_way.rmdir()
            await until(lambda: broker.is_running, "it runs again")
            assert broker.restarts == 1
        finally:
            await broker.stop()

    asyncio.run(story())


def test_ingest_tells_what_ended_it_when_nobody_expected_that(store):
    broken = []

    def inspect(node, kind, record, at_ms):
        raise KeyError("a mistake")

    ingest = make_ingest(store, inspect=inspect, on_broken=broken.append)
    ingest.put(arrival(TOPIC, codec.encode(TOPIC, reading(1), KEYS["house-1"])))
    ingest.start(lambda arrival: None)
    asyncio.run(until(lambda: broken, "it tells"))
    assert broken[0].args == ("a mistake",)


def crew(said, broken, hear=lambda batch: None):
    task = {"name": "ingest-1", "user": "hub-1", "retire": False}
    nothing = lambda *what: None  # noqa: E731
    return Workers([task], hear, nothing, nothing, said.append, broken.append)


def test_worker_is_tried_again_when_there_is_no_process_to_be_had(monkeypatch):
    said, broken, tries = [], [], []

    async def no_process(*argv, **options):
        tries.append(argv)
        raise OSError(24, "Too many open files")

    async def story():
        workers = crew(said, broken)
        monkeypatch.setattr(crews, "FIRST_PAUSE_S", 0.01)
        with monkeypatch.context() as full:
            full.setattr(asyncio, "create_subprocess_exec", no_process)
            workers.start()
            await until(lambda: len(tries) == 2, "a second try")
        await until(lambda: workers.pids, "a process")
        await workers.stop()

    asyncio.run(story())
    assert "Too many open files" in said[0] and broken == []


def test_worker_tells_when_what_it_stored_cannot_be_heard():
    broken = []

    def hear(batch):
        raise KeyError("a mistake")

    async def story():
        workers = crew([], broken, hear)

        async def run(task):
            workers._take("ingest-1", {"stored": [["house-1", "reading", {}, 1]]})

        workers._run = run
        workers.start()
        await until(lambda: broken, "it tells")
        await workers.stop()

    asyncio.run(story())
    assert broken[0].args == ("a mistake",)


def test_broker_tells_what_ended_its_supervision(tmp_path):
    async def refuse(*told):
        raise KeyError("a mistake")

    async def story():
        broker = Broker("embedded", free_port(), tmp_path / "broker", PASSWORDS)
        await broker.start()
        broker._start_again = refuse
        os.kill(broker.pid, signal.SIGKILL)
        with pytest.raises(KeyError, match="a mistake"):
            await asyncio.wait_for(broker.run(), SOON_S)
        await broker.stop()

    asyncio.run(story())


def test_hub_ends_with_the_reason_when_it_would_hear_no_board_any_more(tmp_path):
    try:
        find_node(), find_ganache()
    except PartMissing as missing:
        pytest.skip(str(missing))
    secrets = keys.create(tmp_path / "keys.json", HOUSES)
    config.write(tmp_path, config.bench_houses(2), schedule={"mode": "none"})

    def refuse(batch):
        raise KeyError("a mistake")

    async def story():
        site = Site(config.load(tmp_path), secrets)
        await site.start()
        try:
            assert {"messages", "broker supervisor"} <= site.tasks.names
            site.messages.ingest.store_batch = refuse
            site.messages.ingest.put(Arrival("a", b"", 1, False, 1, 1))
            with pytest.raises(KeyError, match="a mistake"):
                await asyncio.wait_for(site.run(), SOON_S)
        finally:
            await site.stop()

    asyncio.run(story())
