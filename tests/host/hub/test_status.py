"""What `trueque hub status` tells of windows and of a site that does not run."""

from __future__ import annotations

import contextlib
import json
import sqlite3

import pytest
from click.testing import CliRunner

from hub import config, keys, status
from hub.cli import hub as command
from hub.honesty import quarantine
from hub.store import Store
from tests.host.store.test_migrations import old_store


@pytest.fixture
def site(tmp_path):
    houses = config.bench_houses(2)
    keys.create(tmp_path / "keys.json", [house.name for house in houses])
    config.write(tmp_path, houses, clock={"zone": "UTC"})
    return config.load(tmp_path)


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
