"""The latch in a real store: a stop outlives the process, and a technician is told of it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from hub import config
from hub.cli import hub
from hub.panel.latch import StopLatch
from hub.store import Store


@pytest.fixture
def site(tmp_path):
    config.write(tmp_path, config.bench_houses(2))
    return config.load(tmp_path)


def latch(site, what):
    """Do something with the latch of the site's store, as a hub process would."""
    store = Store.open(site.store_path)
    try:
        found = StopLatch(store, lambda: 7_000)
        what(found)
        return found
    finally:
        store.close()


def status(site):
    done = CliRunner().invoke(hub, ["status", "--data", str(site.data_dir), "--json"])
    return json.loads(done.output)["emergency_stop"]


def test_stop_is_kept_with_its_first_reason_when_the_store_is_opened_again(site):
    latch(site, lambda one: [one.set("button"), one.set("page")])
    again = latch(site, lambda one: None)
    assert (again.is_set, again.reason, again.since_ms) == (True, "button", 7_000)
    assert status(site) == {"reason": "button", "since_ms": 7_000}


def test_stop_is_gone_for_good_when_reset(site):
    latch(site, lambda one: [one.set("button"), one.reset()])
    assert not latch(site, lambda one: None).is_set
    assert status(site) is None
    text = CliRunner().invoke(hub, ["status", "--data", str(site.data_dir)]).output
    assert "EMERGENCY STOP" not in text


def test_status_names_the_stop_when_it_is_latched(site):
    latch(site, lambda one: one.set("button"))
    text = CliRunner().invoke(hub, ["status", "--data", str(site.data_dir)]).output
    assert "EMERGENCY STOP: latched until a person acknowledges it" in text
