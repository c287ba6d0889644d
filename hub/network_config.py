"""How boards reach the hub: the tables [broker] and [ntp] of site.toml and what must hold there."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from hub.certificates import BROKER_NAME
from hub.fields import field
from hub.mqtt.outside import place_of

HOST = "127.0.0.1"
_NAME = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")


@dataclass(frozen=True)
class Broker:
    """Port 0 takes a free one and keeps it while nobody else does.

    `url`: a broker that others run, as mqtts://host:port; `authority`: the PEM file of who signed
    for it, which boards get, too. The hub's account there stands in keys.json as `broker_account`.
    """

    url: str = field("")
    authority: str = field("")

    kind: str = field("auto", choices=("auto", "mosquitto", "embedded"))
    port: int = field(0, low=0, high=65535)
    tls: bool = field(True)
    listen: str = field(HOST)
    # Names and addresses by which boards reach it; the first goes to their settings.
    hosts: tuple[str, ...] = field((HOST,))
    # Above it a node is put out for a while; a board in a delivery sends 11 a second.
    node_rate_per_s: int = field(50, low=20, high=10_000)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the site's own certificate has."""
        return (self.listen, *self.hosts)

    @property
    def name_shown(self) -> str:
        """What boards want to read in the broker's certificate."""
        return self.hosts[0] if self.url else BROKER_NAME

    def resolved(self) -> Broker:
        """Return this with where boards connect taken from `url`, if there is one."""
        if not self.url:
            return self
        host, port, has_tls = place_of(self.url)
        return dataclasses.replace(self, hosts=(host,), port=port, tls=has_tls)


@dataclass(frozen=True)
class IngestSettings:
    """How many processes share the storing of readings; 0: the hub does it itself."""

    workers: int = field(0, low=0, high=16)


@dataclass(frozen=True)
class Ntp:
    """The time boards set their clocks by; port 0 as above. Not served: by chrony at `port`."""

    serve: bool = field(True)
    port: int = field(0, low=0, high=65535)


def check_network(broker: Broker, ntp: Ntp, problems: list[str]) -> None:
    """Name what two settings together violate, and hosts that are none."""
    if broker.url:
        _check_url(broker, problems)
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


def _check_url(broker: Broker, problems: list[str]) -> None:
    try:
        _, _, has_tls = place_of(broker.url)
    except ValueError:
        problems.append("broker.url must be mqtts://host:port (or mqtt:// on a closed network)")
        return
    if has_tls and not broker.authority:
        problems.append("broker.authority must name the PEM file of who signed for broker.url")
    if has_tls and broker.authority and not Path(broker.authority).is_file():
        problems.append(f"broker.authority {broker.authority!r} is not a file")


def is_host(text: str) -> bool:
    """Tell whether `text` can be a host's name, or is an IPv4 address."""
    if text.replace(".", "").isdigit():
        try:
            return bool(ipaddress.IPv4Address(text))
        except ValueError:
            return False
    return len(text) <= 253 and _NAME.fullmatch(text) is not None
