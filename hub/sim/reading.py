"""Reads a scenario file: a path enters, a checked `Scenario` leaves.

Raises BadInput, naming the file, the table and the field, for anything that is wrong.
"""

from __future__ import annotations

import datetime
import tomllib
import zoneinfo
from pathlib import Path
from typing import Any

from hub.errors import BadInput
from hub.sim import schema
from hub.sim.assets import GRID, POOL
from hub.sim.clock import MINUTES_OF_DAY, Clock
from hub.sim.fields import nearest, read_table
from hub.sim.own_homes import OwnHomes
from hub.sim.reading_extras import check_forecast, event_of, network_of, shared_battery_of
from hub.sim.reading_peers import group_of, peer_of
from hub.sim.reading_wishes import with_wishes_found
from hub.sim.scenario import (
    BOOK_MECHANISMS,
    COMMUNITY_MECHANISMS,
    HABIT,
    PERFECT,
    Group,
    Market,
    Peer,
    Scenario,
    Tariffs,
    Weather,
)
from hub.sim.series import Series

DEFAULT_START = datetime.datetime(2017, 6, 5)
"""A Monday in June, in the year that the bundled homes were measured."""


def read_scenario(path: Path) -> Scenario:
    """Read and check a scenario file."""
    return scenario_of(read_raw(path), path)


