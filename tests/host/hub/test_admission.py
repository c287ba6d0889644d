"""Credentials, limits and floods with a real Mosquitto: one is put out, others notice nothing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner
from paho.mqtt.enums import CallbackAPIVersion
from wire import topics

from hub import config, credentials, keys, running
from hub.admission import PUT_OUT_STATE, Admission, accounts
from hub.chain.process import find_ganache, find_node
from hub.cli import hub as command
from hub.errors import BadInput, ConfigError, PartMissing
from hub.mqtt.broker import Broker, find_mosquitto
from hub.mqtt.gate import FIRST_PAUSE_S
from hub.mqtt.link import Link
from hub.mqtt.mosquitto import HEADER_BYTES, MESSAGE_LIMIT_BYTES, SPARE_CONNECTIONS
from hub.mqtt.node_watch import NodeWatch
from hub.processes import free_port
from hub.site_clock import wall_ms

HOUSES = ["house-1", "house-2"]
READING = "trueque/1/house-1/reading"


def until(condition, what, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.01)


class Client:
    """A board's session that does not come back by itself."""

    def __init__(self, port, user, password):
        self.codes, self.ends, self.got = [], [], []
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=user, reconnect_on_failure=False
        )
        if user:
            self.client.username_pw_set(user, password)
        self.client.on_connect = lambda c, u, f, code, p: self.codes.append(code)
        self.client.on_disconnect = lambda c, u, f, code, p: self.ends.append(code)
        self.client.on_message = lambda c, u, message: self.got.append(message.topic)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    @property
    def is_in(self):
        until(lambda: self.codes or self.ends, "an answer to connect")
        return bool(self.codes) and not self.codes[0].is_failure

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def site(tmp_path, loop_thread):
    """A broker with the accounts of keys.json, and what the hub has around it."""
    if find_mosquitto() is None:
        pytest.skip("Mosquitto is not installed")
    path = tmp_path / "keys.json"
    known = keys.create(path, HOUSES)
    broker = Broker("mosquitto", free_port(), tmp_path / "broker", accounts(known))
    loop_thread(broker.start())
    watch = NodeWatch(dict.fromkeys(HOUSES, "bus-1"))
    said, kept, clients = [], {}, []

    async def admission():
        keep = lambda put_out: kept.update({PUT_OUT_STATE: put_out})  # noqa: E731
        return Admission(known, broker, watch, lambda: True, said.append, keep, rate_per_s=50)

    def connect(user, password=None):
        words = keys.load(path, HOUSES).broker_passwords
        made = Client(broker.port, user, words.get(user) if password is None else password)
        clients.append(made)
        return made

    made = SimpleNamespace(
        path=path, broker=broker, watch=watch, said=said, kept=kept, connect=connect,
        admission=loop_thread(admission()), run=loop_thread,
    )  # fmt: skip
    yield made
    for client in clients:
        client.close()
    made.run(_close(made.admission))
    loop_thread(broker.stop())


async def _close(admission):
    admission.close()


def take(site):
    site.run(site.admission.take(keys.load(site.path, HOUSES)))


def test_revoked_node_is_put_out_at_once_and_the_others_stay(site):
    first, second = site.connect("house-1"), site.connect("house-2")
    assert first.is_in and second.is_in
    credentials.revoke(site.path, "house-1")
    take(site)
    until(lambda: first.ends, "the end of the revoked session")
    assert not site.connect("house-1").is_in
    second.client.publish("trueque/1/house-2/reading", b"x", qos=1).wait_for_publish(5)
    assert second.ends == []
    assert list(site.admission.up) == list(site.admission.down) == ["house-2"]
    assert site.admission.gate.is_shut("house-1")


