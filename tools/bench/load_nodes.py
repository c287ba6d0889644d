"""Many nodes' connections in one cheap process: broker, passwords and keys enter, readings leave.

Every node has its own TLS connection, phase and growing numbers, and signs each reading when it is
due; `t_ms` is the moment it was due, so a sender that is late makes the latency worse, not better.
Told by one JSON object on standard input; says one JSON object a line on standard output.
"""

from __future__ import annotations

import contextlib
import gc
import hmac
import json
import random
import resource
import select
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from typing import Any

from wire import codec, records, topics

KEEPALIVE_S = 120
ACCEPTED = b"\x20\x02\x00\x00"
CONNECT_TIMEOUT_S = 30.0
LAST_ANSWERS_S = 20.0
FIRST_SEQ = 1_000_000  # behind those of a store that is not empty
UW_MS_PER_UWH = 3_600_000


def prosumer_reading() -> dict[str, Any]:
    """Return a reading of a house at noon with every sensor fitted but the frequency's."""
    record = dict.fromkeys(member.name for member in records.SCHEMAS["reading"])
    ports = {
        "bus": (12_031_000, 0, 0, 120_034_551, 98_335_027),
        "pv": (18_204_113, 1_120_553, 20_398_665, 12, 9_120_445_201),
        "battery": (12_688_021, -655_320, -8_314_722, 5_220_334_120, 4_988_120_367),
        "load": (None, 4_233_180, None, None, None),
    }
    names = ("voltage_uv", "current_ua", "power_uw", "import_uwh", "export_uwh")
    for port, values in ports.items():
        record |= {f"{port}_{name}": value for name, value in zip(names, values, strict=True)}
    return record | {
        "boot_id": 3_405_691_582,
        "seq": FIRST_SEQ,
        "t_ms": 1_800_000_000_000,
        "load_apparent_uva": 931_299_600,
        "load_apparent_uvah": 8_871_203_456,
        "load_frequency_uhz": 50_012_345,
        "quality_flags": 0,
    }


class Pen:
    """Writes one node's signed readings: number and time change, and registers rise with power."""

    CHANGING = ("seq", "t_ms", "pv_export_uwh", "battery_export_uwh")

    def __init__(self, node: str, key: bytes) -> None:
        self.topic = topics.topic(node, "reading")
        self._key = key
        self._before = self.topic.encode() + b"\x00"
        self._record = record = prosumer_reading()
        self._start_ms: int | None = None
        whole = codec.encode(self.topic, record, key)
        rest, parts = whole[: whole.rindex(b',"mac":"')], []
        for name in self.CHANGING:
            head, rest = rest.split(f'"{name}":{record[name]}'.encode())
            parts.append(head.replace(b"%", b"%%") + f'"{name}":%d'.encode())
        self._form = b"".join(parts) + rest
        if self._written([record[name] for name in self.CHANGING]) != whole:
            raise AssertionError("the quick way writes something else than wire does")

    def payload(self, seq: int, t_ms: int) -> bytes:
        """Return the payload that wire would write."""
        if self._start_ms is None:
            self._start_ms = t_ms
        passed_ms = t_ms - self._start_ms
        registers = [
            self._record[f"{port}_export_uwh"]
            + passed_ms * abs(self._record[f"{port}_power_uw"]) // UW_MS_PER_UWH
            for port in ("pv", "battery")
        ]
        return self._written([seq, t_ms, *registers])

    def _written(self, values: list[int]) -> bytes:
        covered = self._form % tuple(values)
        code = hmac.digest(self._key, self._before + covered, "sha256")[:16]
        return b'%s,"mac":"%s"}' % (covered, code.hex().encode())


