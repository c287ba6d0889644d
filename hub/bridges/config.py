"""The tables [bridges.*] of site.toml: which bridges are on, and what each needs to know.

A bridge is on when its table stands there. Keys of other services are secrets: they stand in
keys.json under "bridges", by the names that `secrets_needed` returns.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from wire import topics

from hub.fields import field, read_table

# Appendix A.2 of the thesis has PV voltage, current and power and the battery's voltage in these
# places; the four that it leaves free are filled with what else a house meters.
THESIS_FIELDS = (
    "pv_voltage_v",
    "pv_current_a",
    "pv_power_w",
    "load_apparent_va",
    "battery_voltage_v",
    "house_meter_w",
    "bus_import_wh",
    "bus_export_wh",
)
FREE_PLAN_PERIOD_S = 60  # five houses a minute are 7,200 of 8,200 messages a day
KINDS = ("tasmota", "tasmota-mqtt", "shelly-gen1", "shelly-gen2", "sonoff", "ewelink")
BENCH = "bench"  # as an address: wherever the virtual bench says that the plug is
_URL = re.compile(r"https?://[^\s/]+(/\S*)?")
_ADDRESS = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Channel:
    """A channel of ThingSpeak and the house that it shows."""

    house: str
    channel_id: int = field(0, low=1, high=10**12)


@dataclass(frozen=True)
class ThingSpeak:
    """One channel a house. `fields`: what goes into field1 to field8; "" leaves one out."""

    url: str = field("https://api.thingspeak.com")
    period_s: int = field(FREE_PLAN_PERIOD_S, low=15, high=86_400)
    fields: tuple[str, ...] = field(THESIS_FIELDS)
    history_points: int = field(120, low=2, high=2_000)
    history_period_s: int = field(300, low=60, high=86_400)
    channels: tuple[Channel, ...] = ()


@dataclass(frozen=True)
class Emoncms:
    url: str = field("https://emoncms.org")
    period_s: int = field(10, low=1, high=86_400)


@dataclass(frozen=True)
class HomeAssistant:
    """Announces the boards under `prefix` on the hub's own broker; `withdraw`: takes all back."""

    prefix: str = field("homeassistant")
    period_s: int = field(10, low=1, high=3_600)
    withdraw: bool = field(False)


@dataclass(frozen=True)
class MarketFeed:
    """Publishes windows, book and trades; one broker account for each of `readers`."""

    readers: tuple[str, ...] = field(("reader",))
    period_s: int = field(1, low=1, high=3_600)


@dataclass(frozen=True)
class Prometheus:
    """`/metrics` on the page's server."""


@dataclass(frozen=True)
class Sonoff:
    """`interface`: the address of this machine at which plugs are looked for; "": all of them."""

    interface: str = field("")


@dataclass(frozen=True)
class EwelinkCloud:
    """`region` becomes the account's own after the sign-in. `redirect_url`: as it stands in the
    application at eWeLink's developer site; it leads back to this hub's page."""

    region: str = field("us", choices=("us", "eu", "as", "cn"))
    redirect_url: str = field("http://127.0.0.1:8000/redirectUrl")
    sign_in_url: str = field("https://c2ccdn.coolkit.cc/oauth/index.html")
    api_url: str = field("https://{region}-apia.coolkit.cc")
    socket_url: str = field("https://{region}-dispa.coolkit.cc/dispatch/app")
    usage_period_s: int = field(3_600, low=60, high=86_400)


@dataclass(frozen=True)
class Plug:
    """A smart plug of a house (docs/bridges.md says what `address` is for each kind)."""

    name: str
    house: str
    kind: str = field("tasmota", choices=KINDS)
    address: str = field("")
    device_id: str = field("")
    channel: int = field(0, low=0, high=7)
    component: str = field("switch", choices=("switch", "em1"))  # of a Shelly Gen2
    period_s: int = field(5, low=1, high=3_600)
    is_house_meter: bool = field(False)
    can_switch: bool = field(True)
    is_flexible: bool = field(False)  # the house's agent may switch it
    scale_permille: int = field(1000, low=1, high=1_000_000)  # of POWR3 and DualR3: 10


@dataclass(frozen=True)
class BridgesConfig:
    """Which bridges are on; None is off."""

    thingspeak: ThingSpeak | None = None
    emoncms: Emoncms | None = None
    home_assistant: HomeAssistant | None = None
    market: MarketFeed | None = None
    prometheus: Prometheus | None = None
    sonoff: Sonoff | None = None
    ewelink: EwelinkCloud | None = None
    plugs: tuple[Plug, ...] = ()


_TABLES: dict[str, type] = {
    "thingspeak": ThingSpeak,
    "emoncms": Emoncms,
    "home_assistant": HomeAssistant,
    "market": MarketFeed,
    "prometheus": Prometheus,
    "sonoff": Sonoff,
    "ewelink": EwelinkCloud,
}


def read_bridges(
    found: object, houses: Collection[str], problems: list[str]
) -> BridgesConfig | None:
    """Check the table [bridges]; append one sentence to `problems` for every wrong field."""
    if not isinstance(found, Mapping):
        problems.append("[bridges] must be a table")
        return None
    before = len(problems)
    problems.extend(
        f"[bridges.{name}] is not known" for name in found if name not in (*_TABLES, "plugs")
    )
    parts: dict[str, Any] = {}
    for name, cls in _TABLES.items():
        if name not in found:
            continue
        plain, rows = found[name], None
        if name == "thingspeak" and isinstance(plain, Mapping):
            rows = plain.get("channels", [])
            plain = {key: value for key, value in plain.items() if key != "channels"}
        parts[name] = read_table(cls, plain, f"bridges.{name}", problems)
        if rows is not None and parts[name] is not None:
            channels = _rows(Channel, rows, "bridges.thingspeak.channels", problems)
            parts[name] = ThingSpeak(**{**vars(parts[name]), "channels": channels})
    plugs = _rows(Plug, found.get("plugs", []), "bridges.plugs", problems)
    if len(problems) > before:
        return None
    config = BridgesConfig(**parts, plugs=plugs)
    _check_together(config, houses, problems)
    return config