def test_old_password_and_keys_are_void_and_new_ones_count_when_a_node_is_rotated(site):
    before = keys.load(site.path, HOUSES)
    old = site.connect("house-1")
    assert old.is_in
    credentials.rotate(site.path, "house-1")
    take(site)
    until(lambda: old.ends, "the end of the old session")
    assert not site.connect("house-1", before.broker_passwords["house-1"]).is_in
    assert site.connect("house-1").is_in
    for direction, table in (("up", site.admission.up), ("down", site.admission.down)):
        assert table["house-1"] != before.node_key("house-1", direction)
        assert table["house-2"] == before.node_key("house-2", direction)


def test_revoked_node_may_connect_again_when_it_is_rotated(site):
    credentials.revoke(site.path, "house-1")
    take(site)
    credentials.rotate(site.path, "house-1")
    take(site)
    assert site.connect("house-1").is_in
    assert not site.admission.gate.is_shut("house-1")


def test_flooding_node_is_put_out_and_told_and_the_others_stay(site):
    first, second = site.connect("house-1"), site.connect("house-2")
    assert first.is_in and second.is_in
    flood = threading.Thread(target=site.admission.gate.count, args=("house-1", 10_000))
    flood.start()  # as the ingest does: in a thread of its own
    flood.join()
    until(lambda: first.ends, "the end of the flooding session")
    assert not site.connect("house-1").is_in
    assert second.ends == []
    assert "trueque hub node revoke house-1" in site.said[0]
    assert list(site.kept[PUT_OUT_STATE]) == ["house-1"]
    left_ms = site.kept[PUT_OUT_STATE]["house-1"] - wall_ms()  # as `node list` reads it
    assert 0 < left_ms <= FIRST_PAUSE_S * 1_000


def test_pause_of_a_flooding_node_ends_when_a_person_rotates_it(site):
    site.admission.gate.count("house-1", 10_000)
    until(lambda: site.admission.shut_out, "shutting it out")
    credentials.rotate(site.path, "house-1")
    take(site)
    assert site.connect("house-1").is_in


def test_revoked_node_is_put_out_later_when_the_disk_was_full(site, monkeypatch):
    monkeypatch.setattr("hub.admission.RETRY_S", 0.05)
    first = site.connect("house-1")
    assert first.is_in
    stopper = site.broker.directory / "passwords.new"
    stopper.mkdir()  # in place of a full disk: the file can't be written
    credentials.revoke(site.path, "house-1")
    taking = threading.Thread(target=take, args=(site,))
    taking.start()
    until(lambda: site.said, "word of it")
    assert "accounts stay as they were" in site.said[0]
    assert site.admission.gate.is_shut("house-1") and "house-1" not in site.admission.up
    stopper.rmdir()
    taking.join(60)
    until(lambda: first.ends, "the end of the revoked session")
    assert not site.connect("house-1").is_in
    assert len(site.said) == 1


def test_revoked_node_counts_as_silent_whatever_it_said_last(site):
    status = {"nonce": "0" * 32, "state": "idle", "relay": "open", "fault": None}
    status |= {"boot_id": 1, "uptime_ms": 1_000}
    stored = SimpleNamespace(
        kind="status", node="house-1", record=status, received_at_ms=int(time.time() * 1000)
    )
    site.watch.hear(stored)
    assert site.watch.is_ready("house-1")
    credentials.revoke(site.path, "house-1")
    take(site)
    assert not site.watch.is_ready("house-1")
    assert site.watch.newest_nonce("house-1") is None


def test_nobody_connects_without_an_account(site):
    assert not site.connect("").is_in


def test_board_is_disconnected_when_its_packet_is_too_large(site):
    first, second = site.connect("house-1"), site.connect("house-2")
    assert first.is_in and second.is_in
    first.client.publish(READING, b"x" * (MESSAGE_LIMIT_BYTES + HEADER_BYTES), qos=1)
    until(lambda: first.ends, "the end of the connection")
    assert second.ends == []