class Node:
    """One connection: connects as it is made, then `send` and `read` never block."""

    def __init__(self, name: str, password: str, key: bytes, address: tuple[str, int],
                 context: ssl.SSLContext | None) -> None:  # fmt: skip
        self.pen = Pen(name, key)
        self.sent = self._answered_bytes = 0
        self._waiting = b""
        topic = self.pen.topic.encode()
        self._topic = len(topic).to_bytes(2, "big") + topic
        plain = socket.create_connection(address, CONNECT_TIMEOUT_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket: Any = plain
        if context is not None:
            self.socket = context.wrap_socket(plain, server_hostname=address[0])
        self.socket.sendall(_connect_packet(name, password))
        answer = self.socket.recv(4)
        if answer != ACCEPTED:
            raise ConnectionError(f"{name} was refused: {answer!r}")
        self.socket.setblocking(False)

    @property
    def acknowledged(self) -> int:
        """How many readings the broker has taken; an acknowledgement has four bytes."""
        return self._answered_bytes // 4

    def send(self, t_ms: int) -> None:
        """Publish the next reading with QoS 1."""
        number = self.sent + FIRST_SEQ
        packet_id = (self.sent % 65_535 + 1).to_bytes(2, "big")
        body = self._topic + packet_id + self.pen.payload(number, t_ms)
        self.sent += 1
        self.flush(b"\x32" + _length(len(body)) + body)

    def flush(self, more: bytes = b"") -> None:
        """Write what waits; what the socket does not take goes on waiting."""
        self._waiting += more
        with contextlib.suppress(ssl.SSLWantWriteError, BlockingIOError):
            while self._waiting:
                self._waiting = self._waiting[self.socket.send(self._waiting) :]

    def read(self) -> None:
        """Count acknowledgements: nothing else is sent to a node here."""
        with contextlib.suppress(ssl.SSLWantReadError, BlockingIOError):
            while True:
                got = self.socket.recv(4096)
                if not got:
                    raise ConnectionError(f"{self.pen.topic}: the broker closed the connection")
                self._answered_bytes += len(got)


def _connect_packet(name: str, password: str) -> bytes:
    fields = (name.encode(), name.encode(), password.encode())
    rest = b"".join(len(one).to_bytes(2, "big") + one for one in fields)
    # Protocol 4 (MQTT 3.1.1); user, password, clean session.
    body = b"\x00\x04MQTT\x04\xc2" + KEEPALIVE_S.to_bytes(2, "big") + rest
    return b"\x10" + _length(len(body)) + body


def _length(number: int) -> bytes:
    """Return MQTT's remaining length (3.1.1, 2.2.3)."""
    parts = bytearray()
    while True:
        number, digit = divmod(number, 128)
        parts.append(digit | (128 if number else 0))
        if not number:
            return bytes(parts)


def _connect_all(task: Mapping[str, Any]) -> list[Node]:
    context = ssl.create_default_context(cafile=task["authority"]) if task["authority"] else None
    address = (task["host"], task["port"])
    return [
        Node(one["name"], one["password"], bytes.fromhex(one["key"]), address, context)
        for one in task["nodes"]
    ]


def _run(
    nodes: list[Node], start_s: float, seconds: int, period_s: float, rng: random.Random
) -> float:
    """Send for so long; return by how much the sender was late at most, in s."""
    poll = select.epoll()
    by_number = {node.socket.fileno(): node for node in nodes}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    phases = sorted((rng.random() * period_s, index) for index in range(len(nodes)))
    latest_s = 0.0
    rounds = int(seconds / period_s)
    for turn in range(rounds):
        for phase_s, index in phases:
            due_s = start_s + turn * period_s + phase_s
            while (left_s := due_s - time.time()) > 0.0005:
                _read(poll, by_number, left_s)
            latest_s = max(latest_s, -left_s)
            nodes[index].send(int(due_s * 1000))
    deadline = time.time() + LAST_ANSWERS_S
    while any(node.acknowledged < node.sent for node in nodes) and time.time() < deadline:
        for node in nodes:
            node.flush()
        _read(poll, by_number, 0.05)
    return latest_s


def _read(poll: select.epoll, nodes: Mapping[int, Node], timeout_s: float) -> None:
    for number, _ in poll.poll(timeout_s):
        nodes[number].read()


def _say(**members: Any) -> None:
    print(json.dumps(members), flush=True)


def main() -> None:
    """Connect, say so, wait for the start, send, say what was sent."""
    task = json.loads(sys.stdin.readline())
    nodes = _connect_all(task)
    _say(connected=len(nodes))
    go = json.loads(sys.stdin.readline())
    gc.collect()
    gc.disable()  # nothing here is cyclic
    before = resource.getrusage(resource.RUSAGE_SELF)
    rng = random.Random(task["seed"])
    latest_s = _run(nodes, go["start_s"], go["seconds"], go["period_s"], rng)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    _say(
        sent=sum(node.sent for node in nodes),
        acknowledged=sum(node.acknowledged for node in nodes),
        cpu_s=cpu_s,
        late_ms=latest_s * 1000,
    )


if __name__ == "__main__":
    main()
