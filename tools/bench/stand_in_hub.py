"""The hub's part, played by tests and benches: signs commands and leases, verifies records."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from wire import codec, signing, topics

MASTER = bytes(range(32))
PASSWORD = "not-a-secret"
EXPOSURE_UWH = 1_736  # 5 % of the smallest trade of a real site
MAX_POWER_UW = 10_000_000
MAX_DURATION_MS = 120_000
CLOSE_ONLY = ("role", "energy_uwh", "max_power_uw", "max_duration_ms", "exposure_uwh")


class StandInHub:
    """Speaks to boards as the hub does, but decides nothing: what it is told to say, it says."""

    exposure_uwh = EXPOSURE_UWH

    def __init__(self, port: int, nodes: Sequence[str], authority: Path | None = None) -> None:
        """`port`: the broker's on loopback. `authority`: the site's, in PEM; None without TLS."""
        self._nodes = tuple(nodes)
        self._keys = {
            (node, way): signing.derive_key(MASTER, node, way, 1)
            for node in nodes
            for way in ("up", "down")
        }
        self._seq = 0
        self._lock = threading.Lock()
        self.received: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.arrivals: list[tuple[int, str, str, dict[str, Any]]] = []
        """(ms since some start, node, kind, record) in the order in which they came."""
        self.rejected: list[tuple[str, str]] = []
        self.pairs: dict[str, dict[str, str]] = {}
        """{delivery id: {node: whom to tell of its progress}}, itself where it is alone."""
        self.on_record: Callable[[str, str, dict[str, Any]], None] = lambda node, kind, record: None
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="hub")
        self._client.username_pw_set("hub", PASSWORD)
        if authority is not None:
            self._client.tls_set(ca_certs=str(authority))
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def stop(self) -> None:
        """End the connection."""
        self._client.disconnect()
        self._client.loop_stop()

    def key(self, node: str, way: str) -> bytes:
        """Return a key of a node: "up" to the hub, "down" to the node."""
        return self._keys[node, way]

    def all(self, node: str, kind: str) -> list[dict[str, Any]]:
        """Return the records of a kind that a node sent so far."""
        return list(self.received.get((node, kind), []))

    def last(self, node: str, kind: str) -> dict[str, Any]:
        """Return the newest record of a kind. Raises IndexError before the first."""
        return self.all(node, kind)[-1]

    def finals(self, node: str, delivery_id: str) -> list[dict[str, Any]]:
        """Return the final reports of a delivery."""
        reports = self.all(node, "delivery")
        return [each for each in reports if (each["delivery_id"], each["phase"])
                == (delivery_id, "final")]  # fmt: skip

    def refusals(self, node: str, delivery_id: str) -> list[str]:
        """Return why a node refused commands of a delivery."""
        events = [each for each in self.all(node, "event") if each["delivery_id"] == delivery_id]
        return [each["reason"] for each in events if each["code"] == "command_refused"]

    def lease(self, node: str, delivery_id: str, counterparty_uwh: int = 0) -> None:
        """Grant or renew a lease with the newest nonce."""
        self._send(node, "lease", delivery_id, {"counterparty_uwh": counterparty_uwh})

    def close(self, node: str, delivery_id: str, role: str, energy_uwh: int) -> None:
        """Command a close."""
        values = (role, energy_uwh, MAX_POWER_UW, MAX_DURATION_MS, self.exposure_uwh)
        terms = dict(zip(CLOSE_ONLY, values, strict=True))
        self._send(node, "command", delivery_id, {"action": "close", **terms})

    def open(self, node: str, delivery_id: str, action: str = "open") -> None:
        """Command an open, or another action that has no terms."""
        terms = dict.fromkeys(CLOSE_ONLY)
        self._send(node, "command", delivery_id, {"action": action, **terms})

    def update(self, node: str, members: dict[str, Any]) -> None:
        """Send something about new firmware."""
        self._send_record(node, "update", members)

    def _send(self, node: str, kind: str, delivery_id: str, members: dict[str, Any]) -> None:
        self._send_record(node, kind, {"delivery_id": delivery_id, **members})

    def _send_record(self, node: str, kind: str, members: dict[str, Any]) -> None:
        with self._lock:  # records leave in the order of their numbers
            self._publish(node, kind, members)

    def _publish(self, node: str, kind: str, members: dict[str, Any]) -> None:
        self._seq += 1
        nonce = self.last(node, "status")["nonce"]
        record = {"epoch": 1, "seq": self._seq, "nonce": nonce}
        topic = topics.topic(node, kind)
        payload = codec.encode(topic, {**record, **members}, self._keys[node, "down"])
        self._client.publish(topic, payload, qos=1)

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        for kind in topics.FROM_NODE:
            client.subscribe(f"{topics.PREFIX}/+/{kind}", 1)

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        parsed = topics.parse(message.topic)
        if parsed is None or parsed[0] not in self._nodes:
            return
        record, reason = codec.decode(message.topic, message.payload, self._keys[parsed[0], "up"])
        if record is None:
            self.rejected.append((message.topic, reason))
            return
        self.received.setdefault(parsed, []).append(record)
        self.arrivals.append((time.monotonic_ns() // 1_000_000, *parsed, record))
        self.on_record(parsed[0], parsed[1], record)
        other = self.pairs.get(record.get("delivery_id"), {}).get(parsed[0])
        if parsed[1] == "delivery" and other is not None:
            self._pass_on(parsed[0], other, record)

    def _pass_on(self, node: str, other: str, report: dict[str, Any]) -> None:
        """Tell the counterparty of progress, and to open when this side has ended."""
        if report["phase"] != "final":
            self.lease(other, report["delivery_id"], report["energy_uwh"])
        elif other != node:  # it would repeat its report, and so on for ever
            self.open(other, report["delivery_id"])
