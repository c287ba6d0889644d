"""Rigs of the hardware tests: two houses, their boards of one kind, a broker, a stand-in hub."""

import asyncio
import contextlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from hub.certificates import BROKER_NAME, ensure
from hub.mqtt.broker import Broker
from hub.processes import free_port
from hub.provision import AUTHORITY_NAME
from hub.time_server import TimeServer
from tests.hil.updating import TECHNICIAN
from tools.bench.house import FITTED
from tools.bench.lab import VirtualLab
from tools.bench.profile import DEFAULT_START
from tools.bench.stand_in_hub import PASSWORD, StandInHub
from tools.board.firmware_files import compiled_files
from tools.board.release import virtual_arch

NODES = ("house-1", "house-2")
SHOWN = 800  # characters of a console


class CannotDo(Exception):
    """Boards of this kind can't be asked for it; the argument is the reason as a sentence."""


class StillClock:
    """Site time that stands at a sunny noon, so that truth does not move under the meters."""

    def now(self):
        return DEFAULT_START.replace(hour=12)


class Rig:
    """Two houses on the bench, their boards running the real firmware.

    The broker speaks TLS; boards and hub check its certificate. A subclass builds the lab. Times in
    the lab's reports are the boards'; `slowness` says how many seconds a second of theirs may take
    here, on a machine that has other work.
    """

    slowness = 3
    patience = 3
    exposure_steps = 5
    """What a busy machine holds up for a second is no reason to open a relay."""
    broker_host = "127.0.0.1"
    listen = "127.0.0.1"
    wifi = ("bench", "bench-key")

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._ids = 0
        self._time = TimeServer(self.listen, 0, lambda: True)
        self.await_(self._time.start())
        port = free_port()
        words = dict.fromkeys((*NODES, "hub"), PASSWORD)
        self.tls, _ = ensure(directory / "tls", [])
        self._broker = Broker(
            "auto", port, directory / "broker", words, self.tls, listen=self.listen
        )
        self.await_(self._broker.start())
        self.hub = StandInHub(port, NODES, self.tls.authority)
        self.hub.exposure_uwh *= self.exposure_steps
        for node in NODES:
            self._write_settings(node, port)
        self.lab = self._build_lab()
        self.await_(self.lab.start())

    def _build_lab(self) -> VirtualLab:
        # What boards get, compiled for this machine.
        firmware = self.directory / "firmware"
        for name, content in compiled_files(architecture=virtual_arch()).items():
            path = firmware / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return VirtualLab(len(NODES), self.directory, firmware_dir=firmware, clock=StillClock())

    def _write_settings(self, node: str, port: int) -> None:
        flash = self.directory / node
        flash.mkdir()
        settings = {
            "node": node, "wifi_ssid": self.wifi[0], "wifi_password": self.wifi[1],
            "broker_host": self.broker_host, "broker_port": port, "broker_user": node,
            "broker_password": PASSWORD, "broker_tls": True, "broker_ca": AUTHORITY_NAME,
            "broker_name": BROKER_NAME, "ntp_port": self._time.port,
            "clock_floor_s": int(time.time()), "update_key": TECHNICIAN.public_key,
            "relay_active_low": True, "reading_period_ms": 250,
            "key_up": self.hub.key(node, "up").hex(), "key_down": self.hub.key(node, "down").hex(),
            "ina226": FITTED,
            # The broker counts in its own time, which a slow board's is not.
            "broker_keepalive_s": 10 if self.slowness < 10 else 3_600,
        }  # fmt: skip
        shutil.copy(self.tls.authority_der, flash / AUTHORITY_NAME)
        (flash / "settings.json").write_text(json.dumps(settings))

    def await_(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the bench's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60 * self.slowness)

    def do(self, act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call something of the lab on the bench's loop."""

        async def call() -> Any:
            return act(*arguments, **named)

        return self.await_(call())

    def stop(self) -> None:
        self.hub.stop()
        self.await_(self.lab.stop())
        self.await_(self._broker.stop())
        self.do(self._time.stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def wait_for(self, condition: Callable[[], Any], timeout_s: float, what: str) -> Any:
        """Return the condition's value once it is true; AssertionError naming `what` after that."""
        deadline_s = self.clock_s() + timeout_s * self.patience
        while not (value := condition()):
            assert self.clock_s() < deadline_s, self._missed(what, timeout_s)
            time.sleep(0.01)
        return value

    def clock_s(self) -> float:
        """Return the time by which `wait_for` waits."""
        return time.monotonic()

    def _missed(self, what: str, timeout_s: float) -> str:
        missed = f"{what} did not happen within {timeout_s:g} s"
        with contextlib.suppress(CannotDo):  # a real board's console is not heard
            for node in NODES:
                missed += f"\n{node} said last: {self.console(node)[-SHOWN:]}"
        return missed

    def report(self) -> dict[str, Any]:
        """Return the bench's own view: edges, violations, true energies."""
        truth = self.do(self.lab.report)
        assert isinstance(truth, dict)
        return truth

    def violations(self) -> int:
        """Return how often relays did what they must never do."""
        return int(self.report()["violations"]["total"])

    def console(self, node: str) -> str:
        """Return what a board has printed so far."""
        return str(self.do(self.lab.console, node))

    def put_authority(self, node: str, authority: bytes | None = None) -> None:
        """Let a board trust another authority (DER), or the site's again; it restarts."""
        content = authority or self.tls.authority_der.read_bytes()
        self.do(self.lab.put_file, node, AUTHORITY_NAME, content)

    def house(self, node: str) -> dict[str, Any]:
        """Return the truth about one house."""
        return dict(self.report()["houses"][node])

    def now_ms(self) -> int:
        """Return the time in which edges are told."""
        return int(self.report()["updated_at_ms"])

    def let_pass(self, duration_s: float) -> None:
        """Wait while so much of the boards' time passes."""
        end_ms = self.now_ms() + round(duration_s * 1000)
        self.wait_for(lambda: self.now_ms() >= end_ms, 2 * duration_s + 5, "the time")

    def all_edges(self) -> list[tuple[int, str, str, bool]]:
        """Return (at_ms, node, relay, closed) of every change of a contact so far."""
        return [(edge["at_ms"], edge["node"], edge["relay"], edge["closed"])
                for edge in self.report()["relay_edges"]]  # fmt: skip

    def edges(self, node: str, relay: str) -> list[tuple[int, bool]]:
        """Return (at_ms, closed) of every edge of a relay so far."""
        return [(at_ms, closed) for at_ms, *where, closed in self.all_edges()
                if where == [node, relay]]  # fmt: skip

    def is_closed(self, node: str, relay: str) -> bool:
        return bool(self.house(node)["relays"][relay])

    def opened_at_ms(self, node: str, relay: str, timeout_s: float) -> int:
        """Wait until a relay's last edge is an opening and return its time."""
        edges = self.wait_for(
            lambda: (found := self.edges(node, relay)) and not found[-1][1] and found,
            timeout_s,
            f"{node} opening {relay}",
        )
        return int(edges[-1][0])

    def wait_online(self, *nodes: str) -> None:
        """Wait for a status of each sent after now."""
        before = {node: len(self.hub.all(node, "status")) for node in nodes}
        self.wait_for(
            lambda: all(len(self.hub.all(node, "status")) > before[node] for node in nodes),
            20,
            f"status of {' and '.join(nodes)}",
        )

    def metered_uwh(self, node: str, delivery_id: str) -> int:
        """Return what a node has reported of a delivery so far."""
        reports = [each["energy_uwh"] for each in self.hub.all(node, "delivery")
                   if each["delivery_id"] == delivery_id]  # fmt: skip
        return reports[-1] if reports else 0

    def new_id(self) -> str:
        """Return a delivery id nobody used."""
        self._ids += 1
        return f"{self._ids:032x}"

    def wait_at_rest(self) -> None:
        """Wait until both boards are idle on a dead bus."""
        self.wait_online(*NODES)
        for node in NODES:
            self.wait_for(
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
        self.wait_for(
            lambda: self.is_closed(node, relay) or self.hub.refusals(node, delivery_id),
            5,
            f"{node} closing {relay}",
        )
        assert not self.hub.refusals(node, delivery_id)

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


class EmulatedRig(Rig):
    """The rig with emulated Pico Ws; `image` is a MicroPython UF2 on this machine."""

    slowness = 60
    # All is counted on the boards' own clock, of which whatever holds this machine up takes little.
    patience = 1
    exposure_steps = 1

    def clock_s(self) -> float:
        """All waiting is on the boards' clock: how fast this machine is does not matter.

        Raises what ended a board's emulation, after which its clock would stand still.
        """
        self.lab.check()
        return float(self.lab.now_s())

    def __init__(self, directory: Path, image: Path) -> None:
        self._image = image
        # Only here, because the emulator is an extra that most machines do without.
        from tools.emulation import network

        self.broker_host = network.GATEWAY
        super().__init__(directory)

    def _build_lab(self) -> VirtualLab:
        from tools.emulation.lab import EmulatedLab

        return EmulatedLab(len(NODES), self.directory, self._image, StillClock())
