"""Mosquitto's files: a listener, accounts and limits enter; its configuration's text leaves.

What Mosquitto 2.0 has no setting for is the hub's: how often a node may speak (hub/mqtt/gate.py).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wire import topics

from hub.certificates import TlsFiles
from hub.guests import Guest, access_lines

HUB_USER = "hub"
# The hub's own account hears it again: after it nothing is left of what had waited.
ECHO_TOPIC = f"{topics.PREFIX}/{HUB_USER}/echo"
# Twice the protocol's limit: the hub itself still sees, refuses and counts what is too long.
MESSAGE_LIMIT_BYTES = 2048
HEADER_BYTES = 256  # of an MQTT packet: topic, properties
QUEUE_BYTES = 128 * 1024 * 1024
MEMORY_BYTES = 2 * QUEUE_BYTES
PASSWORD_ROUNDS = 101  # passwords are random and long: stretching adds nothing
SPARE_CONNECTIONS = 16  # technicians' clients and bridges
LONGEST_SOCKET_PATH = 100  # the kernel's limit is 108


@dataclass(frozen=True)
class Listener:
    """Where boards connect. `nodes`: how many there are, from which the connections follow."""

    host: str
    port: int
    tls: TlsFiles | None
    nodes: int

    @property
    def max_connections(self) -> int:
        """Twice the nodes: boards come back before their old connection is given up."""
        return 2 * self.nodes + SPARE_CONNECTIONS


def find_mosquitto() -> str | None:
    """Return the path of the Mosquitto program, None when it is not installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def password_line(user: str, password: str) -> str:
    """Return a line of Mosquitto's password file: PBKDF2-HMAC-SHA512, its kind 7."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PASSWORD_ROUNDS)
    parts = (base64.b64encode(salt).decode(), base64.b64encode(digest).decode())
    return f"{user}:$7${PASSWORD_ROUNDS}${parts[0]}${parts[1]}"


def hub_users(workers: int) -> list[str]:
    """Return the accounts of the hub and of its ingest workers; no node can have such a name."""
    return [HUB_USER, *(f"{HUB_USER}.{number}" for number in range(1, workers + 1))]


def access_list(users: Iterable[str] = (HUB_USER,), guests: Iterable[Guest] = ()) -> str:
    """Return Mosquitto's ACL: a node has its own topics only, the hub the other directions.

    `guests` have what each of them names.
    """
    prefix = topics.PREFIX
    lines = []
    for user in users:
        lines += [f"user {user}", f"topic readwrite {ECHO_TOPIC}"]
        lines += [f"topic read {prefix}/+/{kind}" for kind in topics.FROM_NODE]
        if user == HUB_USER:
            lines += [f"topic write {prefix}/+/{kind}" for kind in topics.TO_NODE]
        lines.append("")
    lines += [*access_lines(guests), ""]
    # %u is the account's name, which is the node's.
    lines += [f"pattern write {prefix}/%u/{kind}" for kind in topics.FROM_NODE]
    lines += [f"pattern read {prefix}/%u/{kind}" for kind in topics.TO_NODE]
    return "\n".join([*lines, ""])


def socket_path(directory: Path) -> Path | None:
    """Return where the hub's own socket lies, None when the path is too long for one."""
    path = directory / "hub.sock"
    return path if len(str(path)) <= LONGEST_SOCKET_PATH else None


def mosquitto_conf(directory: Path, listener: Listener, user: str | None) -> str:
    """Return the configuration; `user` is the account to stay in when started by root."""
    tls = listener.tls
    own = socket_path(directory)
    lines = [
        # A way of the hub's own: boards, or strangers, that take all connections of the other
        # listener don't keep it out.
        *([f"listener 0 {own}"] if own else []),
        f"listener {listener.port} {listener.host}",
        f"max_connections {listener.max_connections}",
        "max_qos 1",
        "max_topic_alias 0",
        *(
            [f"certfile {tls.server}", f"keyfile {tls.server_key}", "tls_version tlsv1.2"]
            if tls
            else []
        ),
        "allow_anonymous false",
        # Else a board could give the hub's or another board's client id and so end its session.
        "use_username_as_clientid true",
        f"password_file {directory / 'passwords'}",
        f"acl_file {directory / 'access'}",
        "persistence true",
        f"persistence_location {directory}/",
        "autosave_interval 60",
        # Who sends more is disconnected.
        f"max_packet_size {MESSAGE_LIMIT_BYTES + HEADER_BYTES}",
        f"memory_limit {MEMORY_BYTES}",
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
