"""What `trueque hub status` tells of windows and of a site that does not run."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from hub import config, keys, status
from hub.cli import hub as command


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


@pytest.mark.parametrize(
    ("now_s", "phase"),
    [(5, "opens later"), (15, "takes orders"), (25, "delivers"), (35, "reports")],
)
def test_status_names_the_phase_of_the_window(site, market, monkeypatch, now_s, phase):
    monkeypatch.setattr(status, "wall_ms", lambda: now_s * 1000)
    assert status.read(site)["window"]["state"] == phase


def test_status_names_no_window_when_the_last_is_over(site, market):
    assert status.read(site)["window"] is None
