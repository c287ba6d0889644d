"""One of several ingest processes: told by lines of JSON on standard input, it stores its share.

The first line is its task, later ones change keys and who is shut out; its input's end is its own.
On standard output it says, a line each, what it stored, how much each node sent, and when it has
taken what had waited.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import zoneinfo
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

from hub.honesty.judge import Limits
from hub.mqtt.ingest import Ingest, Stored
from hub.mqtt.inspecting import Inspector
from hub.mqtt.link import Link
from hub.mqtt.sharing import LATE_SEQS, SHARED_KINDS
from hub.site_clock import SiteClock
from hub.store import Store
from hub.store.place import StoreUrl

RETIRE_TIMEOUT_S = 60.0


class Voice:
    """Standard output, a line at a time from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def say(self, **members: Any) -> None:
        with self._lock:
            print(json.dumps(members, separators=(",", ":")), flush=True)


class Share:
    """A worker's part of the hub's gate: told who is shut out, tells what each node sent."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self.shut: frozenset[str] = frozenset()
        self._counts: dict[str, int] = {}

    def is_shut(self, node: str) -> bool:
        return node in self.shut

    def count(self, node: str, messages: int) -> None:
        self._counts[node] = self._counts.get(node, 0) + messages

    def flush(self) -> None:
        """Tell what was counted since the last time."""
        counts, self._counts = self._counts, {}
        self._voice.say(counts=counts)


class Worker:
    """Link, ingest and store of one process."""

    def __init__(self, task: Mapping[str, Any], voice: Voice) -> None:
        self._voice = voice
        self._keys: dict[str, bytes] = {}
        self._share = Share(voice)
        self._is_retiring = bool(task["retire"])
        place, address = task["store"], task["address"]
        self.store: Store = Store.open(
            StoreUrl(place["url"]) if "url" in place else Path(place["path"])
        )
        self._inspector = Inspector(
            Limits(**task["limits"]), lambda node, reason: voice.say(lie=[node, reason])
        )
        self._ingest = Ingest(
            self.store, _clock(task["clock"]), self._keys, self._stored,
            lambda text: voice.say(trouble=text), self._share,
            self._inspector.inspect, LATE_SEQS, self._broken,
        )  # fmt: skip
        self._link = Link(
            Path(address) if isinstance(address, str) else (address[0], address[1]),
            task["password"],
            self._ingest.put,
            authority=Path(task["authority"]) if task["authority"] else None,
            user=task["user"],
            client_id=task["client_id"],
            kinds=() if self._is_retiring else SHARED_KINDS,
            is_shared=True,
            on_drained=lambda is_drained: voice.say(drained=is_drained),
        )
        self.change(task)

    def change(self, told: Mapping[str, Any]) -> None:
        """Take in new keys, who is shut out, and who is in quarantine."""
        keys = {node: bytes.fromhex(text) for node, text in told["keys"].items()}
        for node in self._keys.keys() - keys.keys():
            del self._keys[node]
        self._keys.update(keys)
        self._share.shut = frozenset(told["shut"])
        self._inspector.take(told["quarantined"])

    def run(self) -> None:
        """Work until standard input ends, or until nothing is left of a share that is given up."""
        self._ingest.start(self._link.acknowledge)
        self._link.start()
        if self._is_retiring:
            self._link.wait_drained(RETIRE_TIMEOUT_S)
        else:
            for line in sys.stdin:
                self.change(json.loads(line))
        self._ingest.stop()  # what has arrived is stored and acknowledged
        self._link.stop(for_good=self._is_retiring and self._link.is_drained)
        self.store.close()

    def _broken(self, problem: Exception) -> None:
        """End at once: the hub starts another, and what was not acknowledged comes again."""
        self._voice.say(trouble=f"ingest failed: {problem!r}")
        os._exit(1)

    def _stored(self, batch: list[Stored]) -> None:
        self._voice.say(stored=[astuple(one) for one in batch])
        self._share.flush()


def _clock(told: Mapping[str, Any]) -> SiteClock:
    import datetime

    start = datetime.datetime.fromisoformat(told["start_local"])
    return SiteClock(start, told["started_at_ms"], told["speed"], zoneinfo.ZoneInfo(told["zone"]))


def main() -> None:
    """Run one worker."""
    Worker(json.loads(sys.stdin.readline()), Voice()).run()


if __name__ == "__main__":
    main()
