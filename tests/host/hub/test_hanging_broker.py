"""A broker that runs and says nothing: found by the hub's own connection, ended, started again."""

from __future__ import annotations

import itertools
import os
import signal

import pytest

from hub.mqtt import broker as brokers
from hub.mqtt import link as links
from hub.mqtt.link import Link
from tests.host.hub.conftest import PASSWORDS
from tests.host.hub.test_ingest import until


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """The same counts, in less time."""
    monkeypatch.setattr(brokers, "LOOK_S", 0.05)
    monkeypatch.setattr(links, "KEEPALIVE_S", 1)


class Reached:
    """Answers in turn whether the broker is reached, and counts how often it was asked."""

    def __init__(self, *answers):
        self._answers = itertools.cycle(answers)
        self.looks = 0

    def __call__(self):
        self.looks += 1
        return next(self._answers)


def test_broker_starts_again_when_it_is_frozen(mosquitto):
    link = Link(mosquitto.hub_address, PASSWORDS["hub"], lambda arrival: None)
    link.start()
    try:
        until(lambda: link.is_connected, "connecting", 20)
        mosquitto.heed(lambda: link.is_connected)
        frozen = mosquitto.pid
        os.kill(frozen, signal.SIGSTOP)
        until(lambda: mosquitto.restarts == 1 and mosquitto.is_running, "a restart", 60)
        until(lambda: link.is_connected, "connecting again", 60)
        assert mosquitto.pid != frozen
        with pytest.raises(ProcessLookupError):
            os.kill(frozen, 0)
    finally:
        link.stop()


@pytest.mark.parametrize(
    "answers",
    [(True, *[False] * (brokers.MOST_LOOKS - 1)), (False,)],
    ids=["missed only now and then", "never reached"],
)
def test_broker_goes_on_when_it_may_be_well(mosquitto, answers):
    reached = Reached(*answers)
    first = mosquitto.pid
    mosquitto.heed(reached)
    until(lambda: reached.looks >= 4 * brokers.MOST_LOOKS, "looking", 60)
    assert (mosquitto.pid, mosquitto.restarts) == (first, 0)
