"""Bridges that run under their supervisor against local servers."""

from __future__ import annotations

import pytest

from hub.bridges.supervisor import Bridges
from tests.host.bridges.doubles import Site


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def run(site):
    """Run bridges under the supervisor until the test ends; pauses are short."""
    running = []

    def start(*bridges):
        made = Bridges(bridges, site.said.append, first_pause_s=0.05)
        running.append(made)
        made.start()
        return made

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def serve():
    """Start servers that end with the test."""
    running = []

    def start(server):
        running.append(server)
        return server.start()

    yield start
    for one in running:
        one.stop()
