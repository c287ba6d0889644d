"""Many light boards in one process: they speak the wire over a real broker, and move no electrons.

Each has its own connection, account, keys and signatures. What a bus would carry is reckoned: while
both contacts of a pair are closed its rated power flows. For benches of the hub, where a hundred
boards that run the firmware would measure the machine instead.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import ssl
import time
from dataclasses import dataclass, field
from typing import Any

from eth_account.signers.local import LocalAccount
from wire import codec, records, topics, units

from hub.chain.board_signature import sign_report

KEEPALIVE_S = 120
CONTACT_S = 0.008  # a relay's time to close
STEP_S = 0.05
PROGRESS_S = units.METERING_BLOCK_MS / 1000
STATUS_S = units.NONCE_PERIOD_MS / 1000
SIGNING_S = 1.0  # what a Pico W takes, as the firmware does it
UW_S_PER_UWH = 3_600


@dataclass(frozen=True)
class Account:
    """Who a light board is: its broker account, its keys of both directions, its own key."""

    name: str
    password: str
    key_up: bytes
    key_down: bytes
    own: LocalAccount


@dataclass
class LightNode:
    """One board; `heard_at_ms` tells when each close command came, by delivery id."""

    account: Account
    power_uw: int
    heard_at_ms: dict[str, int] = field(default_factory=dict)
    relay: str = "open"
    is_flowing: bool = False

    def __post_init__(self) -> None:
        self._seq: dict[str, int] = {}
        self._boot_id = secrets.randbelow(2**32)
        self._began_s = time.monotonic()
        self._nonce = ""
        self._order: dict[str, Any] | None = None  # the close command that runs
        self._lease: tuple[str, int] = ("", 0)  # delivery id, what the other side has told
        self._moved_uws = 0.0
        self._finals: dict[str, dict[str, Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def connect(self, host: str, port: int, context: ssl.SSLContext) -> None:
        """Connect, subscribe and begin to say statuses."""
        self._reader, self._writer = await asyncio.open_connection(
            host, port, ssl=context, server_hostname=host
        )
        name = self.account.name.encode()
        fields = (name, name, self.account.password.encode())
        rest = b"".join(len(one).to_bytes(2, "big") + one for one in fields)
        self._packet(0x10, b"\x00\x04MQTT\x04\xc2" + KEEPALIVE_S.to_bytes(2, "big") + rest)
        if await self._reader.readexactly(4) != b"\x20\x02\x00\x00":
            raise ConnectionError(f"the broker refused {self.account.name}")
        wanted = b""
        for kind in topics.TO_NODE:
            topic = topics.topic(self.account.name, kind).encode()
            wanted += len(topic).to_bytes(2, "big") + topic + b"\x01"
        self._packet(0x82, b"\x00\x01" + wanted)
        self._spawn(self._read())
        self._spawn(self._say_statuses())

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._writer.close()

    @property
    def is_closed(self) -> bool:
        return self.relay != "open"

    def step(self, seconds: float) -> None:
        """Let time pass with or without current."""
        if self._order is None or not self.is_closed:
            return
        if self.is_flowing:
            self._moved_uws += self.power_uw * seconds
        if self._energy_uwh >= self._order["energy_uwh"]:
            self._finish("energy_reached")

    # What it says -------------------------------------------------------------------------------

    @property
    def _energy_uwh(self) -> int:
        return int(self._moved_uws / UW_S_PER_UWH)

    def _say(self, kind: str, **members: Any) -> None:
        self._seq[kind] = self._seq.get(kind, 0) + 1
        start = {"boot_id": self._boot_id, "seq": self._seq[kind], "t_ms": time.time_ns() // 10**6}
        topic = topics.topic(self.account.name, kind)
        payload = codec.encode(topic, {**start, **members}, self.account.key_up)
        named = topic.encode()
        number = (sum(self._seq.values()) % 65_000 + 2).to_bytes(2, "big")
        self._packet(0x32, len(named).to_bytes(2, "big") + named + number + payload)

    async def _say_statuses(self) -> None:
        await asyncio.sleep(random.random() * STATUS_S)
        while True:
            self._say_status()
            self._say("reading", **self._reading())
            await asyncio.sleep(STATUS_S)

    def _reading(self) -> dict[str, Any]:
        blank = dict.fromkeys(
            one.name for one in records.SCHEMAS["reading"]
            if one.name not in ("boot_id", "seq", "t_ms")
        )  # fmt: skip
        return {**blank, "bus_current_ua": 500_000 if self.is_flowing else 0, "quality_flags": 0}

    def _say_status(self) -> None:
        self._nonce = secrets.token_hex(16)
        order = self._order
        self._say(
            "status",
            uptime_ms=int((time.monotonic() - self._began_s) * 1000),
            nonce=self._nonce, state="delivering" if order else "idle", relay=self.relay,
            delivery_id=order["delivery_id"] if order else None, fault=None,
            firmware="light", reset_cause="power_on", free_bytes=1, epoch=0,
        )  # fmt: skip

    def _report(self, phase: str, reason: str | None = None) -> dict[str, Any]:
        assert self._order is not None
        return {
            "delivery_id": self._order["delivery_id"], "role": self._order["role"], "phase": phase,
            "energy_uwh": self._energy_uwh, "counterparty_uwh": self._lease[1], "elapsed_ms": 0,
            "register_uwh": self._energy_uwh, "reason": reason,
        }  # fmt: skip

    # What it obeys ------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            head = await self._reader.readexactly(1)
            body = await self._reader.readexactly(await self._length())
            if head[0] & 0xF0 == 0x30:
                size = int.from_bytes(body[:2], "big")
                topic = body[2 : 2 + size].decode()
                self._packet(0x40, body[2 + size : 4 + size])
                self._take(topic, body[4 + size :])

    async def _length(self) -> int:
        value, shift = 0, 0
        while True:
            digit = (await self._reader.readexactly(1))[0]
            value |= (digit & 0x7F) << shift
            if not digit & 0x80:
                return value
            shift += 7

    def _take(self, topic: str, payload: bytes) -> None:
        record, reason = codec.decode(topic, payload, self.account.key_down)
        if record is None:
            raise ValueError(f"{topic}: {reason}")
        if topic.endswith("/lease"):
            before = self._lease[1] if self._lease[0] == record["delivery_id"] else 0
            told_uwh = max(before, record["counterparty_uwh"])
            self._lease = (record["delivery_id"], told_uwh)
        elif record["action"] == "close":
            self._command_close(record)
        elif self._order and record["delivery_id"] == self._order["delivery_id"]:
            self._finish("commanded")

    def _command_close(self, record: dict[str, Any]) -> None:
        name = record["delivery_id"]
        self.heard_at_ms.setdefault(name, time.time_ns() // 1_000_000)
        if name in self._finals:
            self._say("delivery", **self._finals[name])
        elif self._order is None and self._lease[0] == name:
            self._order, self._moved_uws = record, 0.0
            self._spawn(self._deliver())

    async def _deliver(self) -> None:
        await asyncio.sleep(CONTACT_S)
        if self._order is None:
            return
        self.relay = "in" if self._order["role"] == "buyer" else "out"
        self._say("delivery", **self._report("closed"))
        self._say_status()
        while self._order is not None:
            await asyncio.sleep(PROGRESS_S)
            if self._order is not None:
                self._say("delivery", **self._report("progress"))

    def _finish(self, reason: str) -> None:
        final = self._report("final", reason)
        self._finals[final["delivery_id"]] = final
        self._order, self.relay, self.is_flowing = None, "open", False
        self._say("delivery", **final)
        self._say_status()
        self._spawn(self._sign(final))

    async def _sign(self, final: dict[str, Any]) -> None:
        await asyncio.sleep(SIGNING_S)
        role = records.ROLES.index(final["role"])
        name, energy, told = (
            final["delivery_id"], final["energy_uwh"], final["counterparty_uwh"],
        )  # fmt: skip
        signature = sign_report(self.account.own, name, role, energy, told).signature.hex()
        self._say(
            "signature", delivery_id=name, role=final["role"], energy_uwh=energy,
            counterparty_uwh=told, signature=signature,
        )  # fmt: skip

    def _packet(self, head: int, body: bytes) -> None:
        size, digits = len(body), bytearray()
        while True:
            size, digit = divmod(size, 128)
            digits.append(digit | (128 if size else 0))
            if not size:
                break
        self._writer.write(bytes([head]) + digits + body)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def flow(pairs: list[tuple[LightNode, LightNode]]) -> None:
    """Let current flow between the two of each pair while both are closed, until cancelled."""
    before_s = time.monotonic()
    while True:
        await asyncio.sleep(STEP_S)
        now_s = time.monotonic()
        for pair in pairs:
            is_flowing = all(node.is_closed for node in pair)
            for node in pair:
                node.is_flowing = is_flowing
                node.step(now_s - before_s)
        before_s = now_s
