"""The doctor: each thing that can be wrong with a site is found, and named with its remedy."""

from __future__ import annotations

import datetime
import http.server
import json
import os
import socket
import sqlite3
import threading

import pytest
from click.testing import CliRunner

from hub import certificates, config, doctor, keys
from hub.cli import hub as command
from hub.doctor import files, parts
from hub.doctor.bridges import bridges
from hub.doctor.findings import FAILED, GOOD, WARNING
from hub.honesty import quarantine
from hub.processes import free_port
from hub.store import Store


@pytest.fixture
def data(tmp_path):
    return make(tmp_path)


def make(data_dir, **tables):
    houses = config.bench_houses(2)
    keys.create(data_dir / "keys.json", [house.name for house in houses])
    config.write(data_dir, houses, **tables)
    return data_dir


def of(found, part):
    return [one for one in found if one.part == part]


def only(found, part):
    (one,) = of(found, part)
    return one


def test_doctor_finds_no_failure_when_the_site_is_new(data):
    found = doctor.examine(data)
    assert [one.sentence for one in found if one.level == FAILED] == []
    assert only(found, "hub").level == WARNING
    assert f"trueque hub up --data {data}" in only(found, "hub").remedy


def test_doctor_names_each_field_when_the_configuration_is_wrong(data):
    path = data / "site.toml"
    text = path.read_text().replace('kind = "decentralised"', 'kind = "feudal"')
    path.write_text(text.replace("speed = 1", "speed = 0"))
    found = of(doctor.examine(data), "configuration")
    assert len(found) == 2 and all(one.level == FAILED for one in found)
    assert any("market.kind" in one.sentence for one in found)
    assert any("clock.speed" in one.sentence for one in found)


def test_doctor_mends_the_rights_of_keys_when_told(data):
    (data / "keys.json").chmod(0o644)
    answer = CliRunner().invoke(command, ["doctor", "--data", str(data), "--json"])
    assert answer.exit_code == 1
    (secrets,) = [one for one in json.loads(answer.stdout) if one["part"] == "secrets"]
    assert secrets["level"] == FAILED and secrets["can_be_fixed_here"]
    answer = CliRunner().invoke(command, ["doctor", "--data", str(data), "--fix", "--yes"])
    assert answer.exit_code == 0, answer.output
    assert (data / "keys.json").stat().st_mode & 0o777 == 0o600


def test_doctor_names_the_house_when_its_secret_is_missing(data):
    path = data / "keys.json"
    table = json.loads(path.read_text())
    del table["peers"]["house-2"]
    path.write_text(json.dumps(table))
    found = only(doctor.examine(data), "secrets")
    assert found.level == FAILED and "peers.house-2" in found.sentence


def test_doctor_names_the_port_when_another_program_has_it(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = only(doctor.examine(make(tmp_path, page={"port": port})), "ports")
    assert found.level == FAILED
    assert f"page.port {port}" in found.sentence and str(port) in found.remedy


@pytest.mark.parametrize(("hours_left", "level"), [(24 * 30, WARNING), (-1, FAILED)])
def test_doctor_renews_the_brokers_certificate_when_it_ends(data, monkeypatch, hours_left, level):
    with monkeypatch.context() as short:
        short.setattr(certificates, "SERVER_LIFE", datetime.timedelta(hours=hours_left))
        certificates.ensure(data / "tls", ["127.0.0.1"])
    found = [one for one in of(doctor.examine(data), "certificates") if one.level != GOOD]
    assert [one.level for one in found] == [level]
    assert "the broker" in found[0].sentence
    found[0].mend()
    assert all(one.level == GOOD for one in of(doctor.examine(data), "certificates"))


def test_doctor_says_what_is_lost_when_the_store_is_damaged(data):
    Store.open(data / "store.db").close()
    with (data / "store.db").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(65_536))
    found = only(doctor.examine(data), "store")
    assert found.level == FAILED and "restore" in found.remedy


def test_doctor_refuses_a_store_when_it_is_newer_than_the_program(data):
    Store.open(data / "store.db").close()
    with sqlite3.connect(data / "store.db") as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    found = only(doctor.examine(data), "store")
    assert found.level == FAILED and "newer" in found.sentence


