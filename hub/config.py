"""The site's configuration: `<data_dir>/site.toml` enters, frozen records with units leave.

The only place where the hub learns a setting. Nothing else reads files of settings or the
environment.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import re
import tomllib
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w
from wire import topics, units

from hub.errors import ConfigError
from hub.fields import field, read_table
from hub.network_config import Broker, Ntp, check_network

FILE_NAME = "site.toml"
_PUBLIC_KEY = re.compile("[0-9a-f]{128}")
ROLE_NAMES = ("hub", "administrator", "coordinator", "oracle")


MARKET_KINDS = (
    "decentralised",
    "uniform",
    "pay-as-bid",
    "midpoint",
    "mcafee",
    "community",
    "centralised",
    "hybrid",
)
COMMUNITY_PRICES = ("mid-market-rate", "supply-demand-ratio")


@dataclass(frozen=True)
class Site:
    """What the site is. `model_scale`: the DC side is a 1:n model of the homes."""

    name: str = field("bench")
    kind: str = field("bench", choices=("bench", "real"))
    model_scale: int = field(100, low=1, high=100_000)


@dataclass(frozen=True)
class House:
    """One house with its board: the name is also that of its node and of its peer."""

    name: str
    kind: str = field("consumer", choices=("prosumer", "consumer"))
    segment: str = field("bus-1")
    community: str = field("community-1")


@dataclass(frozen=True)
class Chain:
    port: int = field(0, low=0, high=65535)
    chain_id: int = field(1337, low=1, high=2**53)
    deposit_gwei: int = field(1_000_000_000, low=0, high=10**12)


@dataclass(frozen=True)
class Page:
    port: int = field(0, low=0, high=65535)


@dataclass(frozen=True)
class Panel:
    """Emergency stop, lamps and permit: keys on the page, or a Raspberry Pi's GPIO."""

    kind: str = field("page", choices=("page", "gpio"))


@dataclass(frozen=True)
class Boards:
    """Where provisioned boards' settings are written, relative to the data directory."""

    directory: str = field("boards")
    wifi_ssid: str = field("bench")
    relay_active_low: bool = field(False)
    reading_period_ms: int = field(1_000, low=200, high=900_000)
    snapshot_period_ms: int = field(900_000, low=10_000, high=900_000)
    update_key: str = field("")  # the technician's public key; without it no firmware by radio


@dataclass(frozen=True)
class Clock:
    """Site time: real time of `zone`, or on a bench a replayed time that runs `speed` times."""

    zone: str = field("America/Los_Angeles")
    start_local: datetime.datetime | None = field(None)
    speed: int = field(1, low=1, high=3600)


@dataclass(frozen=True)
class Schedule:
    """Trading windows. *daily*: site-local "HH:MM-HH:MM" pairs of bids and deliveries.

    *once*: one window, `once_bids_s` long, as soon as `once_nodes` boards are alive (0: all).
    """

    mode: str = field("daily", choices=("daily", "once", "none"))
    bids: tuple[str, ...] = field(("10:30-13:00", "14:00-16:30"))
    deliveries: tuple[str, ...] = field(("13:00-14:00", "16:30-17:30"))
    report_grace_s: int = field(120, low=5, high=86_400)
    resolve_grace_s: int = field(3_600, low=0, high=30 * 86_400)  # for a disputed trade
    once_bids_s: int = field(20, low=3, high=3600)
    once_nodes: int = field(0, low=0, high=10_000)


@dataclass(frozen=True)
class Market:
    """How houses trade (docs/markets.md): `kind` decides which windows a delivery has.

    `community_price`: how a community's prices follow from what it offers and wants. `approval`:
    who reviews the orders of a centralised market, a rule or a person. `k_permille`: where between
    offer and bid one price for all lies.
    """

    kind: str = field("decentralised", choices=MARKET_KINDS)
    community_price: str = field("mid-market-rate", choices=COMMUNITY_PRICES)
    approval: str = field("automatic", choices=("automatic", "manual"))
    k_permille: int = field(500, low=0, high=1000)
    retail_gwei_per_kwh: int = field(300_000_000, low=1, high=10**15)
    feed_in_gwei_per_kwh: int = field(100_000_000, low=0, high=10**15)
    min_price_gwei_per_kwh: int = field(1, low=1, high=10**15)
    max_price_gwei_per_kwh: int = field(10**12, low=1, high=10**15)
    min_energy_uwh: int = field(34_723, low=1, high=10**12)  # 100 blocks at the rated power
    max_energy_uwh: int = field(10**9, low=1, high=10**12)


