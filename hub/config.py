"""The site's configuration: `<data_dir>/site.toml` enters, frozen records with units leave.

The only place where the hub learns a setting. Nothing else reads files of settings or the
environment.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import tomllib
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w
from wire import topics

from hub.anchor.config import Anchor, check_anchor
from hub.bridges.config import BridgesConfig, read_bridges
from hub.chain_config import check_chain
from hub.config_tables import (
    GRID,
    TABLES,
    Boards,
    Bus,
    Chain,
    Clock,
    Honesty,
    House,
    Market,
    Page,
    Panel,
    Schedule,
    Site,
)
from hub.errors import ConfigError
from hub.fields import read_table
from hub.kept_file import OPEN, write_whole
from hub.network_config import Broker, IngestSettings, Ntp, check_network
from hub.notices.config import Notices, read_notices
from hub.store.place import Place
from hub.store_config import StoreSettings, check_store

MOST_SSID_BYTES = 32  # IEEE 802.11
FILE_NAME = "site.toml"
_PUBLIC_KEY = re.compile("[0-9a-f]{128}")
ROLE_NAMES = ("hub", "administrator", "coordinator", "oracle", "market", "home")


@dataclass(frozen=True)
class SiteConfig:
    data_dir: Path
    site: Site
    houses: tuple[House, ...]
    broker: Broker
    ntp: Ntp
    ingest: IngestSettings
    chain: Chain
    store: StoreSettings
    anchor: Anchor
    page: Page
    panel: Panel
    boards: Boards
    honesty: Honesty
    clock: Clock
    schedule: Schedule
    market: Market
    bus: Bus
    notices: Notices
    bridges: BridgesConfig = BridgesConfig()

    @property
    def boards_dir(self) -> Path:
        return (self.data_dir / self.boards.directory).resolve()

    @property
    def store_path(self) -> Place:
        """A file, or a database's URL; either can be asked whether it `exists()`."""
        return self.store.place(self.data_dir)

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

    @property
    def grid(self) -> House | None:
        """The board at the grid's side of the bus, None where there is none."""
        return next((house for house in self.houses if house.kind == GRID), None)

    def house(self, name: str) -> House:
        """Return the house of that name. Raises KeyError."""
        for house in self.houses:
            if house.name == name:
                return house
        raise KeyError(name)


def load(data_dir: Path) -> SiteConfig:
    """Read `<data_dir>/site.toml`. Raises ConfigError naming every field that is wrong."""
    path = data_dir / FILE_NAME
    if not path.exists():
        hint = f"not found; make a site with: trueque hub init --data {data_dir}"
        raise ConfigError(str(path), [hint])
    return check(read_table_file(path), data_dir.resolve(), str(path))


