"""The hub's part in hardware tests, played by the tests: signs commands, verifies records."""

from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from wire import codec, signing, topics

NODES = ("house-1", "house-2")
MASTER = bytes(range(32))
PASSWORD = "not-a-secret"
EXPOSURE_UWH = 1_736  # 5 % of the smallest trade of a real site


class Hub:
    """Speaks to the boards as the hub does: verifies what they send, signs what they get."""

    def __init__(self, port: int, authority: Path) -> None:
        self._keys = {
            (node, way): signing.derive_key(MASTER, node, way, 1)
            for node in NODES
            for way in ("up", "down")
        }
        self._seq = 0
        self.received: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.rejected: list[tuple[str, str]] = []
        self.pairs: dict[str, dict[str, str]] = {}
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="hub")
        self._client.username_pw_set("hub", PASSWORD)
        self._client.tls_set(ca_certs=str(authority))
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def key(self, node: str, way: str) -> bytes:
        return self._keys[node, way]

    def all(self, node: str, kind: str) -> list[dict[str, Any]]:
        """Return the records of a kind that a node sent so far."""
        return list(self.received.get((node, kind), []))

    def last(self, node: str, kind: str) -> dict[str, Any]:
        return self.all(node, kind)[-1]

    def finals(self, node: str, delivery_id: str) -> list[dict[str, Any]]:
        """Return the final reports of a delivery."""
        reports = self.all(node, "delivery")
        return [each for each in reports if (each["delivery_id"], each["phase"])
                == (delivery_id, "final")]  # fmt: skip

    def lease(self, node: str, delivery_id: str, counterparty_uwh: int = 0) -> None:
        self._send(node, "lease", delivery_id, {"counterparty_uwh": counterparty_uwh})

    def close(self, node: str, delivery_id: str, role: str, energy_uwh: int) -> None:
        terms = {
            "action": "close",
            "role": role,
            "energy_uwh": energy_uwh,
            "max_power_uw": 10_000_000,
            "max_duration_ms": 120_000,
            "exposure_uwh": EXPOSURE_UWH,
        }
        self._send(node, "command", delivery_id, terms)

    def open(self, node: str, delivery_id: str, action: str = "open") -> None:
        none = dict.fromkeys(
            ("role", "energy_uwh", "max_power_uw", "max_duration_ms", "exposure_uwh")
        )
        self._send(node, "command", delivery_id, {"action": action, **none})

    def _send(self, node: str, kind: str, delivery_id: str, members: dict[str, Any]) -> None:
        self._seq += 1
        nonce = self.last(node, "status")["nonce"]
        record = {"epoch": 1, "seq": self._seq, "nonce": nonce, "delivery_id": delivery_id}
        topic = topics.topic(node, kind)
        payload = codec.encode(topic, {**record, **members}, self._keys[node, "down"])
        self._client.publish(topic, payload, qos=1)

    def _on_connect(self, client, userdata, flags, reason_code, properties):
        for kind in topics.FROM_NODE:
            client.subscribe(f"{topics.PREFIX}/+/{kind}", 1)

    def _on_message(self, client, userdata, message):
        parsed = topics.parse(message.topic)
        if parsed is None or parsed[0] not in NODES:
            return
        record, reason = codec.decode(message.topic, message.payload, self._keys[parsed[0], "up"])
        if record is None:
            self.rejected.append((message.topic, reason))
        else:
            self.received.setdefault(parsed, []).append(record)
            other = self.pairs.get(record.get("delivery_id"), {}).get(parsed[0])
            if parsed[1] == "delivery" and other is not None:
                self._pass_on(other, record)

    def _pass_on(self, other: str, report: dict[str, Any]) -> None:
        """Tell the counterparty of progress, and to open when this side has ended."""
        if report["phase"] == "final":
            self.open(other, report["delivery_id"])
        else:
            self.lease(other, report["delivery_id"], report["energy_uwh"])