@dataclass(frozen=True)
class Bus:
    """The DC bus and its deliveries (DESIGN.md section 5); limits are sent with each command."""

    nominal_uv: int = field(12_000_000, low=1_000_000, high=60_000_000)
    rated_power_uw: int = field(6_250_000, low=1_000, high=10**12)
    max_power_uw: int = field(12_000_000, low=1_000, high=10**12)
    exposure_permille: int = field(50, low=1, high=1000)
    loss_allowance_permille: int = field(50, low=0, high=500)
    turn_slack_permille: int = field(2000, low=1100, high=10_000)
    turn_overhead_ms: int = field(8_000, low=1_000, high=600_000)
    close_timeout_ms: int = field(5_000, low=500, high=60_000)
    # Never below a lease's life: a turn given up as silent must have opened by itself.
    silence_ms: int = field(12_000, low=units.NONCE_LIFE_MS + 1_000, high=600_000)
    # Then one meter's report goes alone; that of both may follow until report-by.
    signature_wait_ms: int = field(30_000, low=1_000, high=86_400_000)
    max_attempts: int = field(4, low=1, high=10)


@dataclass(frozen=True)
class SiteConfig:
    data_dir: Path
    site: Site
    houses: tuple[House, ...]
    broker: Broker
    ntp: Ntp
    chain: Chain
    page: Page
    panel: Panel
    boards: Boards
    clock: Clock
    schedule: Schedule
    market: Market
    bus: Bus

    @property
    def boards_dir(self) -> Path:
        return (self.data_dir / self.boards.directory).resolve()

    @property
    def store_path(self) -> Path:
        return self.data_dir / "store.db"

    @property
    def keys_path(self) -> Path:
        return self.data_dir / "keys.json"

    @property
    def tls_dir(self) -> Path:
        return self.data_dir / "tls"

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "log"

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.clock.zone)

    def house(self, name: str) -> House:
        """Return the house of that name. Raises KeyError."""
        for house in self.houses:
            if house.name == name:
                return house
        raise KeyError(name)


_TABLES: dict[str, type] = {
    "site": Site,
    "broker": Broker,
    "ntp": Ntp,
    "chain": Chain,
    "page": Page,
    "panel": Panel,
    "boards": Boards,
    "clock": Clock,
    "schedule": Schedule,
    "market": Market,
    "bus": Bus,
}


