"""The rig of the hardware tests: boards of one kind, a broker, and a hub's part played by tests.

`pytest tests/hil --board virtual|emulated|real`. Virtual boards are the default; kinds that this
machine cannot provide are skipped with the reason.
"""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from wire import codec, signing, topics

from hub.mqtt.broker import Broker
from hub.processes import free_port
from tools.bench.lab import VirtualLab
from tools.bench.profile import DEFAULT_START

KINDS = ("virtual", "emulated", "real")
NODES = ("house-1", "house-2")
MASTER = bytes(range(32))
PASSWORD = "not-a-secret"
EXPOSURE_UWH = 1_736  # 5 % of the smallest trade of a real site


def pytest_addoption(parser):
    parser.addoption("--board", choices=KINDS, default="virtual", help="kind of boards to test")


def wait_for(condition: Callable[[], Any], timeout_s: float, what: str) -> Any:
    """Return the condition's value once it is true; AssertionError naming `what` after that."""
    deadline_s = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline_s, f"{what} did not happen within {timeout_s:g} s"
        time.sleep(0.01)
    return value


class StillClock:
    """Site time that stands at a sunny noon, so that truth does not move under the meters."""

    def now(self):
        return DEFAULT_START.replace(hour=12)


class Hub:
    """Speaks to the boards as the hub does: verifies what they send, signs what they get."""

    def __init__(self, port: int) -> None:
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


class VirtualRig:
    """Two houses on the virtual bench, their boards running the real firmware."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._ids = 0
        port = free_port()
        words = dict.fromkeys((*NODES, "hub"), PASSWORD)
        self._broker = Broker("auto", port, directory / "broker", words)
        self.await_(self._broker.start())
        self.hub = Hub(port)
        for node in NODES:
            self._write_settings(node, port)
        self.lab = VirtualLab(len(NODES), directory, clock=StillClock())
        self.await_(self.lab.start())

    def _write_settings(self, node: str, port: int) -> None:
        flash = self._directory / node
        flash.mkdir()
        parts = {"bus": 0x40, "pv": 0x41, "battery": 0x44}
        settings = {
            "node": node, "wifi_ssid": "bench", "wifi_password": "bench-key",
            "broker_host": "127.0.0.1", "broker_port": port, "broker_user": node,
            "broker_password": PASSWORD, "broker_tls": False, "relay_active_low": True,
            "reading_period_ms": 250,
            "key_up": self.hub.key(node, "up").hex(), "key_down": self.hub.key(node, "down").hex(),
            "ina226": {
                branch: {"address": address, "shunt_uohm": 50_000 if branch == "bus" else 20_000}
                for branch, address in parts.items()
            },
        }  # fmt: skip
        (flash / "settings.json").write_text(json.dumps(settings))

    def await_(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the bench's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def do(self, act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call something of the lab on the bench's loop."""

        async def call() -> Any:
            return act(*arguments, **named)

        return self.await_(call())

    def stop(self) -> None:
        self.hub.stop()
        self.await_(self.lab.stop())
        self.await_(self._broker.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def report(self) -> dict[str, Any]:
        """Return the bench's own view: edges, violations, true energies."""
        truth = self.do(self.lab.report)
        assert isinstance(truth, dict)
        return truth

    def house(self, node: str) -> dict[str, Any]:
        """Return the truth about one house."""
        return dict(self.report()["houses"][node])

    def edges(self, node: str, relay: str) -> list[tuple[int, bool]]:
        """Return (at_ms, closed) of every edge of a relay so far."""
        return [(edge["at_ms"], edge["closed"]) for edge in self.report()["relay_edges"]
                if (edge["node"], edge["relay"]) == (node, relay)]  # fmt: skip

    def is_closed(self, node: str, relay: str) -> bool:
        return bool(self.house(node)["relays"][relay])

    def opened_at_ms(self, node: str, relay: str, timeout_s: float) -> int:
        """Wait until a relay's last edge is an opening and return its time."""
        edges = wait_for(
            lambda: (found := self.edges(node, relay)) and not found[-1][1] and found,
            timeout_s,
            f"{node} opening {relay}",
        )
        return int(edges[-1][0])

    def wait_online(self, node: str) -> None:
        """Wait for a status sent after now."""
        before = len(self.hub.all(node, "status"))
        wait_for(lambda: len(self.hub.all(node, "status")) > before, 20, f"status of {node}")

    def new_id(self) -> str:
        """Return a delivery id nobody used."""
        self._ids += 1
        return f"{self._ids:032x}"

    def wait_at_rest(self) -> None:
        """Wait until both boards are idle on a dead bus."""
        for node in NODES:
            self.wait_online(node)
            wait_for(
                lambda node=node: (
                    self.hub.last(node, "status")["state"] == "idle"
                    and self.house(node)["bus_voltage_uv"] < 500_000
                ),
                20,
                f"{node} at rest",
            )

    def close(self, node: str, delivery_id: str, role: str, energy_uwh: int) -> None:
        """Lease and command a close, and wait for the contact."""
        self.hub.lease(node, delivery_id)
        self.hub.close(node, delivery_id, role, energy_uwh)
        relay = "in" if role == "buyer" else "out"
        wait_for(lambda: self.is_closed(node, relay), 5, f"{node} closing {relay}")

    @contextlib.contextmanager
    def delivery(self, energy_uwh: int, seller: str = "house-1", buyer: str = "house-2"):
        """A delivery under way; while the block lasts each progress renews the other's lease."""
        delivery_id = self.new_id()
        self.close(buyer, delivery_id, "buyer", energy_uwh)
        self.hub.pairs[delivery_id] = {seller: buyer, buyer: seller}
        try:
            self.close(seller, delivery_id, "seller", energy_uwh)
            yield delivery_id
        finally:
            del self.hub.pairs[delivery_id]
            for node in (seller, buyer):
                self.hub.open(node, delivery_id)


def _why_absent(kind: str) -> str | None:
    if kind == "emulated":
        return "no emulated boards: the emulator and a Pico W image are not set up here"
    if kind == "real":
        return "no real boards: none is configured here"
    return None


@pytest.fixture(scope="session")
def rig(request, tmp_path_factory) -> Iterator[VirtualRig]:
    """Boards of the wanted kind, online."""
    kind = request.config.getoption("--board", default="virtual")
    reason = _why_absent(kind)
    if reason is not None:
        pytest.skip(reason)
    rig = VirtualRig(tmp_path_factory.mktemp("rig"))
    try:
        for node in NODES:
            rig.wait_online(node)
        yield rig
    finally:
        rig.stop()


@pytest.fixture(autouse=True)
def _rest(rig):
    """Every test begins at rest and without faults left by another."""
    rig.wait_at_rest()
    yield


@pytest.fixture(name="wait_for", scope="session")
def _wait_for():
    """The function that waits for a condition with a deadline."""
    return wait_for
