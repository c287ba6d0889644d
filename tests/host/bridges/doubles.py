"""A store with readings put in by hand, and what a bridge is given of it."""

from __future__ import annotations

import functools
import threading

from hub.bridges.config import read_bridges
from hub.bridges.http import Http
from hub.bridges.parts import Parts
from hub.bridges.views import Place, PlugLog, Views
from hub.store import NodeRow, Store
from tests.host.hub.samples import reading

NODES = ("house-1", "house-2")
SECRETS = {"thingspeak.house-1.write_key": "WRITEKEY", "emoncms.write_key": "EMONKEY"}


def wait_for(condition, timeout_s=60.0):
    """Wait for a condition, with a deadline."""
    pause = threading.Event()
    for _ in range(int(timeout_s / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("what was waited for did not happen")


class Site:
    """A store of two houses, the parts that a bridge is given, and what bridges said."""

    def __init__(self, path):
        self.path = path
        self.store = Store.open(path / "store.db")
        self.store.set_nodes(
            NodeRow(name, kind, "bus-1", f"0x{name}")
            for name, kind in zip(NODES, ("prosumer", "consumer"), strict=True)
        )
        self.said = []
        self._seq = dict.fromkeys(NODES, 0)

    @property
    def names(self):
        return {f"0x{name}": name for name in NODES}

    def parts(self, secrets=SECRETS, **changes):
        return Parts(
            **{
                "views": Views(self.store, None, self.names),
                "place_of": functools.partial(Place, self.store),
                "plug_log": PlugLog(self.store),
                "secrets": secrets,
                "passwords": {},
                "broker": None,
                "state_dir": self.path,
                "say": self.said.append,
                "http": Http(timeout_s=3.0),
                **changes,
            }
        )

    def feed(self, node, at_ms, **members):
        """Store a reading that arrived at a time."""
        self._seq[node] += 1
        found = reading(self._seq[node], **members)
        assert self.store.store_record(node, "reading", found, (at_ms, at_ms)) == "new"
        return self._seq[node]


def checked(**tables):
    """Return the configuration of these tables of [bridges]."""
    problems = []
    found = read_bridges(tables, NODES, problems)
    assert problems == []
    return found
