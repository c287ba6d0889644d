"""ThingSpeak: stored readings go to one channel a house, in bulk; their history is read back.

Bulk-write JSON (ThingSpeak's documentation, "Bulk-Write JSON Data"): at most 960 entries a call,
15 s between calls of a channel. A body of `0` means rejected, whatever the HTTP status. What is
not accepted stays in the store and is sent again.
"""

from __future__ import annotations

import asyncio
import datetime
import json
from typing import Any

from hub.bridges.config import Channel, ThingSpeak
from hub.bridges.errors import BridgeDown
from hub.bridges.foreign import BadAnswer, read_json, read_object, scaled, table
from hub.bridges.parts import Parts
from hub.bridges.quantities import shown
from hub.bridges.thinning import thin
from hub.bridges.together import together
from hub.site_clock import wall_ms

CALL_PERIOD_S = 15.0
MOST_ENTRIES = 960
READ_AT_ONCE = 5_000
LOOK_S = 1.0  # a bridge reads the store only: nothing of the hub waits for it or tells it
MOST_REFUSALS = 3  # of one entry alone: then it is left out, and said
LONGEST_HISTORY = 8_000
Record = dict[str, Any]


class ThingSpeakBridge:
    """Sends what the store has and this bridge has not sent; keeps the history for the page."""

    name = "thingspeak"
    longest_pause_s = 300.0

    def __init__(self, wanted: ThingSpeak, parts: Parts, call_period_s: float = CALL_PERIOD_S):
        """`call_period_s` is the service's limit; tests that have no such service shorten it."""
        self._wanted = wanted
        self._parts = parts
        self._place = parts.place_of(self.name)
        self._call_period_ms = round(call_period_s * 1000)
        self._most = dict.fromkeys((one.house for one in wanted.channels), MOST_ENTRIES)
        self._refusals: dict[str, int] = {}
        self._history: dict[str, Record] = {}

    def history(self) -> dict[str, Record]:
        """Return by house what the channel has: names of the fields, times and their values."""
        return dict(self._history)

    async def run(self) -> None:
        channels = self._wanted.channels
        sending = [self._keep_up(one) for one in channels]
        await together(*sending, *(self._read_back(one) for one in channels))

    # Out ----------------------------------------------------------------------------------------

    async def _keep_up(self, channel: Channel) -> None:
        while True:
            wait_ms = self._kept(channel)["called_at_ms"] + self._call_period_ms - wall_ms()
            await asyncio.sleep(max(LOOK_S / 10, min(wait_ms, self._call_period_ms) / 1000))
            if not await self._send_next(channel):
                await asyncio.sleep(LOOK_S)

    async def _send_next(self, channel: Channel) -> bool:
        """Send the next entries of a channel; tell whether there were any."""
        kept = self._kept(channel)
        readings = await asyncio.to_thread(
            self._parts.views.readings_after, channel.house, kept["seq"], READ_AT_ONCE
        )
        entries, done_seq = thin(readings, self._wanted.period_s * 1000, kept["sent_at_ms"],
                                 self._most[channel.house])  # fmt: skip
        if done_seq is None:
            return False
        if entries:
            kept["called_at_ms"] = wall_ms()
            self._keep(channel, kept)  # a failed call counts for the limit, too
            await self._send(channel, entries)
            kept["sent_at_ms"] = entries[-1]["received_at_ms"]
        kept["seq"] = done_seq
        self._keep(channel, kept)
        return bool(entries)

    async def _send(self, channel: Channel, entries: list[Record]) -> None:
        body = {
            "write_api_key": self._parts.secret(f"thingspeak.{channel.house}.write_key"),
            "updates": [self._entry(one) for one in entries],
        }
        url = f"{self._wanted.url}/channels/{channel.channel_id}/bulk_update.json"
        status, answer = await self._parts.http.ask(
            "POST", url, body=json.dumps(body).encode(), headers={"Content-Type": _JSON}
        )
        if status == 429 or status >= 500:
            raise BridgeDown(f"{url}: answered {status}, as when it is asked too often")
        if status in (401, 404):
            raise BridgeDown(f"{url}: answered {status}: channel or write key is not right")
        if _is_accepted(status, answer):
            self._most[channel.house] = min(2 * len(entries), MOST_ENTRIES)
            self._refusals.pop(channel.house, None)
            return
        self._take_refusal(channel, entries, f"{url}: rejected ({status}, {answer[:60]!r})")

    def _take_refusal(self, channel: Channel, entries: list[Record], problem: str) -> None:
        """Try again with half as many, until the one that the service does not want is alone."""
        self._most[channel.house] = max(1, len(entries) // 2)
        refusals = self._refusals.get(channel.house, 0) + 1
        self._refusals[channel.house] = refusals
        if len(entries) > 1 or refusals < MOST_REFUSALS:
            raise BridgeDown(problem)
        del self._refusals[channel.house]
        seq = entries[0]["seq"]
        self._parts.say(f"bridge thingspeak: left out reading {seq} of {channel.house}: {problem}")

    def _entry(self, reading: Record) -> Record:
        at = datetime.datetime.fromtimestamp(reading["received_at_ms"] // 1000, datetime.UTC)
        entry: Record = {"created_at": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        for number, name in enumerate(self._wanted.fields, 1):
            value = shown(reading, name) if name else None
            if value is not None:
                entry[f"field{number}"] = value
        return entry

    def _kept(self, channel: Channel) -> Record:
        """Return how far a channel is; a new one begins with what comes from now on."""
        kept = self._place.get().get(channel.house)
        if isinstance(kept, dict):
            return dict(kept)
        seq = self._parts.views.last_reading_seq(channel.house)
        first = {"seq": seq, "sent_at_ms": 0, "called_at_ms": 0}
        self._keep(channel, first)
        return first

    def _keep(self, channel: Channel, kept: Record) -> None:
        self._place.keep(self._place.get() | {channel.house: kept})

    # Back ---------------------------------------------------------------------------------------

    async def _read_back(self, channel: Channel) -> None:
        url = f"{self._wanted.url}/channels/{channel.channel_id}/feeds.json"
        params = {"results": str(self._wanted.history_points)}
        key = self._parts.secrets.get(f"thingspeak.{channel.house}.read_key")
        if key:
            params["api_key"] = key
        while True:
            try:
                body = await self._parts.http.get(url, params)
                self._history[channel.house] = read_history(body, self._wanted.fields)
            except BridgeDown as down:  # what was read before stays; sending goes on
                self._history.setdefault(channel.house, {})["problem"] = str(down)
            await asyncio.sleep(self._wanted.history_period_s)


_JSON = "application/json"


def _is_accepted(status: int, answer: bytes) -> bool:
    try:
        found = read_json(answer)
    except BadAnswer:
        return False
    return status in (200, 202) and isinstance(found, dict) and found.get("success") is True


def read_history(body: bytes, fields: tuple[str, ...]) -> Record:
    """Return {"at_ms": [..], "values": {name: [.. or None]}} of a channel's feed.

    Raises BadAnswer. Entries without a readable time are left out.
    """
    feeds = read_object(body).get("feeds")
    if not isinstance(feeds, list):
        raise BadAnswer("the channel's feed has no list of entries")
    times: list[int] = []
    names = {name: f"field{number}" for number, name in enumerate(fields, 1) if name}
    values: dict[str, list[float | None]] = {name: [] for name in names}
    for feed in feeds[-LONGEST_HISTORY:]:
        at_ms = _time_ms(table(feed).get("created_at"))
        if at_ms is None:
            continue
        times.append(at_ms)
        for name, field in names.items():
            values[name].append(_display(feed.get(field)))
    return {"at_ms": times, "values": values, "read_at_ms": wall_ms()}


def _time_ms(text: object) -> int | None:
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        found = datetime.datetime.fromisoformat(text)
        return round(found.replace(tzinfo=found.tzinfo or datetime.UTC).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None


def _display(value: object) -> float | None:
    """Return a field's value for the page: ThingSpeak sends numbers as text."""
    micro = scaled(value)
    return None if micro is None else micro / 1e6