def read_table_file(path: Path) -> dict[str, Any]:
    """Read a file of settings as it stands. Raises ConfigError when it is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ConfigError(str(path), [str(problem.strerror)]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(str(path), [f"is not TOML: {problem}"]) from None


def check(table: dict[str, Any], data_dir: Path, source: str = FILE_NAME) -> SiteConfig:
    """Turn a plain table into a SiteConfig. Raises ConfigError naming every wrong field."""
    problems: list[str] = [
        f"[{name}] is not known"
        for name in table
        if name not in TABLES and name not in ("houses", "bridges", "smtp", "notify")
    ]
    parts: dict[str, Any] = {
        name: read_table(cls, table.get(name, {}), name, problems) for name, cls in TABLES.items()
    }
    houses = _houses(table.get("houses", []), problems)
    names = [house.name for house in houses]
    parts["bridges"] = read_bridges(table.get("bridges", {}), names, problems)
    rows = table.get("notify", [])
    parts["notices"] = read_notices(table.get("smtp", {}), rows, names, problems)
    if not problems:
        _check_together(parts, problems)
        _check_segments(parts["market"].kind, houses, problems)
    if problems:
        raise ConfigError(source, problems)
    parts["broker"] = parts["broker"].resolved()
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
        elif not (house.segment and house.community):
            problems.append(f"houses[{number}]: segment and community must not be empty")
        else:
            found.append(house)
    grids = [house.name for house in found if house.kind == GRID]
    if len(grids) > 1:
        problems.append(f"houses: one board stands at the grid's side, not {' and '.join(grids)}")
    return tuple(found)


def _check_together(parts: dict[str, Any], problems: list[str]) -> None:
    """Check what only two fields together can violate."""
    clock, market, schedule = parts["clock"], parts["market"], parts["schedule"]
    try:
        zoneinfo.ZoneInfo(clock.zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        problems.append(f"clock.zone {clock.zone!r} is not a time zone such as America/Los_Angeles")
    check_store(parts["store"], problems)
    check_anchor(parts["anchor"], problems)
    check_network(parts["broker"], parts["ntp"], problems)
    check_chain(parts["chain"], problems)
    if not parts["site"].name.strip():
        problems.append("site.name must not be empty: the page and letters carry it")
    if len(parts["boards"].wifi_ssid.encode()) > MOST_SSID_BYTES:
        problems.append(f"boards.wifi_ssid has more than {MOST_SSID_BYTES} bytes: no network has")
    if parts["bus"].rated_power_uw > parts["bus"].max_power_uw:
        problems.append("bus.rated_power_uw is above bus.max_power_uw, at which boards open")
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


def _check_segments(kind: str, houses: Sequence[House], problems: list[str]) -> None:
    """A wire must join the houses whose book is cleared at once (hub/coordinator/groups.py)."""
    segments = sorted({house.segment for house in houses})
    if kind == "hybrid":
        for name in sorted({house.community for house in houses}):
            found = sorted({house.segment for house in houses if house.community == name})
            if len(found) > 1:
                told = f"community {name!r} has houses on bus segments {', '.join(found)}: no"
                problems.append(f"{told} energy flows between them; make it one for each")
    if len(segments) > 1 and any(house.kind == GRID for house in houses):
        problems.append("a house of kind 'grid' needs all houses on its bus segment")


def span(text: str) -> tuple[datetime.time, datetime.time]:
    """Read "HH:MM-HH:MM" as [start, end). Raises ValueError."""
    first, _, second = text.partition("-")
    start, end = datetime.time.fromisoformat(first), datetime.time.fromisoformat(second)
    if start >= end:
        raise ValueError(text)
    return start, end


def bench_houses(count: int, segments: int = 1, *, has_grid: bool = False) -> tuple[House, ...]:
    """Return house-1..count: odd ones are prosumers, even ones consumers.

    Pairs of both go to the segments in turn. Communities are the segments; of one, its halves.
    With a grid, one more board stands at its side, last and named so.
    """
    grid = (House(GRID, GRID, community=GRID),) if has_grid else ()
    halves = {number: 1 + (number > (count + 1) // 2) for number in range(1, count + 1)}
    of = {number: (number - 1) // 2 % segments + 1 for number in halves}
    houses = tuple(
        House(
            f"house-{number}",
            "prosumer" if number % 2 else "consumer",
            segment=f"bus-{of[number]}",
            community=f"community-{of[number] if segments > 1 else half}",
        )
        for number, half in halves.items()
    )
    return houses + grid


def check_new(
    data_dir: Path, houses: Sequence[House], tables: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Return the whole table of a new site, every setting spelled out.

    Raises ConfigError when a field is wrong or the site exists.
    """
    path = data_dir / FILE_NAME
    if path.exists():
        raise ConfigError(str(path), ["exists already; edit it, or choose another --data"])
    table: dict[str, Any] = {name: given for name, given in tables.items() if name not in TABLES}
    for name, cls in TABLES.items():
        values = {one.name: one.default for one in dataclasses.fields(cls)} | tables.get(name, {})
        table[name] = {key: _plain(value) for key, value in values.items() if value is not None}
    table["houses"] = [dataclasses.asdict(house) for house in houses]
    check(table, data_dir, str(path))
    return table


def write(data_dir: Path, houses: Sequence[House], **tables: dict[str, Any]) -> Path:
    """Write a new site.toml; `tables` overrides defaults.

    Raises ConfigError, and writes nothing, when a field is wrong or the file exists.
    """
    path = data_dir / FILE_NAME
    table = check_new(data_dir, houses, tables)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        write_whole(path, tomli_w.dumps(table), OPEN)  # half a site would look like a whole one
    except OSError as problem:
        raise ConfigError(str(path), [str(problem.strerror)]) from None
    return path


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