def test_hub_still_connects_when_strangers_hold_every_connection(site):
    limit = 2 * len(accounts(keys.load(site.path, HOUSES))) + SPARE_CONNECTIONS
    with contextlib.ExitStack() as held:
        for _ in range(limit + 5):
            held.enter_context(socket.create_connection(("127.0.0.1", site.broker.port), 5))
        assert not site.connect("house-1").is_in
        word = keys.load(site.path, HOUSES).broker_passwords["hub"]
        link = Link(site.broker.hub_address, word, lambda arrival: None)
        link.start()
        try:
            until(lambda: link.is_drained, "the hub's own connection")
        finally:
            link.stop()


def test_hub_knows_when_all_that_waited_has_arrived(site):
    word = keys.load(site.path, HOUSES).broker_passwords["hub"]
    first = Link(site.broker.hub_address, word, lambda arrival: None)
    first.start()
    until(lambda: first.is_drained, "the first connection")
    first.stop()
    board = site.connect("house-1")
    for number in range(700):  # more than may be under way at once
        board.client.publish(READING, str(number).encode(), qos=1)
    board.client.publish(READING, b"last", qos=1).wait_for_publish(10)
    arrived, drained_after = [], []

    def take_one(arrival):
        arrived.append(arrival.payload)
        second.acknowledge(arrival)
        drained_after.append(second.is_drained)

    second = Link(site.broker.hub_address, word, take_one)
    second.start()
    until(lambda: second.is_drained, "all that had waited")
    second.stop()
    assert len(arrived) == 701 and arrived[-1] == b"last"
    assert not any(drained_after)


def test_change_is_refused_when_there_is_no_such_node(tmp_path):
    path = tmp_path / "keys.json"
    keys.create(path, HOUSES)
    with pytest.raises(BadInput, match="no node 'house-9'; there are house-1, house-2"):
        credentials.revoke(path, "house-9")


def test_keys_are_refused_when_the_revoked_are_no_list(tmp_path):
    path = tmp_path / "keys.json"
    keys.create(path, HOUSES)
    table = json.loads(path.read_text())
    path.write_text(json.dumps({**table, "revoked": "house-1"}))
    with pytest.raises(ConfigError, match="revoked must be a list of nodes"):
        keys.load(path, HOUSES)


def test_changed_secrets_stay_readable_by_their_owner_only(tmp_path):
    path = tmp_path / "keys.json"
    keys.create(path, HOUSES)
    credentials.rotate(path, "house-1")
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.load(path, HOUSES).generations["house-1"] == 2


def test_running_hub_obeys_when_a_node_is_revoked_and_rotated_by_command(tmp_path):
    try:
        find_node(), find_ganache()
    except PartMissing as missing:
        pytest.skip(str(missing))
    if find_mosquitto() is None:
        pytest.skip("Mosquitto is not installed")
    config.write(tmp_path, config.bench_houses(2), schedule={"mode": "none"},
                 clock={"zone": "UTC"}, broker={"tls": False})  # fmt: skip
    first = keys.create(tmp_path / "keys.json", HOUSES).broker_passwords["house-1"]
    argv = [sys.executable, "-m", "tools", "hub", "up", "--data", str(tmp_path)]
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(argv, stderr=out, stdout=out)

    def run(*words):
        found = CliRunner().invoke(command, ["node", *words, "--data", str(tmp_path)])
        assert found.exit_code == 0, found.output
        return found.stdout

    try:
        until(lambda: running.announced(tmp_path) or process.poll(), "the hub's start", 60)
        port = running.announced(tmp_path)["ports"]["broker"]
        assert Client(port, "house-1", first).is_in
        run("revoke", "house-1")
        rows = {row["node"]: row["access"] for row in json.loads(run("list", "--json"))}
        assert rows == {"house-1": "revoked", "house-2": "may connect"}
        assert not Client(port, "house-1", first).is_in
        assert "trueque board provision --node house-1" in run("rotate", "house-1")
        settings = json.loads((tmp_path / "boards" / "house-1" / "settings.json").read_text())
        board = Client(port, "house-1", settings["broker_password"])
        assert board.is_in and settings["broker_password"] != first
        board.close()
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def test_topics_of_nodes_leave_the_hubs_own_alone():
    assert topics.parse("trueque/1/hub/echo") is None
