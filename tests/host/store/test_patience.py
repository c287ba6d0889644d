"""A store that is away for a while: the hub's tasks wait and go on; a damaged one ends the hub."""

from __future__ import annotations

import asyncio
import os
import sqlite3

import pytest

from hub import config, keys
from hub import patience as patiences
from hub.alarms import watch as watching
from hub.alarms.book import AlarmBook
from hub.alarms.watch import AlarmWatch, WatchParts
from hub.chain.process import find_ganache, find_node
from hub.errors import DamagedStore, NewerStore, PartMissing, StoreError
from hub.honesty.quarantine import Quarantine, standing
from hub.oracle.returns import Returns
from hub.patience import Patience, passes
from hub.processes import wait_until
from hub.site import Site
from hub.store import Store
from hub.store.place import StoreUrl
from tests.host.hub.doubles import World

SOON_S = 60.0
HOUSES = ["house-1", "house-2"]


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """The same pauses, in less time."""
    monkeypatch.setattr(patiences, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(patiences, "LONGEST_PAUSE_S", 0.1)
    monkeypatch.setattr(patiences, "SETTLED_S", 0.5)
    monkeypatch.setattr(watching, "LOOK_S", 0.05)


@pytest.fixture
def store(postgres):
    opened = Store.open(StoreUrl(postgres.new_url()))
    yield opened
    opened.close()


def watch_over(store, directory):
    parts = WatchParts(
        *(store, directory, (), lambda: False, lambda: False),
        *(lambda: 0, lambda: True, lambda: 0, lambda: True),
    )
    return AlarmWatch(AlarmBook(store), parts)


async def until(condition, what):
    await wait_until(condition, SOON_S, what, period_s=0.01)


def test_tasks_go_on_and_say_it_once_when_the_store_was_away(postgres, store, tmp_path):
    said = []

    async def story():
        patience = Patience(said.append)
        watch = watch_over(store, tmp_path)
        returns = Returns(store, None)  # nothing is due
        tasks = [
            asyncio.create_task(patience.keep("alarms", watch.run)),
            asyncio.create_task(patience.keep("refunds", returns.run)),
        ]
        await until(lambda: store.raised_alarms(), "the alarm of the clock")
        postgres.stop()
        try:
            returns.wake()
            await until(lambda: said, "somebody says it")
            await asyncio.sleep(1.0)  # many tries
            assert not any(task.done() for task in tasks)
        finally:
            postgres.start()
        await until(lambda: len(said) == 2, "they go on")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(story())
    assert "wait for it: PostgreSQL" in said[0]
    assert said[1:] == ["the store is there again: what waited for it goes on"]


def test_task_ends_with_the_reason_when_the_file_is_damaged(tmp_path):
    path = tmp_path / "store.db"
    store = Store.open(path)
    with store.transaction():
        for number in range(2_000):
            store.raise_alarm("silent", f"house-{number}", "warning", "silent " * 20, 1)
    store.close()
    content = bytearray(path.read_bytes())
    for page in range(len(content) // 8192, len(content) // 4096):
        content[page * 4096 : page * 4096 + 400] = os.urandom(400)
    path.write_bytes(content)
    store = Store.open(path)

    async def read():
        store.alarms()

    try:
        with pytest.raises(DamagedStore, match="trueque hub restore"):
            asyncio.run(asyncio.wait_for(Patience().keep("alarms", read), SOON_S))
    finally:
        store.close()


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (StoreError("away"), True),
        (ExceptionGroup("books", [StoreError("away")]), True),
        (NewerStore("of tomorrow"), False),
        (ExceptionGroup("books", [StoreError("away"), KeyError("a mistake")]), False),
        (sqlite3.Error("nobody translated it"), False),
    ],
)
def test_only_a_store_that_may_come_back_is_waited_for(problem, expected):
    assert passes(problem) is expected


def test_deliveries_go_on_when_the_store_was_away_in_the_middle(postgres):
    url = StoreUrl(postgres.new_url())
    world = World(url)

    def is_delivering():
        return any(trade.state == "delivering" for trade in world.store.trades())

    async def story():
        world.start_hub()
        assert await world.run_until(is_delivering, 60)
        postgres.stop()
        try:
            for _ in range(5):
                world.clock.at_ms += 1_000
                world.hub.follow_trades()
                world.hub.tick()
        finally:
            postgres.start()
        assert sum("wait for the store" in text for text in world.said) == 1
        assert await world.run_until(world.is_over, 300)

    try:
        asyncio.run(story())
        assert {trade.state for trade in world.store.trades()} == {"settled"}
        assert world.violations == []
    finally:
        world.store.close()


def test_liar_stays_in_quarantine_when_the_store_was_away_as_it_was_caught(postgres, store):
    quarantine = Quarantine(store, lambda node: None)
    postgres.stop()
    try:
        assert quarantine.put("house-1", "says 900 W")
        assert quarantine.has("house-1")
    finally:
        postgres.start()
    quarantine._looked_ms = -10_000
    assert quarantine.has("house-1")
    assert standing(store)["house-1"]["reason"] == "says 900 W"


def test_hub_goes_on_when_the_server_of_its_store_was_away(postgres, tmp_path):
    try:
        find_node(), find_ganache()
    except PartMissing as missing:
        pytest.skip(str(missing))
    secrets, said = keys.create(tmp_path / "keys.json", HOUSES), []
    config.write(tmp_path, config.bench_houses(2), store={"url": str(postgres.new_url())})

    async def story():
        site = Site(config.load(tmp_path), secrets, said.append)
        await site.start()
        running = asyncio.create_task(site.run())
        try:
            postgres.stop()
            try:
                await asyncio.to_thread(site.client.deposit, secrets.peers["house-1"], 1)
                await until(lambda: any("wait for it" in one for one in said), "it is said")
                await asyncio.sleep(1.0)
                assert not running.done()
            finally:
                postgres.start()
            await until(lambda: any("there again" in one for one in said), "the hub goes on")
            head = await asyncio.to_thread(site.client.head)
            await until(lambda: site.store.chain_cursor()[0] >= head[0], "following the chain")
            assert not running.done()
        finally:
            site.request_stop()
            await site.stop()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(story())
