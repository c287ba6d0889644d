"""The tables of site.toml: each a frozen record whose fields carry their bounds."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from wire import units

from hub.anchor.config import Anchor
from hub.fields import field
from hub.network_config import Broker, IngestSettings, Ntp
from hub.store_config import StoreSettings

GRID = "grid"  # the kind of a house that is none
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
    """One house with its board: the name is also that of its node and of its peer.

    A house of kind *grid* is none: its board stands where the bus meets the grid, its peer is the
    grid account of windows that have one. `priority`: the class the administrator grants (0: none).
    """

    name: str
    kind: str = field("consumer", choices=("prosumer", "consumer", GRID))
    segment: str = field("bus-1")
    community: str = field("community-1")
    # Who runs its home agent: the hub, a machine in the house (`trueque agent run`), or nobody.
    agent: str = field("hub", choices=("hub", "away", "none"))
    priority: int = field(0, low=0, high=255)
    # How its agent makes prices (docs/agents.md).
    strategy: str = field("truthful", choices=("truthful", "zero-intelligence", "adaptive"))


@dataclass(frozen=True)
class Chain:
    """The site's own chain, or with `url` one that others run (docs/chain.md)."""

    url: str = field("")  # of its JSON-RPC
    ws_url: str = field("")  # of its WebSocket where that is not at the same place
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
class Honesty:
    """More than this can't flow: a node that says so again and again is put into quarantine."""

    dc_power_uw: int = field(500_000_000, low=1_000, high=10**12)  # at PV and battery
    load_power_uw: int = field(25_000_000_000, low=1_000, high=10**12)


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

    nominal_uv: int = field(12_000_000, low=1_000_000, high=28_800_000)
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


TABLES: dict[str, type] = {
    "site": Site,
    "broker": Broker,
    "ntp": Ntp,
    "ingest": IngestSettings,
    "chain": Chain,
    "store": StoreSettings,
    "anchor": Anchor,
    "page": Page,
    "panel": Panel,
    "boards": Boards,
    "honesty": Honesty,
    "clock": Clock,
    "schedule": Schedule,
    "market": Market,
    "bus": Bus,
}
"""{name in site.toml: its record}; [[houses]] apart."""
