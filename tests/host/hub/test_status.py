"""What `trueque hub status` tells of windows and of a site that does not run."""

from __future__ import annotations

import contextlib
import http.server
import json
import sqlite3
import threading

import pytest
from click.testing import CliRunner

from hub import config, keys, status, status_lines
from hub.cli import hub as command
from hub.honesty import quarantine
from hub.store import Store
from tests.host.panel.conftest import Kept, Made
from tests.host.store.test_migrations import old_store


@pytest.fixture
def site(tmp_path):
    houses = config.bench_houses(2)
    keys.create(tmp_path / "keys.json", [house.name for house in houses])
    config.write(tmp_path, houses, clock={"zone": "UTC"})
    return config.load(tmp_path)


@pytest.fixture
def page_of():
    """`page_of(snapshot)`: the URL of a page that tells it."""
    servers = []

    def serve(snapshot):
        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == "/api/snapshot" else 404)
                self.end_headers()
                self.wfile.write(json.dumps(snapshot).encode())

            def log_message(self, *words):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_status_says_not_running_when_the_hub_never_ran(site):
    answer = CliRunner().invoke(command, ["status", "--data", str(site.data_dir), "--json"])
    found = json.loads(answer.stdout)
    assert (found["is_running"], found["parts"], found["nodes"]) == (False, [], [])
    answer = CliRunner().invoke(command, ["status", "--data", str(site.data_dir)])
    assert answer.exit_code == 0 and "not running" in answer.output


def test_commands_leave_the_store_to_its_hub_when_the_program_is_newer_already(site):
    old_store(site.store_path, 7)
    for words, code in ((["status"], 0), (["alarms"], 1), (["node", "list"], 1)):
        answer = CliRunner().invoke(command, [*words, "--data", str(site.data_dir)])
        said = answer.output + str(answer.exception or "")
        assert answer.exit_code == code and "restart the hub" in " ".join(said.split()), said
    with contextlib.closing(sqlite3.connect(site.store_path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (7,)


@pytest.mark.parametrize(
    ("now_s", "phase"),
    [(5, "opens later"), (15, "takes orders"), (25, "delivers"), (35, "reports")],
)
def test_status_names_the_phase_of_the_window(site, market, monkeypatch, now_s, phase):
    monkeypatch.setattr(status, "wall_ms", lambda: now_s * 1000)
    assert status.read(site)["window"]["state"] == phase


def test_status_counts_down_and_names_the_way_out_when_a_node_is_in_quarantine(
    site, market, monkeypatch
):
    store = Store.open(site.store_path)
    quarantine.Quarantine(store, lambda node: None).put("house-1", "its register fell")
    store.close()
    monkeypatch.setattr(status, "wall_ms", lambda: 15_000)
    answer = CliRunner().invoke(command, ["status", "--data", str(site.data_dir)])
    text = " ".join(answer.output.split())
    assert "takes orders for another 0 min 5 s" in text
    assert f"trueque hub node release house-1 --data {site.data_dir}" in text.replace("- ", "-")


def test_status_counts_the_stores_log_when_its_file_is_small(site, market):
    files = site.data_dir.glob("store.db*")
    assert status.read(site)["store_bytes"] == sum(one.stat().st_size for one in files)


def test_status_names_no_window_when_the_last_is_over(site, market):
    assert status.read(site)["window"] is None


def lines(site):
    """What is printed, one space for each gap."""
    answer = CliRunner().invoke(command, ["status", "--data", str(site.data_dir)])
    assert answer.exit_code == 0, answer.output
    return " ".join(answer.output.split())


def test_status_tells_room_and_no_permit_when_the_hub_does_not_run(site):
    found = status.read(site)
    assert found["disk"]["free_bytes"] > 0 and found["disk"]["sentence"] in lines(site)
    assert found["panel"]["has_permit"] is False and found["alarms"] is None
    assert "panel: no permit: the hub does not run" in lines(site)


def test_status_counts_standing_alarms_and_names_the_newest(site, market):
    assert status.read(site)["alarms"]["standing"] == 0
    assert "alarms: none stands" in lines(site)
    store = Store.open(site.store_path)
    for kind, severity in (("silent", "warning"), ("fault", "fault")):
        store.raise_alarm(kind, "house-1", severity, f"house-1 is {kind}", 1_000)
    found = status.read(site)["alarms"]
    assert (found["standing"], found["holding"], found["is_well"]) == (2, 2, False)
    assert found["newest"]["sentence"] == "house-1 is fault"
    assert "alarms: 2 to look at, 2 of them hold; the newest: house-1 is fault" in lines(site)
    store.clear_alarm("fault", "house-1", 2_000)
    found = status.read(site)["alarms"]  # nobody has seen it yet
    assert (found["standing"], found["holding"], found["is_well"]) == (2, 1, True)
    store.close()


@pytest.mark.parametrize(
    ("keys_pressed", "is_well", "sentence"),
    [
        ((), True, "permit given, contactors closed"),
        (("stop",), False, "STOP was pressed: no permit until a person acknowledges it"),
        (("stop", "release", "acknowledge"), True, "a contactor is open: press START"),
    ],
)
def test_status_asks_a_running_hub_for_its_panel(
    site, monkeypatch, page_of, keys_pressed, is_well, sentence
):
    made = Made(Kept())
    made.panel.start()
    for key in keys_pressed:
        made.panel.press(key)
    url = page_of({"panel": made.panel.record()})
    monkeypatch.setattr(status.running, "announced", lambda data_dir: {
        "page_url": url, "broker": "", "ports": {},
    })  # fmt: skip
    monkeypatch.setattr(status.parts, "running_parts", lambda config: [])
    found = status.read(site)["panel"]
    assert found["is_well"] == is_well and sentence in found["sentence"]
    assert found["has_permit"] == (keys_pressed != ("stop",))
    assert f"panel: {found['sentence']}" in lines(site)
    made.close()


@pytest.mark.parametrize("told", [{}, {"panel": None}, {"panel": {"is_stopped": False}}, []])
def test_status_goes_on_when_the_page_tells_no_panel(told, page_of):
    found = status_lines.panel(page_of(told))
    assert (found["has_permit"], found["sentence"]) == (None, "the page does not tell")
