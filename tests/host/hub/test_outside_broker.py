"""A broker of others, a real Mosquitto, and ingest workers that share its messages."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
import zoneinfo

import pytest
from wire import codec, topics

from hub import config, keys, running
from hub.board_network import BoardNetwork
from hub.certificates import ensure
from hub.errors import BrokerDown, ConfigError
from hub.message_part import MessagePart
from hub.mqtt import mosquitto
from hub.mqtt.broker import Broker, find_mosquitto
from hub.mqtt.outside import OutsideBroker, place_of
from hub.processes import free_port
from hub.provision import authority_for_boards, board_settings
from hub.site_clock import SiteClock
from hub.store import Store
from tests.host.hub.samples import delivery, reading, status
from tests.host.hub.test_admission import Client

HOUSES = [f"house-{number}" for number in range(1, 5)]
pytestmark = pytest.mark.usefixtures("several_sessions_of_one_account")
ACCOUNT = {"user": "hub", "password": "of-the-cluster"}


@contextlib.asynccontextmanager
async def cluster(directory, is_secured=True):
    """A broker that knows the hub by one account, for any number of its sessions."""
    if find_mosquitto() is None:
        pytest.skip("Mosquitto is not installed")
    tls, _ = ensure(directory / "tls", [])
    words = {"hub": ACCOUNT["password"], **dict.fromkeys(HOUSES, "word")}
    made = Broker("mosquitto", free_port(), directory / "b", words, tls if is_secured else None)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
def several_sessions_of_one_account(monkeypatch):
    """A cluster does not put the account in the place of the client's id."""
    plain = mosquitto.mosquitto_conf
    line = "use_username_as_clientid true\n"
    monkeypatch.setattr(mosquitto, "mosquitto_conf", lambda *words: plain(*words).replace(line, ""))


def site_at(data_dir, broker, workers):
    """Return the configuration and keys of a site at a broker of others."""
    scheme = "mqtts" if broker.tls else "mqtt"
    table = {"url": f"{scheme}://127.0.0.1:{broker.port}"}
    if broker.tls:
        table["authority"] = str(broker.tls.authority)
    data_dir.mkdir(exist_ok=True)
    config.write(data_dir, config.bench_houses(len(HOUSES)), broker=table,
                 ingest={"workers": workers}, clock={"zone": "UTC"})  # fmt: skip
    path = data_dir / "keys.json"
    keys.create(path, HOUSES)
    table = json.loads(path.read_text())
    path.write_text(json.dumps({**table, "broker_account": ACCOUNT}))
    return config.load(data_dir), keys.load(path, HOUSES)


class Hub:
    """The hub's side of the messages, as hub.site composes it."""

    def __init__(self, site, secrets):
        self.site, self.secrets = site, secrets
        self.heard, self.said = [], []

    async def __aenter__(self):
        self.store = Store.open(self.site.store_path)
        ports = running.choose_ports(self.site, self.store)
        self.network = BoardNetwork(self.site, self.secrets, ports, self.said.append)
        await self.network.broker.start(self.said.append)
        clock = SiteClock.real(zoneinfo.ZoneInfo("UTC"))
        self.part = MessagePart(self.site, self.secrets, self.store, clock, self.network, 1,
                                self.heard.extend, self.said.append)  # fmt: skip
        self.part.start()
        await self.until(
            lambda: self.part.link.is_drained and self.part.workers.is_drained, "connecting"
        )
        return self

    async def __aexit__(self, *_):
        await self.part.stop()
        await self.network.broker.stop()
        self.store.close()

    async def until(self, condition, what, timeout_s=60):
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not happen: {self.said}"
            await asyncio.sleep(0.02)


class Boards:
    """All houses' connections."""

    def __init__(self, port, secrets):
        self.secrets = secrets
        self.clients = {node: Client(port, node, "word") for node in HOUSES}
        assert all(client.is_in for client in self.clients.values())

    def say(self, node, kind, record):
        topic = topics.topic(node, kind)
        payload = codec.encode(topic, record, self.secrets.node_key(node, "up"))
        return self.clients[node].client.publish(topic, payload, qos=1)

    def close(self):
        for client in self.clients.values():
            client.close()


def stored_seqs(store, node):
    return sorted(row["seq"] for row in store.readings_between(0, 10**14, node))


def test_workers_share_all_readings_and_the_oracle_hears_everything(tmp_path):
    async def story():
        async with cluster(tmp_path / "cluster", is_secured=False) as broker:
            site, secrets = site_at(tmp_path / "site", broker, workers=2)
            async with Hub(site, secrets) as hub:
                boards = await asyncio.to_thread(Boards, broker.port, secrets)
                for seq in range(1, 101):
                    for node in HOUSES:
                        boards.say(node, "reading", reading(seq))
                boards.say("house-1", "status", status(1))
                boards.say("house-1", "delivery", delivery(1))
                await hub.until(lambda: len(hub.heard) >= 402, "hearing all")
                assert len(hub.heard) == 402
                for node in HOUSES:
                    assert stored_seqs(hub.store, node) == list(range(1, 101))
                assert hub.store.message_counts()["rejected"] == {}
                shares = hub.part.workers.stored
                assert len(shares) == 2 and min(shares.values()) > 100
                assert hub.part.watch.newest_nonce("house-1") == "ab" * 16
                boards.close()

    asyncio.run(story())


