"""One hub at a time on a database of a PostgreSQL server, also after the server was away."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from hub.errors import StoreError
from hub.store import Store
from hub.store.place import StoreUrl


@pytest.fixture
def hub(postgres):
    """Return a context manager that opens the store of one more hub on the same database."""
    url = StoreUrl(postgres.new_url())

    @contextlib.contextmanager
    def opened():
        closers = contextlib.AsyncExitStack()
        try:
            yield Store.open_for_hub(url, closers)
        finally:
            asyncio.run(closers.aclose())

    return opened


def refused():
    return pytest.raises(StoreError, match="another hub uses this database")


def test_second_hub_is_refused_when_one_holds_the_database(hub):
    with hub(), refused(), hub():
        pass
    with hub():
        pass


def test_second_hub_is_refused_still_when_the_server_was_started_again(hub, postgres):
    with hub() as store:
        postgres.stop()
        postgres.start()
        store.set_state("x", 1)
        with refused(), hub():
            pass


def test_hub_does_not_go_on_when_another_took_the_database_in_an_outage(hub, postgres):
    with hub() as store:
        postgres.stop()
        postgres.start()
        with hub():
            for _ in range(2):
                with refused():
                    store.set_state("x", 1)
        store.set_state("x", 2)
        assert store.state("x") == 2
