"""A Mosquitto in the house that passes its board's topics on to the hub's, under TLS."""

from __future__ import annotations

import queue
import subprocess
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from hub import certificates
from hub.agent.bridge import bridge_conf
from hub.mqtt.broker import Broker, find_mosquitto
from hub.processes import free_port, is_port_open

PASSWORDS = {"hub": "hub-word", "house-3": "word-3", "house-4": "word-4"}


@pytest.fixture
def hub_broker(loop_thread, tmp_path):
    if find_mosquitto() is None:
        pytest.skip("Mosquitto is not installed")
    tls, _ = certificates.ensure(tmp_path / "tls", ["127.0.0.1"])
    made = Broker("mosquitto", free_port(), tmp_path / "hub", PASSWORDS, tls)
    loop_thread(made.start())
    yield made
    loop_thread(made.stop())


@pytest.fixture
def house_port(hub_broker, tmp_path):
    """A Mosquitto as Debian starts it, with the bridge's file beside its own."""
    port = free_port()
    bridge = bridge_conf(
        "house-3", "word-3", ("127.0.0.1", hub_broker.port), hub_broker.tls.authority
    )
    conf = tmp_path / "house.conf"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n{bridge}")
    process = subprocess.Popen([find_mosquitto(), "-c", conf], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not is_port_open(port):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    yield port
    process.terminate()
    process.wait()


def connected(port, heard, topics, tls=None):
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    if tls is not None:
        client.username_pw_set("hub", PASSWORDS["hub"])
        client.tls_set(ca_certs=str(tls.authority))
    client.on_message = lambda _, __, message: heard.put((message.topic, message.payload))
    client.on_connect = lambda *told: [client.subscribe(topic, 1) for topic in topics]
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client


def test_board_and_hub_hear_each_other_when_the_house_has_a_broker(hub_broker, house_port):
    at_hub, at_board = queue.Queue(), queue.Queue()
    hub = connected(
        hub_broker.port, at_hub, ["trueque/1/+/reading", "trueque/1/+/event"], hub_broker.tls
    )
    board = connected(house_port, at_board, ["trueque/1/house-3/lease", "trueque/1/house-4/lease"])
    try:
        deadline = time.monotonic() + 30
        while at_hub.empty():  # until the bridge has come up
            assert time.monotonic() < deadline
            board.publish("trueque/1/house-3/reading", b"of 3", 1)
            time.sleep(0.2)
        board.publish("trueque/1/house-4/reading", b"forged", 1)
        board.publish("trueque/1/house-3/event", b"last", 1)
        heard = [at_hub.get(timeout=10)]
        while heard[-1] != ("trueque/1/house-3/event", b"last"):
            heard.append(at_hub.get(timeout=10))
        assert {topic for topic, _ in heard} == {
            "trueque/1/house-3/reading",
            "trueque/1/house-3/event",
        }
        hub.publish("trueque/1/house-4/lease", b"of 4", 1)
        hub.publish("trueque/1/house-3/lease", b"of 3", 1)
        assert at_board.get(timeout=10) == ("trueque/1/house-3/lease", b"of 3")
        assert at_board.empty()
    finally:
        for client in (hub, board):
            client.disconnect()
            client.loop_stop()