def _rows(cls: type, rows: object, path: str, problems: list[str]) -> tuple[Any, ...]:
    if not isinstance(rows, list):
        problems.append(f"[[{path}]] must be a list of tables")
        return ()
    found = (read_table(cls, row, f"{path}[{n}]", problems) for n, row in enumerate(rows, 1))
    return tuple(one for one in found if one is not None)


def _check_together(config: BridgesConfig, houses: Collection[str], problems: list[str]) -> None:
    for name in ("thingspeak", "emoncms"):
        part = getattr(config, name)
        if part is not None and not _URL.fullmatch(part.url):
            problems.append(f"bridges.{name}.url {part.url!r} is not an address such as https://…")
    if config.thingspeak is not None:
        _check_thingspeak(config.thingspeak, houses, problems)
    if config.home_assistant is not None and not _WORD.fullmatch(config.home_assistant.prefix):
        problems.append("bridges.home_assistant.prefix must be letters, digits, '-' or '_'")
    if config.home_assistant is not None and "homeassistant" in houses:
        problems.append("no house can be called homeassistant: that is an account of the broker")
    for reader in config.market.readers if config.market else ():
        if not topics.is_node_name(reader) or reader in (*houses, "hub", "homeassistant"):
            problems.append(
                f"bridges.market.readers {reader!r} must be 1 to 31 of a-z, 0-9 and '-', "
                "and no house's name"
            )
    for number, plug in enumerate(config.plugs, 1):
        _check_plug(plug, f"bridges.plugs[{number}]", config, problems, houses)


def _check_thingspeak(wanted: ThingSpeak, houses: Collection[str], problems: list[str]) -> None:
    from hub.bridges.quantities import QUANTITIES

    if len(wanted.fields) > 8:
        problems.append("bridges.thingspeak.fields must be at most eight")
    for name in wanted.fields:
        if name and name not in QUANTITIES:
            known = ", ".join(QUANTITIES)
            problems.append(f"bridges.thingspeak.fields {name!r} must be one of {known}, or ''")
    seen: set[str] = set()
    for channel in wanted.channels:
        if channel.house not in houses:
            problems.append(f"bridges.thingspeak.channels: there is no house {channel.house!r}")
        if channel.house in seen:
            problems.append(f"bridges.thingspeak.channels: {channel.house!r} stands twice")
        seen.add(channel.house)


def _check_plug(
    plug: Plug, path: str, config: BridgesConfig, problems: list[str], houses: Collection[str]
) -> None:
    if not topics.is_node_name(plug.name):
        problems.append(f"{path}.name must be 1 to 31 of a-z, 0-9 and '-', not {plug.name!r}")
    if [one.name for one in config.plugs].count(plug.name) > 1:
        problems.append(f"{path}.name {plug.name!r} stands twice")
    if plug.house not in houses:
        problems.append(f"{path}.house: there is no house {plug.house!r}")
    meters = [one for one in config.plugs if one.is_house_meter and one.house == plug.house]
    if plug.is_house_meter and len(meters) > 1:
        problems.append(f"{path}: {plug.house} has two house meters")
    if plug.is_house_meter and plug.is_flexible:
        problems.append(f"{path}: an agent that switches a house meter would darken the house")
    if plug.kind in ("tasmota", "shelly-gen1", "shelly-gen2") and not _ADDRESS.fullmatch(
        plug.address
    ):
        problems.append(f"{path}.address {plug.address!r} is not a host such as 192.168.1.7")
    if plug.kind == "tasmota-mqtt" and not _WORD.fullmatch(plug.address):
        problems.append(f"{path}.address must be the plug's topic at Tasmota, such as tasmota_1A2B")
    if plug.kind in ("sonoff", "ewelink") and not _WORD.fullmatch(plug.device_id):
        problems.append(f"{path}.device_id must be the device's id at eWeLink")
    if plug.kind == "ewelink" and config.ewelink is None:
        problems.append(f"{path}: a plug of kind ewelink needs the table [bridges.ewelink]")


def secrets_needed(config: BridgesConfig) -> list[str]:
    """Return the names under "bridges" in keys.json that the bridges which are on need."""
    names = []
    if config.thingspeak is not None:
        for channel in config.thingspeak.channels:
            names.append(f"thingspeak.{channel.house}.write_key")
    if config.emoncms is not None:
        names.append("emoncms.write_key")
    if config.ewelink is not None:
        names += ["ewelink.app_id", "ewelink.app_secret"]
    names += [f"sonoff.{one.device_id}.device_key" for one in config.plugs if one.kind == "sonoff"]
    return names


def secrets_known(config: BridgesConfig) -> list[str]:
    """Return the names of all keys that the bridges which are on can use."""
    names = secrets_needed(config)
    if config.thingspeak is not None:
        names += [f"thingspeak.{one.house}.read_key" for one in config.thingspeak.channels]
    names += [f"plug.{one.name}.password" for one in config.plugs if one.kind == "tasmota"]
    return names
