"""What a technician is asked for a new site; tables of site.toml and houses leave."""

from __future__ import annotations

import math
import socket
import zoneinfo
from pathlib import Path
from typing import Any

import click
from wire import topics

from hub.config import ROLE_NAMES, bench_houses
from hub.config_tables import COMMUNITY_PRICES, MARKET_KINDS, House
from hub.network_config import is_host

MOST_HOUSES = 200
GWEI_PER_COIN = 10**9
MOST_PRICE = 10**6


def ask() -> tuple[dict[str, dict[str, Any]], list[House]]:
    """Ask on the terminal; each answer is checked at once and asked again when it can't be."""
    click.echo("A new site; Enter takes what stands in brackets. All of it can be changed later.")
    kind = click.prompt(
        "Real boards, or a bench of virtual ones", type=click.Choice(["real", "bench"]),
        default="real",
    )  # fmt: skip
    name = click.prompt("The site's name", default=socket.gethostname())
    houses = _houses()
    tables: dict[str, dict[str, Any]] = {
        "site": {"name": name, "kind": kind},
        "clock": {"zone": click.prompt("Time zone", default=_zone_here(), value_proc=_zone)},
        "market": _market(),
    }
    if kind == "real":
        tables |= _real()
    return tables, houses


def _houses() -> list[House]:
    count = click.prompt("How many houses", type=click.IntRange(1, MOST_HOUSES), default=2)
    known: list[House] = []
    for proposed in bench_houses(count):
        name = click.prompt("  name", default=proposed.name, value_proc=_new_name(known))
        is_seller = click.confirm(f"  has {name} a generator or battery to sell from",
                                  default=proposed.kind == "prosumer")  # fmt: skip
        known.append(House(name, "prosumer" if is_seller else "consumer"))
    return known


def _new_name(known: list[House]) -> Any:
    def check(text: str) -> str:
        if not topics.is_node_name(text) or text in ROLE_NAMES:
            raise click.BadParameter("1 to 31 of a-z, 0-9 and '-', and not the name of a role")
        if any(house.name == text for house in known):
            raise click.BadParameter("stands there already")
        return text

    return check


def _market() -> dict[str, Any]:
    kind = click.prompt("Market", type=click.Choice(MARKET_KINDS), default=MARKET_KINDS[0])
    market: dict[str, Any] = {"kind": kind}
    if kind in ("community", "hybrid"):
        market["community_price"] = click.prompt(
            "Community price", type=click.Choice(COMMUNITY_PRICES), default=COMMUNITY_PRICES[0]
        )
    retail = click.prompt(
        "What the grid takes for a kWh", default=0.3, value_proc=_price(MOST_PRICE)
    )
    feed_in = click.prompt(
        "What the grid pays for a kWh", default=min(0.1, retail), value_proc=_price(retail)
    )
    market["retail_gwei_per_kwh"] = round(retail * GWEI_PER_COIN)
    market["feed_in_gwei_per_kwh"] = round(feed_in * GWEI_PER_COIN)
    return market


def _price(most: float) -> Any:
    def check(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 <= value <= most:  # neither is "nan"
            raise click.BadParameter(f"a number from 0 to {most:g}")
        return value

    return check


def _real() -> dict[str, dict[str, Any]]:
    click.echo("Boards reach this machine by its name or address on their network.")
    host = click.prompt("This machine's name or address there", value_proc=_host)
    wifi = click.prompt("WiFi network of the boards", default="trueque")
    has_panel = click.confirm("Is the panel (STOP, lamps) wired to this machine's pins",
                              default=Path("/dev/gpiochip0").exists())  # fmt: skip
    click.echo("The WiFi's password goes into keys.json (wifi_password).")
    return {
        "broker": {"listen": "0.0.0.0", "hosts": [host], "port": 8883},
        "ntp": {"port": 1123},
        "page": {"port": 8080},
        "boards": {"wifi_ssid": wifi},
        "panel": {"kind": "gpio" if has_panel else "page"},
    }


def _host(text: str) -> str:
    if not is_host(text) or text == "localhost" or text.startswith("127."):
        raise click.BadParameter(
            "a host's name or an IPv4 address by which boards find it, not this machine's own word "
            "for itself"
        )
    return text


def _zone(text: str) -> str:
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter("a time zone such as Europe/Madrid") from None
    return text


def _zone_here() -> str:
    """Return this machine's time zone, UTC where it can't be told."""
    target = Path("/etc/localtime")
    name = str(target.resolve()).partition("zoneinfo/")[2] if target.exists() else ""
    return name or "UTC"
