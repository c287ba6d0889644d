"""Provisioning: settings, keys and certificate on the board, its public key in the site."""

import fcntl
import hashlib
import json

import pytest
from click.testing import CliRunner
from node.settings import Settings

from hub import config as configuration
from hub import keys as secrets
from hub.board_keys import FILE_NAME, addresses
from hub.errors import BadInput, ConfigError
from tools.board.provision_cli import provision_command
from tools.board.provisioning import Wanted, provision
from tools.board.state import BoardState


def make_site(directory, **tables):
    found = configuration.bench_houses(2)
    secrets.create(directory / "keys.json", [house.name for house in found])
    named = {"broker": {"port": 8883}, "ntp": {"port": 1123}, **tables}
    configuration.write(directory, found, site={"name": "lab"}, **named)
    return directory


@pytest.fixture
def site(tmp_path):
    """A site of two houses with ports of its own."""
    return make_site(tmp_path / "site")


def run(flash_dir, site, *words, node="house-1"):
    words = ("--virtual", str(flash_dir), "--site", str(site), "--node", node, *words)
    return CliRunner().invoke(provision_command, list(words), catch_exceptions=False)


def on_board(flash_dir):
    return json.loads((flash_dir / "settings.json").read_text())


def test_board_has_all_it_needs_when_it_was_provisioned(flash_dir, site):
    report = json.loads(run(flash_dir, site, "--json").stdout)
    settings = on_board(flash_dir)
    keys = secrets.load(site / "keys.json", ["house-1", "house-2"])
    assert settings["key_up"] == keys.node_key("house-1", "up").hex()
    assert (settings["broker_port"], settings["ntp_port"]) == (8883, 1123)
    authority = (site / "tls" / "authority.der").read_bytes()
    assert (flash_dir / settings["broker_ca"]).read_bytes() == authority
    Settings(settings)
    assert addresses(site / FILE_NAME) == {"house-1": report["address"]}
    assert not (flash_dir / "maintenance").exists()


def test_private_key_stays_on_the_board(flash_dir, site):
    report = json.loads(run(flash_dir, site, "--json").stdout)
    (kept,) = [path for path in flash_dir.iterdir() if path.name.startswith("identity")]
    private = kept.read_bytes()[12:44]
    assert kept.read_bytes()[44:108].hex() == report["public_key"]
    for path in site.rglob("*"):
        if path.is_file():
            assert private.hex() not in path.read_bytes().hex()


def test_key_and_calibration_stay_when_it_is_provisioned_again(flash_dir, site):
    first = json.loads(run(flash_dir, site, "--json").stdout)
    (flash_dir / "registers.0").write_bytes(b"registers")
    settings = on_board(flash_dir) | {"calibration": {"ch0": {"gain_ppm": 990_000}}}
    (flash_dir / "settings.json").write_text(json.dumps(settings))
    second = json.loads(run(flash_dir, site, "--json").stdout)
    assert second["public_key"] == first["public_key"]
    assert on_board(flash_dir)["calibration"] == {"ch0": {"gain_ppm": 990_000}}
    assert (flash_dir / "registers.0").read_bytes() == b"registers"
    assert (first["is_calibrated"], second["is_calibrated"]) == (False, True)


def test_board_of_another_node_is_refused_unless_it_is_replaced(flash_dir, site):
    run(flash_dir, site)
    before = on_board(flash_dir)
    with pytest.raises(BadInput, match="this board is house-1, not house-2; --replace"):
        run(flash_dir, site, node="house-2")
    assert on_board(flash_dir) == before
    assert "it was house-1, not house-2" in run(flash_dir, site, "--replace", node="house-2").stdout
    assert on_board(flash_dir)["node"] == "house-2"


def test_board_of_another_site_is_refused_though_it_has_the_same_name(flash_dir, site, tmp_path):
    run(flash_dir, make_site(tmp_path / "other"))
    with pytest.raises(BadInput, match="house-1 of another site"):
        run(flash_dir, site)


