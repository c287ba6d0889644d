"""`trueque hub event`: what is typed reaches the page, what the page knows is told plainly."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from hub import event_cli

HOUSE = {"pledged_uwh": 2_000, "accepted_uwh": 2_000, "is_asked": False, "verified_uwh": None,
         "reward_wei": None, "problem": None}  # fmt: skip
EVENT = {"event_id": 7, "start_local": "12:30", "end_local": "13:30", "is_verified": False,
         "reward_gwei_per_kwh": 200_000_000, "operator_owes_wei": None, "houses": {}}  # fmt: skip


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Return a hub that answers with `events`, and what it was sent."""
    found = SimpleNamespace(events=[], sent=[])

    class Page:
        def __init__(self, url):
            assert url == "http://page"

        def get(self, path):
            return {"can_announce": True, "events": found.events}

        def post(self, path, body):
            found.sent.append((path, body))
            return {**EVENT, "houses": {"house-1": HOUSE}}

    monkeypatch.setattr(event_cli, "Page", Page)
    site = SimpleNamespace(data_dir=tmp_path)
    monkeypatch.setattr(event_cli.configuration, "load", lambda data: site)
    announced = {"page_url": "http://page"}
    monkeypatch.setattr(event_cli.running, "announced", lambda data_dir: announced)
    found.run = lambda *words: CliRunner().invoke(
        event_cli.event, ["--data", str(tmp_path), *words]
    )
    return found


def test_event_is_announced_as_it_was_typed(hub):
    said = hub.run("--in", "30", "--for", "60", "--reward", "0.2", "--asked", "50 Wh")
    assert said.exit_code == 0, said.output
    body = {"in_minutes": 30, "for_minutes": 60, "reward": "0.2", "asked": "50 Wh"}
    assert hub.sent == [("/api/events", body)]
    assert "7: 12:30 to 13:30, 0.2 ETH/kWh" in said.output
    assert "house-1: accepted 2 mWh" in said.output


@pytest.mark.parametrize("words", [["--in", "3"], ["--asked", "1 Wh"], ["--in", "1", "--for", "2"]])
def test_nothing_is_announced_when_an_option_is_missing(hub, words):
    said = hub.run(*words)
    assert said.exit_code == 2 and "needs --in, --for and --reward" in said.output
    assert hub.sent == []


def test_events_are_told_with_who_pays(hub):
    proved = HOUSE | {"verified_uwh": 1_000, "reward_wei": str(10**14), "problem": "it was on"}
    asked = HOUSE | {"is_asked": True, "accepted_uwh": 0}
    hub.events = [
        EVENT | {"houses": {"house-2": asked}},
        EVENT | {"houses": {"house-1": proved}, "operator_owes_wei": str(10**14)},
        EVENT,
    ]
    said = hub.run().output
    assert "house-2: its agent was asked for 2 mWh" in said
    assert "the operator owes 0.0001 ETH, paid outside the chain" in said
    assert "accepted 2 mWh, verified 1 mWh, earns 0.0001 ETH (it was on)" in said
    assert "no house has anything to do without" in said
