"""emoncms: stored readings go to `input/bulk`, one node group a house, names with their units.

Each entry is [seconds after `time`, node, {name: value}, ...]; the body of a success is `ok`
(emoncms, Input API). What is not accepted stays in the store and is sent again.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hub.bridges.config import Emoncms
from hub.bridges.errors import BridgeDown
from hub.bridges.foreign import BadAnswer, read_json
from hub.bridges.parts import Parts
from hub.bridges.quantities import QUANTITIES, shown
from hub.bridges.thinning import thin

MOST_ENTRIES = 250
READ_AT_ONCE = 5_000
LOOK_S = 1.0  # a bridge reads the store only: nothing of the hub waits for it or tells it
Record = dict[str, Any]


class EmoncmsBridge:
    """Sends what the store has and this bridge has not sent."""

    name = "emoncms"
    longest_pause_s = 300.0

    def __init__(self, wanted: Emoncms, parts: Parts) -> None:
        self._wanted = wanted
        self._parts = parts
        self._place = parts.place_of(self.name)

    async def run(self) -> None:
        while True:
            has_sent = False
            for node in await asyncio.to_thread(self._parts.views.nodes):
                has_sent |= await self._send_next(node.node)
            if not has_sent:
                await asyncio.sleep(LOOK_S)

    async def _send_next(self, node: str) -> bool:
        """Send the next entries of a node; tell whether there were any."""
        kept = self._place.get().get(node)
        if not isinstance(kept, dict):  # new: it begins with what comes from now on
            kept = {"seq": self._parts.views.last_reading_seq(node), "sent_at_ms": 0}
            self._place.keep(self._place.get() | {node: kept})
        readings = await asyncio.to_thread(
            self._parts.views.readings_after, node, kept["seq"], READ_AT_ONCE
        )
        entries, done_seq = thin(
            readings, self._wanted.period_s * 1000, kept["sent_at_ms"], MOST_ENTRIES
        )
        if done_seq is None:
            return False
        sent_at_ms = kept["sent_at_ms"]
        if entries:
            await self._send(node, entries)
            sent_at_ms = entries[-1]["received_at_ms"]
        self._place.keep(self._place.get() | {node: {"seq": done_seq, "sent_at_ms": sent_at_ms}})
        return bool(entries)

    async def _send(self, node: str, entries: list[Record]) -> None:
        first_s = entries[0]["received_at_ms"] // 1000
        rows = [[one["received_at_ms"] // 1000 - first_s, node, *_values(one)] for one in entries]
        key = self._parts.secret("emoncms.write_key")
        url = f"{self._wanted.url.rstrip('/')}/input/bulk"
        status, answer = await self._parts.http.ask(
            "POST",
            url,
            body={"data": json.dumps(rows, separators=(",", ":")), "time": str(first_s)},
            headers={"Authorization": f"Bearer {key}"},
        )
        if status != 200 or not _is_ok(answer):
            raise BridgeDown(f"{url}: rejected ({status}, {answer[:60]!r})")


def _values(reading: Record) -> list[dict[str, float]]:
    found = ((name, shown(reading, name)) for name in QUANTITIES)
    return [{name: value} for name, value in found if value is not None]


def _is_ok(answer: bytes) -> bool:
    """Older versions answer `ok`, newer ones a JSON record of it."""
    if answer.strip() in (b"ok", b'"ok"'):
        return True
    try:
        found = read_json(answer)
    except BadAnswer:
        return False
    return isinstance(found, dict) and found.get("success") is True
