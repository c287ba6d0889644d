"""A full disk, a damaged file, a directory that cannot be written: said, and nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import tempfile
import threading
import time
from pathlib import Path

import pytest
from wire import codec, topics

from hub.errors import StoreError
from hub.mqtt.ingest import Ingest
from hub.mqtt.link import Arrival
from hub.site_clock import SiteClock
from hub.store import Store
from hub.store.sqlite import SqliteBackend
from hub.store_start import open_store
from tests.host.hub.doubles import World
from tests.host.hub.samples import reading

KEY = b"k" * 32
TOPIC = "trueque/1/house-1/reading"


def fill_disk(store):
    """Let the file grow no more, as on a full disk (SQLITE_FULL)."""
    writer = store._writer
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages}")


def free_disk(store):
    store._writer.execute("PRAGMA max_page_count = 1000000")


@contextlib.contextmanager
def no_more_bytes():
    """Let this process write to no file, as on a disk without any room: writes fail (EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def is_delivering(world):
    return any(trade.state == "delivering" for trade in world.store.trades())


@pytest.fixture
def file_store(tmp_path):
    opened = Store.open(tmp_path / "store.db")
    yield opened
    opened.close()


def arrivals(count):
    assert topics.parse(TOPIC) is not None
    for seq in range(1, count + 1):
        payload = codec.encode(TOPIC, reading(seq, bus_import_uwh=seq), KEY)
        yield Arrival(TOPIC, payload, received_at_ms=seq, is_retained=False, message_id=seq, qos=1)


def until(condition, what):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def test_message_is_acknowledged_only_when_it_is_stored_and_the_disk_was_full(
    file_store, monkeypatch
):
    import zoneinfo

    monkeypatch.setattr("hub.mqtt.ingest.RETRY_S", 0.01)
    said, acknowledged = [], []
    clock = SiteClock.real(zoneinfo.ZoneInfo("UTC"))
    ingest = Ingest(file_store, clock, {"house-1": KEY}, lambda batch: None, said.append)
    fill_disk(file_store)
    for arrival in arrivals(2_000):
        ingest.put(arrival)
    ingest.start(acknowledged.append)
    try:
        until(lambda: said, "the hub says so")
        assert "disk is full: free some space" in said[0]
        stored = len(file_store.readings_between(0, 2**60))
        assert len(acknowledged) == stored < 2_000
        time.sleep(0.2)
        assert len(said) == 1  # not once a try
        free_disk(file_store)
        until(lambda: len(acknowledged) == 2_000, "all are stored")
    finally:
        ingest.stop()
    rows = file_store.readings_between(0, 2**60)
    assert [row["seq"] for row in rows] == list(range(1, 2_001))
    assert said[1:] == ["readings are stored again; none was lost"]


def test_relays_open_when_the_journal_cannot_be_written(tmp_path):
    world = World(tmp_path / "store.db")

    async def story():
        world.start_hub()
        assert await world.run_until(lambda: is_delivering(world), 60)
        assert {board.relay for board in world.boards.values()} >= {"in", "out"}
        with no_more_bytes():
            world.hub.stop_bus()
        assert any("deliveries wait for the store" in text for text in world.said)
        await world.kill_hub()
        await world.run_until(lambda: False, 1)  # far less than a lease's life

    try:
        asyncio.run(story())
        assert {board.relay for board in world.boards.values()} == {"open"}
        assert world.violations == []
    finally:
        world.store.close()


def test_trade_is_settled_once_when_the_disk_was_full_in_the_middle(tmp_path):
    world = World(tmp_path / "store.db")

    async def story():
        world.start_hub()
        assert await world.run_until(lambda: is_delivering(world), 60)
        with no_more_bytes():
            with contextlib.suppress(StoreError):
                await world.run_until(world.is_over, 120)
            world.hub.open_all()  # as the hub that ends for it does
        world.start_hub()  # a person made room; systemd starts it again
        assert await world.run_until(world.is_over, 300)

    try:
        asyncio.run(story())
        for trade in world.store.trades():
            assert trade.state == "settled" and 0 < trade.settled_uwh < 1.01 * trade.energy_uwh
        assert world.violations == []
    finally:
        world.store.close()


class Site:
    def __init__(self, path):
        self.store_path = path


async def start(path, say=lambda text: None):
    async with contextlib.AsyncExitStack() as closers:
        return await open_store(Site(path), closers, say)


def test_hub_does_not_start_when_a_page_of_the_file_is_damaged(tmp_path):
    path = tmp_path / "store.db"
    store = Store.open(path)
    with store.transaction():
        for seq in range(1, 2_000):
            store.store_record("house-1", "reading", reading(seq), (seq, seq))
    store.close()
    content = bytearray(path.read_bytes())
    for page in range(20, 60):
        content[page * 4096 : page * 4096 + 400] = os.urandom(400)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="store.db.*trueque hub restore"):
        asyncio.run(start(path))


