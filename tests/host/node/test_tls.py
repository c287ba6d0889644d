"""The board's TLS under MicroPython against the real brokers: it trusts the site's CA only."""

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub import certificates
from hub.certificates import BROKER_NAME, ensure
from hub.mqtt.broker import Broker, find_mosquitto
from hub.processes import free_port
from tests.host.hub.conftest import loop_thread  # noqa: F401
from tests.host.node.rig import NODE, settings_members

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[2] / "firmware" / "pico"
PASSWORDS = {"hub": "hub-word", NODE: "secret"}


@pytest.fixture(scope="module", params=["mosquitto", "embedded"])
def broker(request, loop_thread, tmp_path_factory):  # noqa: F811
    if request.param == "mosquitto" and find_mosquitto() is None:
        pytest.skip("Mosquitto is not installed")
    directory = tmp_path_factory.mktemp("broker")
    files, _ = ensure(directory / "tls", [])
    made = Broker(request.param, free_port(), directory / "broker", PASSWORDS, files)
    loop_thread(made.start())
    yield made
    loop_thread(made.stop())


def connect(broker, directory, authority=None, **changes):
    """Let a board of these settings connect; return what it found."""
    ca = directory / "ca.der"
    ca.write_bytes((authority or broker.tls.authority_der).read_bytes())
    members = settings_members(
        **{"broker_port": broker.port, "broker_name": BROKER_NAME, **changes},
        broker_tls=True,
        broker_ca=str(ca),
    )
    path = directory / "settings.json"
    path.write_text(json.dumps(members))
    argv = [sys.executable, "-m", "micropython_unix", str(HERE / "on_board_tls.py"), str(path)]
    env = {**os.environ, "MICROPYPATH": f"{FIRMWARE}:.frozen"}
    run = subprocess.run(argv, capture_output=True, text=True, env=env, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout)


def test_board_connects_when_the_sites_authority_signed(broker, tmp_path):
    found = connect(broker, tmp_path)
    assert found["connected"], found
    assert found["said"] == []


def test_board_refuses_a_broker_of_another_authority(broker, tmp_path):
    foreign, _ = ensure(tmp_path / "foreign", [])
    found = connect(broker, tmp_path, foreign.authority_der)
    assert not found["connected"]
    assert "certificate refused" in found["said"][0]


def test_board_refuses_a_certificate_of_another_name(loop_thread, tmp_path):  # noqa: F811
    refuse = refused_with(loop_thread, tmp_path, ["127.0.0.2"], None)
    assert "does not match" in refuse


def test_board_refuses_a_certificate_that_has_ended(loop_thread, tmp_path, monkeypatch):  # noqa: F811
    long_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=3 * 365)
    monkeypatch.setattr(certificates, "EARLIEST", long_ago)
    assert "expired" in refused_with(loop_thread, tmp_path, [], long_ago)


def refused_with(run, tmp_path, names, made_at):
    """Return what a board says to a broker with a certificate of these names and that age."""
    from hub import certificates

    if find_mosquitto() is None:
        pytest.skip("Mosquitto is not installed")
    always = certificates.ALWAYS
    certificates.ALWAYS = () if names else always
    try:
        files, _ = ensure(tmp_path / "tls", names, made_at)
    finally:
        certificates.ALWAYS = always
    broker = Broker("mosquitto", free_port(), tmp_path / "broker", PASSWORDS, files)
    run(broker.start())
    try:
        found = connect(broker, tmp_path)
    finally:
        run(broker.stop())
    assert not found["connected"]
    return found["said"][0]


def test_board_says_so_when_its_password_is_wrong(broker, tmp_path):
    found = connect(broker, tmp_path, broker_password="wrong")
    assert not found["connected"]


def test_board_says_so_when_its_authority_is_no_certificate(broker, tmp_path):
    nonsense = tmp_path / "nonsense"
    nonsense.write_bytes(b"-----")
    found = connect(broker, tmp_path, nonsense)
    assert found["said"] == ["broker_ca is not a certificate in DER"]


def test_board_says_so_when_nobody_listens(broker, tmp_path):
    found = connect(broker, tmp_path, broker_port=free_port())
    assert found["said"] == ["nobody listens at broker_host and broker_port"]


def test_board_says_so_when_its_brokers_name_has_no_address(broker, tmp_path):
    # Nobody answers at the name server's port: on a board this blocks nothing either.
    found = connect(broker, tmp_path, broker_host="hub.example")
    assert found["said"] == ["no address for the name hub.example"]
    assert found["ms"] < 8_000