def load(data_dir: Path) -> SiteConfig:
    """Read `<data_dir>/site.toml`. Raises ConfigError naming every field that is wrong."""
    path = data_dir / FILE_NAME
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        hint = f"not found; make a site with: trueque hub init --data {data_dir}"
        raise ConfigError(str(path), [hint]) from None
    except OSError as problem:
        raise ConfigError(str(path), [str(problem.strerror)]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(str(path), [f"is not TOML: {problem}"]) from None
    return check(table, data_dir.resolve(), str(path))


def check(table: dict[str, Any], data_dir: Path, source: str = FILE_NAME) -> SiteConfig:
    """Turn a plain table into a SiteConfig. Raises ConfigError naming every wrong field."""
    problems: list[str] = [
        f"[{name}] is not known" for name in table if name not in _TABLES and name != "houses"
    ]
    parts: dict[str, Any] = {
        name: read_table(cls, table.get(name, {}), name, problems) for name, cls in _TABLES.items()
    }
    houses = _houses(table.get("houses", []), problems)
    if not problems:
        _check_together(parts, problems)
    if problems:
        raise ConfigError(source, problems)
    return SiteConfig(data_dir=data_dir, houses=houses, **parts)


def _houses(rows: object, problems: list[str]) -> tuple[House, ...]:
    if not isinstance(rows, list) or not rows:
        problems.append("[[houses]] must list at least one house")
        return ()
    found: list[House] = []
    for number, row in enumerate(rows, 1):
        house = read_table(House, row, f"houses[{number}]", problems)
        if house is None:
            continue
        if not topics.is_node_name(house.name) or house.name in ROLE_NAMES:
            problems.append(
                f"houses[{number}].name must be 1 to 31 of a-z, 0-9 and '-' and none of "
                f"{', '.join(ROLE_NAMES)}, not {house.name!r}"
            )
        elif any(house.name == other.name for other in found):
            problems.append(f"houses[{number}].name {house.name!r} stands twice")
        else:
            found.append(house)
    return tuple(found)


def _check_together(parts: dict[str, Any], problems: list[str]) -> None:
    """Check what only two fields together can violate."""
    clock, market, schedule = parts["clock"], parts["market"], parts["schedule"]
    try:
        zoneinfo.ZoneInfo(clock.zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        problems.append(f"clock.zone {clock.zone!r} is not a time zone such as America/Los_Angeles")
    check_network(parts["broker"], parts["ntp"], problems)
    if clock.speed != 1 and parts["site"].kind == "real":
        problems.append("clock.speed must be 1 on a real site")
    if clock.start_local is not None and clock.start_local.tzinfo is not None:
        problems.append("clock.start_local must have no zone of its own: clock.zone gives it")
    if market.feed_in_gwei_per_kwh > market.retail_gwei_per_kwh:
        problems.append("market.feed_in_gwei_per_kwh is above market.retail_gwei_per_kwh")
    for what in ("price_gwei_per_kwh", "energy_uwh"):
        if getattr(market, f"min_{what}") > getattr(market, f"max_{what}"):
            problems.append(f"market.min_{what} is above market.max_{what}")
    if market.kind in ("community", "hybrid") and (
        market.feed_in_gwei_per_kwh == market.retail_gwei_per_kwh
    ):
        problems.append(
            f"market.kind {market.kind!r} needs market.feed_in_gwei_per_kwh below "
            "market.retail_gwei_per_kwh"
        )
    if len(schedule.bids) != len(schedule.deliveries):
        problems.append("schedule.bids and schedule.deliveries must have the same length")
    if parts["boards"].update_key and not _PUBLIC_KEY.fullmatch(parts["boards"].update_key):
        problems.append("boards.update_key must be the 128 digits that trueque board keygen prints")
    for name in ("bids", "deliveries"):
        for text in getattr(schedule, name):
            try:
                span(text)
            except ValueError:
                problems.append(f"schedule.{name} {text!r} is not a span such as 10:30-13:00")


def span(text: str) -> tuple[datetime.time, datetime.time]:
    """Read "HH:MM-HH:MM" as [start, end). Raises ValueError."""
    first, _, second = text.partition("-")
    start, end = datetime.time.fromisoformat(first), datetime.time.fromisoformat(second)
    if start >= end:
        raise ValueError(text)
    return start, end


def bench_houses(count: int) -> tuple[House, ...]:
    """Return house-1..count: odd ones are prosumers, even ones consumers.

    The first half, and one more of an odd number, is one community, the others are another.
    """
    return tuple(
        House(
            f"house-{number}",
            "prosumer" if number % 2 else "consumer",
            community="community-1" if number <= (count + 1) // 2 else "community-2",
        )
        for number in range(1, count + 1)
    )


def write(data_dir: Path, houses: Sequence[House], **tables: dict[str, Any]) -> Path:
    """Write a new site.toml with every setting spelled out; `tables` overrides defaults.

    Raises ConfigError, and writes nothing, when a field is wrong or the file exists.
    """
    path = data_dir / FILE_NAME
    if path.exists():
        raise ConfigError(str(path), ["exists already; edit it, or choose another --data"])
    table: dict[str, Any] = {}
    for name, cls in _TABLES.items():
        values = {one.name: one.default for one in dataclasses.fields(cls)} | tables.get(name, {})
        table[name] = {key: _plain(value) for key, value in values.items() if value is not None}
    table["houses"] = [dataclasses.asdict(house) for house in houses]
    check(table, data_dir, str(path))
    fresh = path.with_suffix(".new")
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        fresh.write_text(tomli_w.dumps(table), encoding="utf-8")
        os.replace(fresh, path)  # in one step: half a site would look like a whole one
    except OSError as problem:
        raise ConfigError(str(path), [str(problem.strerror)]) from None
    return path


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
