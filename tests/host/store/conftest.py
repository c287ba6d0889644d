"""Fixtures of the store's tests: each runs on SQLite's file and on a PostgreSQL server."""

from __future__ import annotations

import pytest

from hub.store import Store
from hub.store.place import StoreUrl
from tests.host.hub.conftest import Events
from tests.host.store import postgres_server


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server; tests that need it are skipped, with the reason, where it is not."""
    reason = postgres_server.why_not()
    if reason is not None:
        pytest.skip(reason)
    with postgres_server.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Where a fresh store can be, on either."""
    if request.param == "sqlite":
        return tmp_path / "store.db"
    return StoreUrl(request.getfixturevalue("postgres").new_url())


@pytest.fixture
def store(place):
    opened = Store.open(place)
    yield opened
    opened.close()


@pytest.fixture
def events(store):
    return Events(store)


@pytest.fixture
def market(events):
    events.open_market()
    return events