def test_nothing_is_lost_or_stored_twice_when_a_worker_is_killed_under_load(tmp_path):
    async def story():
        async with cluster(tmp_path / "cluster", is_secured=False) as broker:
            site, secrets = site_at(tmp_path / "site", broker, workers=2)
            async with Hub(site, secrets) as hub:
                boards = await asyncio.to_thread(Boards, broker.port, secrets)
                for seq in range(1, 201):
                    for node in HOUSES:
                        boards.say(node, "reading", reading(seq))
                    if seq == 100:
                        os.kill(hub.part.workers.pids[0], signal.SIGKILL)
                    await asyncio.sleep(0.002)
                wanted = list(range(1, 201))
                await hub.until(
                    lambda: all(stored_seqs(hub.store, node) == wanted for node in HOUSES),
                    "storing all",
                )
                assert hub.store.message_counts()["stored"] == 800
                assert any("starting it again" in text for text in hub.said)
                boards.close()

    asyncio.run(story())


def test_share_of_workers_that_are_no_more_is_not_left_behind(tmp_path):
    async def story():
        async with cluster(tmp_path / "cluster", is_secured=False) as broker:
            site, secrets = site_at(tmp_path / "site", broker, workers=2)
            async with Hub(site, secrets):
                pass
            boards = await asyncio.to_thread(Boards, broker.port, secrets)
            for seq in range(1, 51):  # wait at the broker, half with each worker's session
                boards.say("house-1", "reading", reading(seq)).wait_for_publish(5)
            path = site.data_dir / "site.toml"
            path.write_text(path.read_text().replace("workers = 2", "workers = 0"))
            async with Hub(config.load(site.data_dir), secrets) as hub:
                for seq in range(51, 61):
                    boards.say("house-1", "reading", reading(seq))
                await hub.until(lambda: len(stored_seqs(hub.store, "house-1")) == 60, "storing all")
                await hub.until(lambda: hub.part.workers.pids == [], "the workers' end")
            boards.close()

    asyncio.run(story())


def test_boards_learn_where_the_broker_of_others_is_and_who_signed_for_it(tmp_path):
    async def story():
        async with cluster(tmp_path / "cluster") as broker:
            site, secrets = site_at(tmp_path / "site", broker, workers=0)
            async with Hub(site, secrets) as hub:
                assert hub.part.link.is_connected
            settings = board_settings(site, secrets, site.house("house-1"),
                                      {"broker": site.broker.port, "ntp": 123})  # fmt: skip
            found = {name: settings[name] for name in ("broker_host", "broker_port", "broker_name")}
            assert found == {"broker_host": "127.0.0.1", "broker_port": broker.port,
                             "broker_name": "127.0.0.1"}  # fmt: skip
            assert authority_for_boards(site).read_bytes() == broker.tls.authority_der.read_bytes()

    asyncio.run(story())


def test_start_says_why_when_the_certificate_is_of_another_authority(tmp_path):
    async def story():
        async with cluster(tmp_path / "cluster") as broker:
            foreign, _ = ensure(tmp_path / "foreign", [])
            found = OutsideBroker(f"mqtts://127.0.0.1:{broker.port}", foreign.authority)
            with pytest.raises(BrokerDown, match="refused.*broker.authority must be the PEM"):
                await found.start()

    asyncio.run(story())


def test_start_says_so_when_nobody_listens():
    found = OutsideBroker(f"mqtt://127.0.0.1:{free_port()}", None)
    with pytest.raises(BrokerDown, match="Connection refused"):
        asyncio.run(found.start())


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("mqtts://broker.example", ("broker.example", 8883, True)),
        ("mqtt://192.0.2.7:1884", ("192.0.2.7", 1884, False)),
    ],
)
def test_url_says_host_port_and_whether_there_is_tls(url, place):
    assert place_of(url) == place


@pytest.mark.parametrize("url", ["http://x", "mqtts://", "mqtts://u:p@x", "mqtts://x/y", "x:1883"])
def test_site_is_refused_when_the_url_is_none(tmp_path, url):
    with pytest.raises(ConfigError, match="broker.url must be mqtts://host:port"):
        config.write(tmp_path, config.bench_houses(1), broker={"url": url})


def test_account_is_asked_for_when_the_broker_is_of_others(tmp_path):
    async def story():
        async with cluster(tmp_path / "cluster", is_secured=False) as broker:
            site, _ = site_at(tmp_path / "site", broker, workers=0)
            path = site.keys_path
            table = json.loads(path.read_text())
            del table["broker_account"]
            path.write_text(json.dumps(table))
            with pytest.raises(
                ConfigError, match='needs the hub\'s account there: "broker_account"'
            ):
                async with Hub(site, keys.load(path, HOUSES)):
                    pass

    asyncio.run(story())