def test_start_looks_at_all_when_the_last_end_was_no_clean_one(tmp_path, monkeypatch):
    monkeypatch.setattr("hub.store_start.QUICKLY_CHECKED_BYTES", 0)
    looked = []
    real = SqliteBackend.check_whole
    monkeypatch.setattr(SqliteBackend, "check_whole", lambda self: looked.append(1) or real(self))
    path = tmp_path / "store.db"
    asyncio.run(start(path))  # a new one
    looked.clear()
    asyncio.run(start(path))
    assert looked == []  # it had ended well
    killed = Store.open(path)
    killed.set_state("ended_well", False)
    killed.close()
    asyncio.run(start(path))
    assert looked == [1]


@pytest.fixture
def slow_check(monkeypatch):
    """A check of the file that lasts until `set()`."""
    may_end = threading.Event()
    real = SqliteBackend.check_whole

    def check(self):
        assert may_end.wait(60)
        real(self)

    monkeypatch.setattr(SqliteBackend, "check_whole", check)
    monkeypatch.setattr("hub.store_start.SOON_S", 0.05)
    yield may_end
    may_end.set()


@pytest.mark.parametrize("is_large", [False, True])
def test_hub_says_what_it_does_and_goes_on_when_a_check_takes_long(
    tmp_path, slow_check, is_large, monkeypatch
):
    path, said = tmp_path / "store.db", []
    Store.open(path).close()
    if is_large:
        monkeypatch.setattr("hub.store_start.QUICKLY_CHECKED_BYTES", 0)

    async def story():
        starting = asyncio.create_task(start(path, said.append))
        async with asyncio.timeout(30):
            while not said:  # this loop runs meanwhile
                await asyncio.sleep(0.01)
        assert not starting.done()
        slow_check.set()
        await starting

    asyncio.run(story())
    assert "may take minutes" in said[0] and said[1] == "the store is whole"


def test_start_ends_at_once_when_it_is_told_to_in_a_long_check(tmp_path, slow_check):
    Store.open(tmp_path / "store.db").close()

    async def story():
        starting = asyncio.create_task(start(tmp_path / "store.db"))
        await asyncio.sleep(0.2)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    began_s = time.monotonic()
    asyncio.run(story())
    assert time.monotonic() - began_s < 30  # the check would go on for a minute


@contextlib.contextmanager
def somebody():
    """Be a user who owns nothing, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("what", ["directory", "file"])
def test_store_says_so_when_it_cannot_be_written(what):
    directory = Path(tempfile.mkdtemp(prefix="trueque-readonly-"))
    path = directory / "store.db"
    try:
        if what == "file":
            Store.open(path).close()
            path.chmod(0o444)
        directory.chmod(0o777 if what == "file" else 0o555)
        with somebody(), pytest.raises(StoreError, match="cannot be written.*owner and mode"):
            Store.open(path)
    finally:
        shutil.rmtree(directory)


def test_store_goes_on_when_its_server_was_away(postgres):
    from hub.store.place import StoreUrl

    store = Store.open(StoreUrl(postgres.new_url()))
    try:
        assert store.store_record("house-1", "reading", reading(1), (5, 5)) == "new"
        postgres.stop()
        with pytest.raises(StoreError, match="PostgreSQL"):
            store.store_record("house-1", "reading", reading(2), (5, 5))
        with pytest.raises(StoreError, match="PostgreSQL"):
            store.nodes()
    finally:
        postgres.start()
    try:
        assert store.store_record("house-1", "reading", reading(2), (5, 5)) == "new"
        assert [row["seq"] for row in store.readings_between(0, 10)] == [1, 2]
    finally:
        store.close()