def test_board_with_an_older_generation_of_keys_is_ours(flash_dir, site):
    run(flash_dir, site)
    path = site / "keys.json"
    table = json.loads(path.read_text())
    table["generations"]["house-1"] = 2
    path.write_text(json.dumps(table))
    old = on_board(flash_dir)["key_up"]
    run(flash_dir, site)
    assert on_board(flash_dir)["key_up"] != old


def test_profile_changes_when_it_is_given(flash_dir, site):
    run(flash_dir, site, "--profile", "ac")
    run(flash_dir, site)
    assert on_board(flash_dir)["profile"] == "ac"  # the wiring's, kept


def test_house_is_named_when_the_site_does_not_have_it(flash_dir, site):
    with pytest.raises(BadInput, match="'house-9' is not one of .*house-1, house-2"):
        run(flash_dir, site, node="house-9")


def test_ports_are_asked_for_when_the_site_has_none_yet(flash_dir, tmp_path):
    bare = make_site(tmp_path / "bare", broker={"port": 0}, ntp={"port": 0})
    with pytest.raises(ConfigError, match=r"broker\.port: .*; ntp\.port"):
        run(flash_dir, bare)


def test_hubs_address_is_asked_for_when_no_board_could_reach_it(site):
    words = ["--port", "/dev/ttyNONE", "--site", str(site), "--node", "house-1"]
    with pytest.raises(ConfigError, match=r"broker\.hosts: it is 127\.0\.0\.1"):
        CliRunner().invoke(provision_command, words, catch_exceptions=False)


def test_all_that_a_board_needs_is_asked_for_at_once(tmp_path):
    bare = make_site(tmp_path / "bare", broker={"port": 0}, ntp={"port": 0})
    words = ["--port", "/dev/ttyNONE", "--site", str(bare), "--node", "house-1"]
    with pytest.raises(ConfigError) as refused:
        CliRunner().invoke(provision_command, words, catch_exceptions=False)
    assert [each.partition(":")[0] for each in refused.value.problems] == [
        "broker.port",
        "ntp.port",
        "broker.hosts",
    ]


def test_board_of_a_running_bench_is_left_alone(site):
    flash_dir = site / "boards" / "house-1"
    flash_dir.mkdir(parents=True)
    with (site / "bench.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BadInput, match="a bench runs"):
            run(flash_dir, site)
    assert list(flash_dir.iterdir()) == []


class Recorder:
    """Stands for a board at its prompt; notes in which order things happen."""

    port = "/dev/ttyACM0"
    public_key = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" + (
        "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
    )

    def __init__(self):
        self.done = []

    def read(self, path):
        return None

    def write(self, path, content):
        self.done.append((path, content))

    def ask(self, code, timeout_s):
        self.done.append(("key", b""))
        return self.public_key


def board(machine):
    return BoardState(machine, (1, 28, 0), 0x1306, "0.1.0", None, "", (), True)


def wanted(site, password="secret"):
    config = configuration.load(site)
    keys = secrets.load(site / "keys.json", ["house-1", "house-2"])
    ports = {"broker": 8883, "ntp": 1123}
    return Wanted(config, keys, config.house("house-1"), ports, password, {}, False)


def test_settings_go_last_so_that_nothing_starts_without_the_rest(site):
    recorder = Recorder()
    provision(recorder, board("Raspberry Pi Pico W with RP2040"), wanted(site))
    assert [name for name, _ in recorder.done] == ["ca.der", "key", "settings.json"]
    assert json.loads(recorder.done[-1][1])["wifi_password"] == "secret"


def test_board_with_a_cable_gets_no_wifi_password(site):
    recorder = Recorder()
    provision(recorder, board("W5500-EVB-Pico with RP2040"), wanted(site, None))
    settings = json.loads(recorder.done[-1][1])
    assert settings["board"] == "w5500_evb_pico"
    assert "wifi_ssid" not in settings and "wifi_password" not in settings


def test_certificate_is_the_sites_own_on_every_board(site):
    digests = set()
    for _ in range(2):
        recorder = Recorder()
        provision(recorder, board("Raspberry Pi Pico W with RP2040"), wanted(site))
        digests.add(hashlib.sha256(recorder.done[0][1]).hexdigest())
    assert len(digests) == 1