def test_doctor_changes_no_store_when_it_is_older_than_the_program(data):
    Store.open(data / "store.db").close()
    with sqlite3.connect(data / "store.db") as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert only(doctor.examine(data), "store").level == WARNING
    with sqlite3.connect(data / "store.db") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()


def test_doctor_warns_when_the_disk_is_nearly_full(data, monkeypatch):
    free = {"bytes": 500 << 20}
    usage = type("Usage", (), {"free": property(lambda self: free["bytes"])})()
    monkeypatch.setattr(files.shutil, "disk_usage", lambda path: usage)
    assert only(doctor.examine(data), "disk").level == WARNING
    free["bytes"] = 10 << 20
    assert only(doctor.examine(data), "disk").level == FAILED


def test_doctor_says_so_when_the_emergency_stop_is_latched(data):
    store = Store.open(data / "store.db")
    store.set_state("emergency_stop", {"since_ms": 1})
    store.close()
    found = only(doctor.examine(data), "emergency stop")
    assert found.level == FAILED and "acknowledge" in found.remedy


def test_doctor_names_the_node_and_the_way_out_when_it_is_in_quarantine(data):
    store = Store.open(data / "store.db")
    quarantine.Quarantine(store, lambda node: None).put("house-2", "its register fell")
    store.close()
    found = only(doctor.examine(data), "nodes")
    assert found.level == FAILED and "house-2 is in quarantine: its register fell" in found.sentence
    assert f"trueque hub node release house-2 --data {data}" in found.remedy


def test_doctor_says_whose_letters_wait_and_why_when_they_do_not_go(data):
    store = Store.open(data / "store.db")
    store.post_letter("lab", "alarm 1", "house-2 is silent", "Look at it.", 1)
    store.post_letter("lab", "alarm 2", "it is back", "All is well.", 2)
    assert of(doctor.examine(data), "letters") == []  # none was tried yet
    for letter in store.letters_due(3):
        store.mark_letter(letter, next_at_ms=9, problem="mail.lab:587 does not answer")
    found = only(doctor.examine(data), "letters")
    assert found.level == WARNING
    assert found.sentence == "2 for lab wait: mail.lab:587 does not answer"
    for letter in store.letters_due(9):
        store.mark_letter(letter, sent_at_ms=10)
    store.close()
    assert of(doctor.examine(data), "letters") == []


def test_doctor_proposes_a_new_site_when_there_is_none(tmp_path):
    found = only(doctor.examine(tmp_path / "gone"), "configuration")
    assert "does not exist" in found.sentence and found.remedy.startswith("trueque hub init")


def test_doctor_warns_when_a_real_site_listens_to_itself_only(tmp_path):
    make(tmp_path, site={"kind": "real"}, clock={"speed": 1, "zone": "UTC"})
    listening = [one for one in of(doctor.examine(tmp_path), "configuration")
                 if one.level == WARNING]  # fmt: skip
    assert "broker.listen is 127.0.0.1" in listening[0].sentence


def test_doctor_says_that_the_broker_hangs_when_it_takes_connections_only(data, monkeypatch):
    certificates.ensure(data / "tls", [])
    monkeypatch.setattr(parts, "ASK_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        found = parts._broker(config.load(data), mute.getsockname()[1])
    assert found.level == FAILED and "it hangs" in found.sentence


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ([{"name": "market", "is_running": True, "problem": None}], ["1 run"]),
        (
            [
                {"name": "market", "is_running": True, "problem": None},
                {"name": "emoncms", "is_running": False, "problem": "cannot connect"},
            ],
            ["emoncms waits: cannot connect"],
        ),
        ([], []),
    ],
)
def test_doctor_names_the_bridges_that_wait_when_the_hub_has_some(states, told):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"states": states}).encode())

        def log_message(self, *what):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        found = bridges(f"http://127.0.0.1:{server.server_port}/")
    assert [one.sentence for one in found] == told


def test_doctor_leaves_bridges_out_when_the_page_does_not_answer():
    assert bridges(f"http://127.0.0.1:{free_port()}/") == []
