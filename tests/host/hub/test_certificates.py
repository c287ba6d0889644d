"""The site's authority: made once, its certificate renewed, keys secret, damage named."""

import asyncio
import datetime
import socket
import ssl
import stat

import pytest
from cryptography import x509

from hub import certificates
from hub.board_network import BoardNetwork
from hub.certificates import AUTHORITY_LIFE, BROKER_NAME, RENEW_BEFORE, SERVER_LIFE, ensure
from hub.errors import ConfigError
from hub.mqtt.broker import Broker, find_mosquitto
from hub.mqtt.link import Link
from hub.processes import free_port
from tests.host.hub.conftest import PASSWORDS

NOW = datetime.datetime(2027, 1, 15, 8, tzinfo=datetime.UTC)


def read(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_authority_signs_for_the_hosts_names_and_addresses(tmp_path):
    files, is_new = ensure(tmp_path, ["hub.example", "192.0.2.7"], NOW)
    assert is_new
    server, authority = read(files.server), read(files.authority)
    server.verify_directly_issued_by(authority)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [BROKER_NAME, "localhost", "hub.example"]
    addresses = names.get_values_for_type(x509.IPAddress)
    assert [str(one) for one in addresses] == ["127.0.0.1", "192.0.2.7"]
    assert x509.load_der_x509_certificate(files.authority_der.read_bytes()) == authority


def test_keys_are_their_owners_only(tmp_path):
    files, _ = ensure(tmp_path / "tls", [], NOW)
    for key in (files.authority_key, files.server_key):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_nothing_changes_while_all_is_well(tmp_path):
    files, _ = ensure(tmp_path, ["hub.example"], NOW)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert ensure(tmp_path, ["hub.example"], NOW + datetime.timedelta(days=300)) == (files, False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_certificate_is_renewed_before_it_ends_and_boards_still_trust_it(tmp_path):
    files, _ = ensure(tmp_path, [], NOW)
    authority, first = files.authority.read_bytes(), read(files.server)
    late = NOW + SERVER_LIFE - RENEW_BEFORE + datetime.timedelta(hours=1)
    assert ensure(tmp_path, [], late)[1]
    second = read(files.server)
    assert files.authority.read_bytes() == authority
    assert second.not_valid_after_utc > first.not_valid_after_utc
    # A board that knows no later time than that of its provisioning finds it valid.
    assert second.not_valid_before_utc <= NOW


@pytest.mark.parametrize("change", ["names", "key", "certificate", "foreign"])
def test_certificate_is_made_anew_when_it_no_longer_fits(tmp_path, change):
    files, _ = ensure(tmp_path / "ours", ["hub.example"], NOW)
    if change == "key":
        files.server_key.write_text("damaged")
    elif change == "certificate":
        files.server.unlink()
    elif change == "foreign":
        other, _ = ensure(tmp_path / "theirs", ["hub.example"], NOW)
        files.server.write_bytes(other.server.read_bytes())
        files.server_key.write_bytes(other.server_key.read_bytes())
    names = ["other.example"] if change == "names" else ["hub.example"]
    assert ensure(tmp_path / "ours", names, NOW)[1]
    read(files.server).verify_directly_issued_by(read(files.authority))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda files: files.authority_key.write_text("-"), "damaged authority"),
        (lambda files: files.authority.write_text("-"), "damaged authority"),
        (lambda files: files.authority_key.chmod(0o644), "readable by others"),
        (lambda files: files.authority.unlink(), "authority.pem: No such file"),
    ],
)
def test_damage_to_the_authority_is_named_and_never_mended_by_a_new_one(tmp_path, damage, sentence):
    files, _ = ensure(tmp_path, [], NOW)
    damage(files)
    with pytest.raises(ConfigError, match=sentence):
        ensure(tmp_path, [], NOW)


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (NOW - datetime.timedelta(days=400), "this machine's clock says 2025-12-11.*timedatectl"),
        (NOW + AUTHORITY_LIFE, "authority ended on 2047-01-10.*trueque board provision"),
    ],
)
def test_authority_that_nobody_would_trust_today_is_explained(tmp_path, now, sentence):
    ensure(tmp_path, [], NOW)
    with pytest.raises(ConfigError, match=sentence):
        ensure(tmp_path, [], now)


def test_no_authority_is_made_when_the_clock_was_never_set(tmp_path):
    with pytest.raises(ConfigError, match="clock says 1970-01-02: set it first"):
        ensure(tmp_path, [], datetime.datetime(1970, 1, 2, tzinfo=datetime.UTC))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request, loop_thread, tmp_path):
    if request.param == "mosquitto" and find_mosquitto() is None:
        pytest.skip("Mosquitto is not installed")
    files, _ = ensure(tmp_path / "tls", [])
    made = Broker(request.param, free_port(), tmp_path / "broker", PASSWORDS, files)
    loop_thread(made.start())
    yield made
    loop_thread(made.stop())


def shown(broker):
    """Return the certificate a broker shows, DER."""
    context = ssl.create_default_context(cafile=str(broker.tls.authority))
    with (
        socket.create_connection((broker.host, broker.port), 5) as plain,
        context.wrap_socket(plain, server_hostname=broker.host) as secured,
    ):
        return secured.getpeercert(binary_form=True)


def connected(broker, authority, wait_s):
    link = Link((broker.host, broker.port), "hub-word", lambda _: None, authority=authority)
    link.start()
    try:
        return link._connected.wait(wait_s)
    finally:
        link.stop()


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_hub_connects_only_to_a_broker_of_its_own_authority(broker, tmp_path):
    foreign, _ = ensure(tmp_path / "foreign", [])
    assert connected(broker, broker.tls.authority, 10)
    assert not connected(broker, foreign.authority, 1)
    assert not connected(broker, None, 1)


def test_renewed_certificate_is_shown_without_a_restart_of_the_hub(
    broker, loop_thread, monkeypatch
):
    network = BoardNetwork.__new__(BoardNetwork)
    network.tls, network.broker = broker.tls, broker
    network._names, network._say = [], lambda text: None
    network._config = type("Config", (), {"tls_dir": broker.tls.directory})
    before = shown(broker)
    loop_thread(network.renew())
    assert shown(broker) == before
    monkeypatch.setattr(certificates, "RENEW_BEFORE", SERVER_LIFE)
    loop_thread(network.renew())
    wanted = ssl.PEM_cert_to_DER_cert(broker.tls.server.read_text())
    assert wanted != before

    async def until_shown():
        async with asyncio.timeout(60):
            while True:
                try:
                    if await asyncio.to_thread(shown, broker) == wanted:
                        return
                except OSError:
                    pass  # the embedded broker starts again
                await asyncio.sleep(0.05)

    loop_thread(until_shown())
