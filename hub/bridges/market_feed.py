"""Windows, orders, trades, events: published read-only on `trueque/1/market/...` for others.

One retained message each; an empty one takes it back. Only what changed is published.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hub.bridges.accounts import MARKET_PREFIX, MARKET_USER
from hub.bridges.config import MarketFeed
from hub.bridges.mqtt import Mqtt
from hub.bridges.parts import Parts
from hub.bridges.views import Views

SHOWN_EVENTS = 8
LONGEST_PAYLOAD = 2_000  # below what the broker lets pass
Record = dict[str, Any]


class MarketFeedBridge:
    """Keeps the retained messages equal to what the views show."""

    name = "market"
    longest_pause_s = 30.0

    def __init__(self, wanted: MarketFeed, parts: Parts) -> None:
        self._wanted = wanted
        self._parts = parts
        self._place = parts.place_of(self.name)

    async def run(self) -> None:
        async with Mqtt(self._parts, MARKET_USER) as link:
            # Everything once: what the broker still has may be of before.
            published: dict[str, bytes] = dict.fromkeys(self._place.get().get("topics", ()), b"")
            while True:
                link.check()
                wanted = await asyncio.to_thread(messages, self._parts.views)
                if wanted.keys() - published.keys():  # before: none is forgotten by a crash
                    self._place.keep({"topics": sorted(wanted.keys() | published.keys())})
                for topic, payload in wanted.items():
                    if published.get(topic) != payload:
                        link.publish(topic, payload, retain=True)
                for topic in published.keys() - wanted.keys():
                    link.publish(topic, b"", retain=True)
                published = wanted
                # A bridge reads the store only; its period bounds what others' MQTT has to take.
                await asyncio.sleep(self._wanted.period_s)


def messages(views: Views) -> dict[str, bytes]:
    """Return what is to be retained: topic and JSON."""
    found: dict[str, Record] = {}
    windows = views.windows()
    for window in windows:
        found[f"window/{window['window_id']}"] = window
        for order in views.open_orders(window["window_id"]):
            found[f"order/{order['order_id']}"] = {**order, "window_id": window["window_id"]}
    for trade in views.trades():
        found[f"trade/{trade['trade_id']}"] = trade
    for event in views.events()[-SHOWN_EVENTS:]:
        topic = f"event/{event['event_id']}"
        # Apart: a record of all houses may be longer than the broker lets pass.
        found[topic] = {name: value for name, value in event.items() if name != "houses"}
        for name, house in event["houses"].items():
            found[f"{topic}/{name}"] = {"event_id": event["event_id"], "house": name, **house}
    found["summary"] = {
        "windows": [window["window_id"] for window in windows if window["phase"] != "over"],
        "trades": views.trade_states(),
    }
    texts = {name: json.dumps(record, separators=(",", ":")) for name, record in found.items()}
    return {
        f"{MARKET_PREFIX}/{name}": text.encode()
        for name, text in texts.items()
        if len(text) <= LONGEST_PAYLOAD
    }
