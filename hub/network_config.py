"""How boards reach the hub: the tables [broker] and [ntp] of site.toml and what must hold there."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from hub.fields import field

HOST = "127.0.0.1"
_NAME = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")


@dataclass(frozen=True)
class Broker:
    """Port 0 takes a free one and keeps it while nobody else does."""

    kind: str = field("auto", choices=("auto", "mosquitto", "embedded"))
    port: int = field(0, low=0, high=65535)
    tls: bool = field(True)
    listen: str = field(HOST)
    # Names and addresses by which boards reach it; the first goes to their settings.
    hosts: tuple[str, ...] = field((HOST,))
    # Above it a node is put out for a while; a board in a delivery sends 11 a second.
    node_rate_per_s: int = field(50, low=20, high=10_000)


@dataclass(frozen=True)
class Ntp:
    """The time boards set their clocks by; port 0 as above. Not served: by chrony at `port`."""

    serve: bool = field(True)
    port: int = field(0, low=0, high=65535)


def check_network(broker: Broker, ntp: Ntp, problems: list[str]) -> None:
    """Name what two settings together violate, and hosts that are none."""
    if not is_host(broker.listen) or not broker.listen[-1].isdigit():
        problems.append(f"broker.listen {broker.listen!r} is not an IPv4 address of this machine")
    elif broker.listen != HOST and not broker.tls:
        problems.append("broker.tls must be true where others can listen: see broker.listen")
    if not broker.hosts:
        problems.append("broker.hosts must name at least one address")
    for host in broker.hosts:
        if not is_host(host):
            problems.append(f"broker.hosts {host!r} is neither a host's name nor an IPv4 address")
    if not ntp.serve and not ntp.port:
        problems.append("ntp.port must say where boards find the time when ntp.serve is false")


def is_host(text: str) -> bool:
    """Tell whether `text` can be a host's name, or is an IPv4 address."""
    if text.replace(".", "").isdigit():
        try:
            return bool(ipaddress.IPv4Address(text))
        except ValueError:
            return False
    return len(text) <= 253 and _NAME.fullmatch(text) is not None
