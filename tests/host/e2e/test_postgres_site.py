"""A whole site whose store is a PostgreSQL database: one window, as a user starts it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import config as configuration
from hub.store import Store
from tests.host.e2e.parts import Running, make_site, start_boards, start_hub
from tests.host.store import postgres_server

WINDOW_S = 240

pytestmark = pytest.mark.e2e


@pytest.fixture
def url() -> Iterator[str]:
    reason = postgres_server.why_not()
    if reason is not None:
        pytest.skip(reason)
    with postgres_server.running() as server:
        yield server.new_url()


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.end()


def test_window_is_traded_and_settled_when_the_store_is_on_a_server(tmp_path, parts, url):
    site, report = tmp_path / "site", tmp_path / "report.json"
    make_site(site, store={"url": url})
    hub = start_hub(parts, "hub", site, "--once", "--report", str(report))
    start_boards(parts, site)
    assert hub.wait(timeout=WINDOW_S) == 0, parts.log("hub")
    found = json.loads(report.read_text())
    assert [trade["state"] for trade in found["trades"]] == ["settled"]
    assert found["problems"] == []
    assert not (site / "store.db").exists()
    store = Store.open(configuration.load(site).store_path)
    assert [trade.state for trade in store.trades()] == ["settled"]
    assert store.message_counts()["rejected"] == {}
    store.close()
