"""Fixtures of the panel's tests: a keeper, and a panel on gpiozero's mock pins."""

from __future__ import annotations

import asyncio

import pytest

from hub.panel.latch import StopLatch
from hub.panel.panel import Panel


class Kept(dict):
    """A store's named values."""

    def state(self, name):
        return self.get(name)

    def set_state(self, name, value):
        self[name] = value


class Made:
    """A panel of keys on the page, what it kept, and what it called."""

    def __init__(self, kept, kind="page"):
        self.kept = kept
        self.loop = asyncio.new_event_loop()
        self.panel = Panel(kind, StopLatch(kept, lambda: 5_000), self.loop)
        self.calls = []
        self.panel.on_stop = lambda: self.calls.append("stop")
        self.panel.on_change = lambda: self.calls.append("change")

    @property
    def box(self):
        return self.panel._box

    def settle(self):
        """Let the loop do what gpiozero's threads asked for."""
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(asyncio.sleep(0))

    def close(self):
        self.panel.close()
        self.loop.close()


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def made(kept):
    one = Made(kept)
    yield one
    one.close()
