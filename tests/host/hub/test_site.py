"""The whole hub, with real broker, chain and page: it starts, refuses, ends, and goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from click.testing import CliRunner
from node.settings import Settings

from hub import certificates, config, keys, provision, running
from hub.chain.process import find_ganache, find_node
from hub.chain.records import WrongContract
from hub.cli import hub as command
from hub.errors import PartMissing, PortInUse, TruequeError
from hub.running import AlreadyRunning
from hub.site import Site


@pytest.fixture(scope="module", autouse=True)
def chain_parts():
    try:
        find_node(), find_ganache()
    except PartMissing as missing:
        pytest.skip(str(missing))


def make(data_dir):
    houses = config.bench_houses(2)
    config.write(data_dir, houses, schedule={"mode": "none"}, clock={"zone": "UTC"})
    keys.create(data_dir / "keys.json", [house.name for house in houses])
    return load(data_dir)


def load(data_dir):
    site = config.load(data_dir)
    return site, keys.load(site.keys_path, [house.name for house in site.houses])


@contextlib.asynccontextmanager
async def up(site, secrets):
    said = []
    hub = Site(site, secrets, said.append)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop()


def start_and_stop(site, secrets):
    async def story():
        async with up(site, secrets):
            pass

    asyncio.run(story())


@contextlib.contextmanager
def taken_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_second_start_goes_on_with_contract_peers_and_ports_of_the_first(tmp_path):
    site, secrets = make(tmp_path)

    async def look():
        async with up(site, secrets) as hub:
            assert json.loads((tmp_path / "hub.json").read_text())["page_url"] == hub.page.url
            return (
                hub.chain.identity,
                hub.ports,
                hub.store.peers(),
                hub.client.totals(),
                hub.epoch,
            )

    first, second = asyncio.run(look()), asyncio.run(look())
    assert first[:4] == second[:4]
    assert (first[4], second[4]) == (1, 2)
    assert [peer.state for peer in first[2]] == ["approved", "approved"]
    assert first[3].contract_wei == 2 * 10**18
    assert not (tmp_path / "hub.json").exists()


def test_boards_get_settings_that_the_firmware_takes(tmp_path):
    site, secrets = make(tmp_path)
    paths = provision.provision(site, secrets, {"broker": 1883, "ntp": 1123}, None)
    for path, house in zip(paths, site.houses, strict=True):
        assert path.stat().st_mode & 0o077 == 0
        settings = Settings(json.loads(path.read_text()))
        assert settings.node == house.name
        assert settings.key_up == secrets.node_key(house.name, "up")
        assert ("pv" in settings.ina226) == (house.kind == "prosumer")


def test_boards_get_the_sites_authority_beside_their_settings(tmp_path):
    site, secrets = make(tmp_path)
    files, _ = certificates.ensure(site.tls_dir, [])
    ports = {"broker": 1883, "ntp": 1123}
    path = provision.provision(site, secrets, ports, files.authority_der)[0]
    settings = Settings(json.loads(path.read_text()))
    assert settings.broker_tls and settings.broker_name == certificates.BROKER_NAME
    authority = path.with_name(settings.broker_ca)
    assert authority.read_bytes() == files.authority_der.read_bytes()


def test_calibration_stays_when_a_board_is_provisioned_again(tmp_path):
    site, secrets = make(tmp_path)
    path = provision.provision(site, secrets, {"broker": 1883, "ntp": 1123}, None)[0]
    measured = {"ch0": {"offset_uv": 1_000}}
    path.write_text(json.dumps({**json.loads(path.read_text()), "calibration": measured}))
    provision.provision(site, secrets, {"broker": 1884, "ntp": 1123}, None)
    after = json.loads(path.read_text())
    assert (after["calibration"], after["broker_port"]) == (measured, 1884)


@pytest.mark.parametrize("part", ["broker", "chain", "page"])
def test_setting_is_named_when_its_port_is_in_use(tmp_path, part):
    site, secrets = make(tmp_path)
    with taken_port() as port:
        table = replace(getattr(site, part), port=port)
        with pytest.raises(PortInUse, match=rf"port {port}.*set {part}\.port"):
            start_and_stop(replace(site, **{part: table}), secrets)


def test_hub_is_refused_when_another_has_the_directory(tmp_path):
    site, secrets = make(tmp_path)

    async def story():
        async with up(site, secrets):
            with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
                await Site(site, secrets).start()
            assert running.announced(tmp_path) is not None

    asyncio.run(story())


def test_announcement_of_a_killed_hub_is_gone_when_the_next_one_begins(tmp_path):
    running.announce(tmp_path, {})
    with running.only_hub(tmp_path):
        assert running.announced(tmp_path) is None


def test_store_is_refused_and_untouched_when_the_chain_is_another(tmp_path):
    site, secrets = make(tmp_path)
    start_and_stop(site, secrets)
    shutil.rmtree(tmp_path / "chain")
    before = (tmp_path / "store.db").stat().st_size
    with pytest.raises(WrongContract, match="hub init"):
        start_and_stop(site, secrets)
    assert (tmp_path / "store.db").stat().st_size >= before


def test_hub_ends_when_a_task_swallows_its_cancellation(tmp_path, monkeypatch):
    monkeypatch.setattr("hub.site_tasks.CANCEL_S", 0.05)

    async def deaf_once():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    async def story():
        hub = Site(*make(tmp_path))
        hub.tasks.spawn(deaf_once(), "deaf once")
        await asyncio.sleep(0)
        await asyncio.wait_for(hub.stop(), 30)

    asyncio.run(story())


def test_chain_is_started_again_when_it_is_killed(tmp_path):
    site, secrets = make(tmp_path)

    async def story():
        async with up(site, secrets) as hub:
            first = hub.chain.pid
            os.kill(first, signal.SIGKILL)
            async with asyncio.timeout(120):
                while hub.chain.pid == first or not hub.chain.is_running:
                    await asyncio.sleep(0.05)
                while True:
                    with contextlib.suppress(TruequeError):
                        totals = await asyncio.to_thread(hub.client.totals)
                        break
                    await asyncio.sleep(0.1)
            assert totals.contract_wei == 2 * 10**18
            hub.attention.look()
            async with asyncio.timeout(60):
                while not any(one.kind == "chain" for one in hub.store.alarms()):
                    await asyncio.sleep(0.05)

    asyncio.run(story())


def test_sentence_names_the_program_when_mosquitto_is_wanted_and_missing(tmp_path, monkeypatch):
    site, secrets = make(tmp_path)
    monkeypatch.setattr("hub.mqtt.broker.find_mosquitto", lambda: None)
    with pytest.raises(PartMissing, match="apt install mosquitto"):
        start_and_stop(replace(site, broker=replace(site.broker, kind="mosquitto")), secrets)


def test_embedded_broker_serves_when_mosquitto_is_missing(tmp_path, monkeypatch):
    site, secrets = make(tmp_path)
    monkeypatch.setattr("hub.mqtt.broker.find_mosquitto", lambda: None)

    async def story():
        async with up(site, secrets) as hub:
            assert hub.broker.kind == "embedded"
            assert hub.link.is_connected
            assert "no access list" in hub.broker.sentence

    asyncio.run(story())


def test_everything_ends_when_the_command_is_interrupted(tmp_path):
    make(tmp_path)
    argv = [sys.executable, "-m", "tools", "hub", "up", "--data", str(tmp_path)]
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(argv, stderr=out, stdout=out)
    try:
        deadline = time.monotonic() + 60
        while (state := running.announced(tmp_path)) is None:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        result = CliRunner().invoke(command, ["status", "--data", str(tmp_path), "--json"])
        shown = json.loads(result.stdout)
        assert shown["is_running"] and shown["page_url"] == state["page_url"]
        assert {part["part"] for part in shown["parts"]} >= {"hub", "broker", "chain", "page"}
        assert all(part["is_well"] for part in shown["parts"]), shown["parts"]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    for pid in state["pids"].values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert running.announced(tmp_path) is None
