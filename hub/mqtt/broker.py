"""The message broker: Mosquitto with one account and an access list, or the embedded broker.

Ports, accounts and passwords enter; a supervised process listening on loopback leaves.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import tomli_w
from wire import topics

from hub.certificates import TlsFiles
from hub.errors import BrokerDown, PartMissing, PortInUse
from hub.processes import Child, is_port_open

HOST = "127.0.0.1"
HUB_USER = "hub"
START_TIMEOUT_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
STEADY_S = 30.0  # a broker that ran this long is not in a loop of crashes
# Twice the protocol's limit: the hub itself still sees, refuses and counts what is too long.
MESSAGE_LIMIT_BYTES = 2048
QUEUE_BYTES = 128 * 1024 * 1024
PASSWORD_ROUNDS = 101  # passwords are random and long: stretching adds nothing


def find_mosquitto() -> str | None:
    """Return the path of the Mosquitto program, None when it is not installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def password_line(user: str, password: str) -> str:
    """Return a line of Mosquitto's password file: PBKDF2-HMAC-SHA512, its kind 7."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PASSWORD_ROUNDS)
    parts = (base64.b64encode(salt).decode(), base64.b64encode(digest).decode())
    return f"{user}:$7${PASSWORD_ROUNDS}${parts[0]}${parts[1]}"


def access_list() -> str:
    """Return Mosquitto's ACL: a node has its own topics only, the hub the other directions."""
    prefix = topics.PREFIX
    hub = [f"user {HUB_USER}"]
    hub += [f"topic read {prefix}/+/{kind}" for kind in topics.FROM_NODE]
    hub += [f"topic write {prefix}/+/{kind}" for kind in topics.TO_NODE]
    # %u is the account's name, which is the node's.
    node = [f"pattern write {prefix}/%u/{kind}" for kind in topics.FROM_NODE]
    node += [f"pattern read {prefix}/%u/{kind}" for kind in topics.TO_NODE]
    return "\n".join([*hub, "", *node, ""])


def mosquitto_conf(
    directory: Path, listener: tuple[str, int], user: str | None, tls: TlsFiles | None
) -> str:
    """Return the configuration; `user` is the account to stay in when started by root."""
    host, port = listener
    lines = [
        f"listener {port} {host}",
        *([f"certfile {tls.server}", f"keyfile {tls.server_key}"] if tls else []),
        "allow_anonymous false",
        # Else a board could give the hub's or another board's client id and so end its session.
        "use_username_as_clientid true",
        f"password_file {directory / 'passwords'}",
        f"acl_file {directory / 'access'}",
        "persistence true",
        f"persistence_location {directory}/",
        "autosave_interval 60",
        f"message_size_limit {MESSAGE_LIMIT_BYTES}",
        "set_tcp_nodelay true",
        "max_inflight_messages 500",
        # Finals wait here for a hub that is away; a day of readings of many boards fits beside.
        "max_queued_messages 1000000",  # not 0: Mosquitto 2.0.11 then drops clients
        f"max_queued_bytes {QUEUE_BYTES}",
        "max_keepalive 120",
        "persistent_client_expiration 7d",
        "connection_messages false",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
    ]
    if user is not None:
        lines.append(f"user {user}")
    return "\n".join(lines) + "\n"


def embedded_conf(
    listener: tuple[str, int], passwords: Mapping[str, str], tls: TlsFiles | None
) -> str:
    """Return rumqttd's configuration: accounts, no anonymous access."""
    connections = {
        "connection_timeout_ms": 10_000,
        "max_payload_size": MESSAGE_LIMIT_BYTES,
        "max_inflight_count": 500,
        "dynamic_filters": False,
        "auth": dict(passwords),
    }
    router = {
        "id": 0,
        "max_connections": 2_000,
        "max_outgoing_packet_count": 200,
        "max_segment_size": 1_048_576,
        "max_segment_count": 10,
    }
    server: dict[str, object] = {
        "name": "boards",
        "listen": f"{listener[0]}:{listener[1]}",
        "next_connection_delay_ms": 1,
        "connections": connections,
    }
    if tls is not None:
        server["tls"] = {"certpath": str(tls.server), "keypath": str(tls.server_key)}
    return tomli_w.dumps({"id": 0, "router": router, "v4": {"1": server}})


# Runs in the child: the native broker has no way to stop, so it needs a process of its own.
_EMBEDDED = (
    "import sys; from iotcore import IotCoreBroker; "
    "IotCoreBroker(config_path=sys.argv[1]).run_forever()"
)


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