def read_raw(path: Path) -> dict[str, Any]:
    """Return a scenario file's tables, unchecked."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput(f"{path}: cannot be read: {problem}") from problem
    except tomllib.TOMLDecodeError as problem:
        raise BadInput(f"{path}: is not TOML: {problem}") from problem


def scenario_of(raw: dict[str, Any], path: Path) -> Scenario:
    """Check a scenario given as a table; `path` names it and is where its CSV paths start."""
    for name in raw:
        if name not in schema.TOP:
            raise BadInput(f"{path}: unknown table {name!r}{nearest(name, schema.TOP)}")
    tables = schema.tables(path.parent)
    head = read_table(f"{path}, [scenario]", raw.get("scenario", {}), schema.SCENARIO)
    tariffs = _tariffs(path, raw, tables)
    weather = Weather(**read_table(f"{path}, [weather]", raw.get("weather", {}), tables["weather"]))
    market = _market(f"{path}, [market]", raw.get("market", {}), has_pool="pool" in raw)
    peers = tuple(
        peer_of(where, read_table(where, one, tables["peer"]))
        for where, one in _entries(path, raw, "peer")
    )
    groups = tuple(
        group_of(where, read_table(where, one, tables["group"]))
        for where, one in _entries(path, raw, "group")
    )
    _check_peers(path, peers, groups, weather)
    peers, groups = with_wishes_found(path, peers, groups)
    clock = _clock(path, head, _all_series(tariffs, weather, peers, groups))
    _check_carbon(path, market, tariffs)
    name = head["name"] or path.stem
    events = tuple(
        event_of(where, read_table(where, one, schema.EVENT))
        for where, one in _entries(path, raw, "event")
    )
    shared = shared_battery_of(f"{path}, [pool]", raw, market)
    network = network_of(f"{path}, [network]", raw)
    scenario = Scenario(
        name, path, clock, tariffs, weather, market, peers, groups, events, shared, network
    )
    _check_positions(path, scenario)
    check_forecast(path, scenario)
    return scenario


def _entries(path: Path, raw: dict[str, Any], kind: str) -> list[tuple[str, Any]]:
    entries = raw.get(kind, [])
    if not isinstance(entries, list):
        raise BadInput(f"{path}, [{kind}]: write [[{kind}]], with two brackets, once for each")
    named = []
    for number, one in enumerate(entries, start=1):
        name = one.get("name", number) if isinstance(one, dict) else number
        named.append((f"{path}, [[{kind}]] {name}", one))
    return named


def _tariffs(path: Path, raw: dict[str, Any], tables: dict[str, Any]) -> Tariffs:
    if "tariffs" not in raw:
        raise BadInput(f"{path}: the table [tariffs] is missing")
    values = read_table(f"{path}, [tariffs]", raw["tariffs"], tables["tariffs"])
    if values["feed_in_eur_per_kwh"] is None:
        where = f"{path}, [tariffs], feed_in_eur_per_kwh"
        values["feed_in_eur_per_kwh"] = Series(where, constant=0.0)
    return Tariffs(**values)


def _market(where: str, raw: Any, *, has_pool: bool) -> Market:
    values = read_table(where, raw, schema.MARKET)
    design, mechanism = values["design"], values["mechanism"]
    if design is None:
        is_trading = mechanism is not None or values["pooling"] or has_pool
        is_book = mechanism in BOOK_MECHANISMS
        design = ("centralised" if is_book else "community") if is_trading else "none"
    if design == "none" and values["pooling"]:
        design = "community"
    own = BOOK_MECHANISMS if design in ("centralised", "decentralised") else COMMUNITY_MECHANISMS
    if mechanism is None:
        mechanism = "continuous" if design == "decentralised" else own[0]
    if mechanism not in own and design != "none":
        raise BadInput(
            f"{where}, mechanism: {mechanism!r} is not of design {design!r}; choose one of "
            + ", ".join(own)
        )
    if values["forecast_ahead_slots"] is None:
        values["forecast_ahead_slots"] = Market.forecast_ahead_slots
    elif values["forecast"] == PERFECT:
        raise BadInput(f'{where}, forecast_ahead_slots: is of forecast = "{HABIT}"')
    return Market(**{**values, "design": design, "mechanism": mechanism})


def _check_peers(
    path: Path, peers: tuple[Peer, ...], groups: tuple[Group, ...], weather: Weather
) -> None:
    if not peers and not groups:
        raise BadInput(f"{path}: has no [[peer]] and no [[group]]")
    seen: set[str] = set()
    for peer in peers:
        if peer.name in seen:
            raise BadInput(f"{path}, [[peer]] {peer.name}: the name is taken")
        seen.add(peer.name)
        if peer.name in (GRID, POOL):
            raise BadInput(f"{path}, [[peer]] {peer.name}: the name stands for the {peer.name}")
        if peer.pv_area_m2 > 0 and weather.ghi_w_per_m2 is None:
            raise BadInput(
                f"{path}, [[peer]] {peer.name}, pv_area_m2: needs [weather] ghi_w_per_m2"
            )
        if peer.wind is not None and weather.wind_m_per_s is None:
            raise BadInput(f"{path}, [[peer]] {peer.name}, wind: needs [weather] wind_m_per_s")


def _check_positions(path: Path, scenario: Scenario) -> None:
    if scenario.market.network_eur_per_kwh_km == 0:
        return
    where = f"{path}, [market], network_eur_per_kwh_km"
    if scenario.groups:
        raise BadInput(f"{where}: homes of a [[group]] have no position; use [[peer]]")
    for peer in scenario.peers:
        if peer.position_m is None:
            raise BadInput(f"{where}: [[peer]] {peer.name} needs position = [x_m, y_m]")


def _check_carbon(path: Path, market: Market, tariffs: Tariffs) -> None:
    if market.carbon_eur_per_kg > 0 and tariffs.grid_co2_kg_per_kwh is None:
        raise BadInput(f"{path}, [market], carbon_eur_per_kg: needs [tariffs] grid_co2_kg_per_kwh")


def _all_series(
    tariffs: Tariffs, weather: Weather, peers: tuple[Peer, ...], groups: tuple[Group, ...]
) -> list[Series | OwnHomes]:
    values: list[Any] = [
        tariffs.retail_eur_per_kwh,
        tariffs.feed_in_eur_per_kwh,
        weather.ghi_w_per_m2,
        weather.wind_m_per_s,
        weather.temperature_c,
    ]
    for peer in peers:
        values += [peer.load_w, peer.pv_w, peer.hydro_w]
    values += [group.source for group in groups]
    for wishes in (peer.preferences for peer in (*peers, *(group.template for group in groups))):
        values += [wishes.highest_buying_eur_per_kwh, wishes.lowest_selling_eur_per_kwh]
        values.append(wishes.critical_w)
    return [one for one in values if isinstance(one, Series | OwnHomes)]


def _clock(path: Path, head: dict[str, Any], sources: list[Series | OwnHomes]) -> Clock:
    where = f"{path}, [scenario]"
    zone = head["timezone"]
    if zone is not None:
        try:
            zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            raise BadInput(f"{where}, timezone: no zone {zone!r}; one is Europe/Paris") from None
    lengths = [length for one in sources if (length := one.length()) is not None]
    day = MINUTES_OF_DAY // head["slot_minutes"]
    slots = head["slots"] or (min(lengths) if lengths else max(day, 1))
    begins = [moment for one in sources if (moment := one.begins()) is not None]
    start = head["start"] if head["start"] is not None else next(iter(begins), DEFAULT_START)
    return Clock(_start(where, start, zone), head["slot_minutes"], slots, zone)


def _start(where: str, value: Any, zone: str | None) -> datetime.datetime:
    """Return the local start; an offset is dropped, or turned into the scenario's zone."""
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            raise BadInput(f"{where}, start: {value!r} is not a date and time") from None
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            return value
        local = value if zone is None else value.astimezone(zoneinfo.ZoneInfo(zone))
        return local.replace(tzinfo=None)
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    raise BadInput(f"{where}, start: {value!r} is not a date and time")
