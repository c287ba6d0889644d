"""A whole node on fakes: the firmware unchanged, hub, time and bus in the test's hand."""

import time

from launcher import WATCHDOG_MS, Boots
from node.app import Node
from node.settings import Settings
from wire import codec
from wire.topics import topic

from tests.host.fakes.machine import FakeMachine
from tests.host.fakes.network import FakeNetwork
from tests.host.fakes.rp2 import FakeRp2

NODE = "house-1"
KEY_UP, KEY_DOWN = bytes(range(32)), bytes(range(32, 64))
BUS_ADDRESS, SHUNT_UOHM = 0x40, 50_000
RELAY_IN, RELAY_OUT = 14, 15
TERMS = {
    "energy_uwh": 34_723,
    "max_power_uw": 6_250_000,
    "max_duration_ms": 600_000,
    "exposure_uwh": 1_736,
}


def settings_members(**changes):
    members = {
        "node": NODE,
        "wifi_ssid": "site",
        "wifi_password": "secret",
        "broker_host": "127.0.0.1",
        "broker_port": 1883,
        "broker_user": NODE,
        "broker_password": "secret",
        "broker_tls": False,
        "key_up": KEY_UP.hex(),
        "key_down": KEY_DOWN.hex(),
        "profile": "thesis",
        "spike_correction": False,  # fakes feed codes of an ideal converter
        "relay_active_low": True,
        "ina226": {
            "bus": {"address": BUS_ADDRESS, "shunt_uohm": SHUNT_UOHM},
            "pv": {"address": 0x41, "shunt_uohm": 20_000},
        },
    }
    members.update(changes)
    return members


class Hardware:
    """The modules of one board."""

    def __init__(self, ticks):
        self.machine = FakeMachine(ticks)
        self.network = FakeNetwork()
        self.rp2 = FakeRp2()


class Rig:
    """One node. Use inside a directory of its own: the working directory is its flash."""

    def __init__(self, ticks, monkeypatch, **changes):
        self.ticks = ticks
        monkeypatch.setattr(time, "ticks_us", ticks.ticks_us, raising=False)
        monkeypatch.setattr(time, "ticks_diff", ticks.ticks_diff, raising=False)
        self._settings = Settings(settings_members(**changes))
        self.sent = []  # (kind, record) of everything published, in order
        self._seq = {"lease": 0, "command": 0, "update": 0}
        self.link_up = True
        self.is_welded = False  # then current flows on when the coils are off
        self.parts = {BUS_ADDRESS: {}, 0x41: {}}
        self.boot()

    def boot(self):
        """Power on: fresh hardware, the flash as it was."""
        hardware = Hardware(self.ticks)
        self.hardware = hardware
        self.machine = hardware.machine
        self.machine.parts = self.parts
        watchdog = self.machine.WDT(timeout=WATCHDOG_MS)
        self.node = Node(self._settings, hardware, Boots(), watchdog)
        self.delivery = self.node.delivery
        self.set_bus(0, 0)

    def set_clock(self):
        """Be the time server: what waited for the time is told now."""
        self.node.wall_clock.set(1_800_000_000_000 + self.ticks.now_us // 1000)
        self.node._clock_set(0)
        self.collect()

    def set_bus(self, voltage_uv, current_ua):
        """What the bus INA226 sees from now on."""
        shunt = round(current_ua * SHUNT_UOHM / 2.5e6)
        self.parts[BUS_ADDRESS].update({0x01: shunt & 0xFFFF, 0x02: voltage_uv // 1250})

    def step(self, duration_ms=20):
        """Let the time of one look pass, then look, as the node's safety task does."""
        self.ticks.advance_ms(duration_ms)
        try:
            self.node.safety.step(self.link_up)
        except Exception as problem:
            self.node.supervisor.fail(f"safety: {problem!r}")
        if self.relay() == "open" and not self.is_welded:
            self.parts[BUS_ADDRESS][0x01] = 0
        self.collect()

    def run(self, duration_ms):
        """Look every 20 ms for a while."""
        for _ in range(duration_ms // 20):
            self.step()

    def collect(self):
        """Be the broker: take and acknowledge everything in the outbox.

        A status that is wanted gets its turn before.
        """
        try:
            self.node.publisher.send_wanted_status()
        except Exception as problem:
            self.node.supervisor.fail(f"status: {problem!r}")
        while True:
            entry = self.node.outbox.next_unsent()
            if entry is None:
                return
            self.sent.append((entry.kind, self.read(entry)))
            self.node.outbox.sent(entry)

    def read(self, entry):
        """Return the record of an entry of the outbox, as the hub reads it."""
        record, reason = codec.decode(topic(NODE, entry.kind), entry.payload, KEY_UP)
        assert reason == ""
        return record

    def nonce(self):
        """Return a fresh nonce, as a status would."""
        return self.node.nonces.issue(self.node.clock.now_ms())

    def lease(self, delivery_id, counterparty_uwh=0, nonce=None):
        """Send a lease."""
        members = {"delivery_id": delivery_id, "counterparty_uwh": counterparty_uwh}
        self._send("lease", members, nonce)

    def close(self, delivery_id, role="buyer", nonce=None, **changes):
        """Send a command to close, and look as soon as its delivery is in flash."""
        self.order_close(delivery_id, role, nonce, **changes)
        self.step(0)

    def order_close(self, delivery_id, role="buyer", nonce=None, **changes):
        """Send a command to close."""
        members = {"delivery_id": delivery_id, "action": "close", "role": role, **TERMS, **changes}
        self._send("command", members, nonce)

    def command(self, action, delivery_id, nonce=None):
        """Send a command to open, to stop or to clear a fault."""
        members = dict.fromkeys(("role", *TERMS))
        members.update(delivery_id=delivery_id, action=action)
        self._send("command", members, nonce)

    def payload(self, action, delivery_id, role="buyer"):
        """Return a genuine command for `node.receive`, not sent."""
        members = dict.fromkeys(("role", *TERMS))
        if action == "close":
            members = {"role": role, **TERMS}
        return self._signed("command", {"delivery_id": delivery_id, "action": action, **members})

    def _signed(self, kind, members, nonce=None):
        self._seq[kind] += 1
        record = {"epoch": 1, "seq": self._seq[kind], "nonce": nonce or self.nonce(), **members}
        return codec.encode(topic(NODE, kind), record, KEY_DOWN)

    def update(self, what, **members):
        """Say something of new firmware."""
        names = ("package_id", "number", "size", "offset", "data")
        self._send("update", {"what": what, **dict.fromkeys(names), **members}, None)

    def _send(self, kind, members, nonce):
        self.node.receive(topic(NODE, kind), self._signed(kind, members, nonce))
        self.collect()

    def records(self, kind, **members):
        """Return what was published of a kind and has these members."""
        return [
            record
            for each, record in self.sent
            if each == kind and all(record[name] == value for name, value in members.items())
        ]

    def finals(self):
        """Return (delivery_id, reason) of all finals published."""
        return [
            (record["delivery_id"], record["reason"])
            for record in self.records("delivery", phase="final")
        ]

    def relay(self):
        """Return which relay coil is driven: "open", "in", "out" or "both"."""
        levels = self.machine.levels
        driven = [name for name, pin in (("in", RELAY_IN), ("out", RELAY_OUT)) if levels[pin] == 0]
        return "both" if len(driven) == 2 else (driven or ["open"])[0]


def delivery_id(number):
    """Return the nth delivery id."""
    return f"{number:032x}"