class Broker:
    """One broker process, restarted with growing pauses when it ends by itself.

    `kind` "auto" prefers Mosquitto. `passwords`: account -> password, the hub's among them.
    `tls`: the certificate it shows; None for plain MQTT. `listen`: the address it listens on.
    """

    def __init__(
        self,
        kind: str,
        port: int,
        directory: Path,
        passwords: Mapping[str, str],
        tls: TlsFiles | None = None,
        listen: str = HOST,
    ) -> None:
        self.port = port
        self.tls = tls
        self.listen = listen
        self.directory = directory.resolve()
        self._passwords = passwords
        self._mosquitto = None if kind == "embedded" else find_mosquitto()
        if kind == "mosquitto" and self._mosquitto is None:
            raise PartMissing(
                "broker.kind is mosquitto, but Mosquitto is not installed; "
                "run: sudo apt install mosquitto, or set broker.kind to auto in site.toml"
            )
        self._child: Child | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self.restarts = 0

    @property
    def kind(self) -> str:
        """Return mosquitto or embedded."""
        return "embedded" if self._mosquitto is None else "mosquitto"

    @property
    def sentence(self) -> str:
        """Say which broker runs, and what it cannot do."""
        where = f"{self.listen}:{self.port} with {'TLS' if self.tls else 'plain MQTT (no TLS)'}"
        if self._mosquitto is not None:
            return f"Mosquitto on {where}, one account and access list per board"
        return (
            f"embedded broker on {where} (Mosquitto is not installed): accounts, but "
            "no access list per board and nothing kept over a restart"
        )

    @property
    def host(self) -> str:
        """Return the address under which this machine itself reaches it."""
        return HOST if self.listen in (HOST, "0.0.0.0") else self.listen

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.is_running

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid

    async def start(self, say: Callable[[str], None] = lambda text: None) -> None:
        """Start and wait until it listens. Raises PortInUse or BrokerDown."""
        if is_port_open(self.port, self.host):
            raise PortInUse("broker", self.port, "broker.port")
        await self._start_once()
        self._supervisor = asyncio.create_task(self._supervise(say), name="broker supervisor")

    async def stop(self) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None
        if self._child is not None:
            await self._child.stop()

    async def show_new_certificate(self) -> None:
        """Take up a renewed certificate; only the embedded broker drops its connections for it."""
        if self._child is None or not self._child.is_running:
            return
        if self._mosquitto is not None:
            self._child.hang_up()
        else:
            await self._child.stop()  # the supervisor starts it again

    def _argv(self) -> list[str]:
        """Write the configuration and return the command line that uses it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._mosquitto is None:
            path = self.directory / "embedded.toml"
            listener = (self.listen, self.port)
            _write_secret(path, embedded_conf(listener, self._passwords, self.tls))
            return [sys.executable, "-c", _EMBEDDED, str(path)]
        lines = [password_line(user, word) for user, word in self._passwords.items()]
        _write_secret(self.directory / "passwords", "\n".join(lines) + "\n")
        _write_secret(self.directory / "access", access_list())
        path = self.directory / "mosquitto.conf"
        # Started by root, Mosquitto would change to an account that cannot read this directory.
        user = "root" if os.geteuid() == 0 else None
        conf = mosquitto_conf(self.directory, (self.listen, self.port), user, self.tls)
        path.write_text(conf, encoding="utf-8")
        return [self._mosquitto, "-c", str(path)]

    async def _start_once(self) -> None:
        child = Child("broker", self._argv(), log_path=self.directory / "broker.log")
        await child.start()
        self._child = child
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
        while not is_port_open(self.port, self.host):
            if not child.is_running or asyncio.get_running_loop().time() > deadline:
                await child.stop()
                tail = child.log_tail(5)
                raise BrokerDown(f"{self.kind} did not start; its log ends:\n{tail}")
            await asyncio.sleep(0.02)

    async def _supervise(self, say: Callable[[str], None]) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            assert self._child is not None
            started_s = asyncio.get_running_loop().time()
            code = await self._child.wait()
            if asyncio.get_running_loop().time() - started_s > STEADY_S:
                pause_s = FIRST_PAUSE_S
            self.restarts += 1
            say(f"broker ended with code {code}; starting it again in {pause_s:g} s")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            try:
                await self._start_once()
            except BrokerDown as problem:
                say(str(problem))
