"""The scenario as records: what a run needs to know, already checked, nothing computed yet."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path

from hub.agent.strategies import STRATEGIES as STRATEGIES_OF_BIDDING
from hub.sim.assets import Appliance, Battery, EventWishes, Preferences, Vehicle, WindTurbine
from hub.sim.clock import Clock
from hub.sim.network.limits import Network
from hub.sim.own_homes import OwnHomes
from hub.sim.roof import Roof
from hub.sim.series import Series

DESIGNS = ("none", "community", "centralised", "decentralised", "hybrid")
COMMUNITY_MECHANISMS = ("mid-market-rate", "supply-demand-ratio", "bill-sharing")
BOOK_MECHANISMS = (
    "uniform",
    "pay-as-bid",
    "midpoint",
    "mcafee",
    "continuous",
    "bilateral",
    "preferred",
)
MECHANISMS = COMMUNITY_MECHANISMS + BOOK_MECHANISMS
STRATEGIES = ("none", "greedy", "optimal")
FINAL_SOC = ("free", "at_least_initial")
ORDERS = ("use-store-trade", "use-trade-store")
BIDDING = STRATEGIES_OF_BIDDING
PERFECT, HABIT = "perfect", "habit"
FORECASTS = (PERFECT, HABIT)


@dataclass(frozen=True)
class Tariffs:
    """The grid's prices in EUR/kWh per slot, and its carbon in kg/kWh where known."""

    retail_eur_per_kwh: Series
    feed_in_eur_per_kwh: Series
    feed_in_above_retail: str = "bound"
    grid_co2_kg_per_kwh: Series | None = None


@dataclass(frozen=True)
class Weather:
    """Irradiance on the modules and wind at hub height, where peers need them."""

    ghi_w_per_m2: Series | None = None
    wind_m_per_s: Series | None = None
    temperature_c: Series | None = None


@dataclass(frozen=True)
class Market:
    """Who meets whom (design), at which price (mechanism), and what is charged on top."""

    design: str = "none"
    mechanism: str = "mid-market-rate"
    pooling: bool = False
    k: float = 0.5
    compensation_eur_per_kwh: float = 0.0
    bidding: str = "truthful"
    seed: int = 1
    loss_permille: float = 0.0
    network_eur_per_kwh: float = 0.0
    network_eur_per_kwh_km: float = 0.0
    carbon_eur_per_kg: float = 0.0
    net_metering: bool = False
    elasticity: float = 1.0
    forecast: str = PERFECT
    forecast_ahead_slots: int = 1
    unit_wh: float = 10.0


@dataclass(frozen=True)
class Peer:
    """One house: its load, what it generates, stores and wants."""

    name: str
    load_w: Series
    battery: Battery = Battery()
    strategy: str = "none"
    final_soc: str = "free"
    pv_area_m2: float = 0.0
    pv_efficiency: float = 0.18
    pv_w: Series | None = None
    pv_roof: Roof | None = None
    pv_is_on: bool = True
    wind: WindTurbine | None = None
    hydro_w: Series | None = None
    hydro_is_on: bool = True
    load_min_w: float = 0.0
    load_max_w: float = float("inf")
    export_limit_w: float = float("inf")
    elastic_share: float = 0.0
    appliances: tuple[Appliance, ...] = ()
    vehicle: Vehicle | None = None
    preferences: Preferences = Preferences()
    community: str = ""
    position_m: tuple[float, float] | None = None
    wallet_eur: float = 0.0
    events: EventWishes = EventWishes()


@dataclass(frozen=True)
class Event:
    """A demand-response event in local time; `where` is for messages."""

    where: str
    name: str
    announced: datetime.datetime
    start: datetime.datetime
    end: datetime.datetime
    reward_eur_per_kwh: float
    asked_w: float | None = None
    baseline_days: int = 5


@dataclass(frozen=True)
class SharedBattery:
    """The community's battery (`hub.market.pool`): surplus is stored, others draw at a price."""

    battery: Battery
    price_eur_per_kwh: float
    fee_eur_per_kwh: float = 0.0


@dataclass(frozen=True)
class GroupVehicle:
    """The usual vehicle of a group's homes and the `share` that have one; standard deviations of
    arrival and departure, and of the logarithm of the need."""

    vehicle: Vehicle
    share: float = 1.0
    arrival_spread_minutes: float = 0.0
    departure_spread_minutes: float = 0.0
    need_spread: float = 0.0


@dataclass(frozen=True)
class GroupAppliance:
    """An appliance, the `share` of homes that have it, and the standard deviation of its times."""

    appliance: Appliance
    share: float = 1.0
    spread_minutes: float = 0.0


@dataclass(frozen=True)
class Group:
    """Many peers made from bundled homes or the user's own; `template` holds what they have in
    common.

    `source` "homes" repeats the bundled homes as they are, "stochastic" varies size, timing and
    hourly noise with `seed`. `prosumer_share` of them have PV of `pv_peak_w` on average (None:
    what the home had). Vehicles and appliances are drawn with `seed`.
    """

    template: Peer
    count: int
    source: str | OwnHomes = "stochastic"
    seed: int = 1
    homes: tuple[int, ...] = ()
    prosumer_share: float = 1.0
    pv_peak_w: float | None = None
    battery_share: float = 1.0
    vehicle: GroupVehicle | None = None
    appliances: tuple[GroupAppliance, ...] = ()

    @property
    def is_drawn(self) -> bool:
        """Tell whether its homes differ by chance from those they are made of."""
        own = self.source
        return own == "stochastic" if isinstance(own, str) else own.is_varied

    @property
    def is_shiftable(self) -> bool:
        """Tell whether an appliance of its homes may run at another time."""
        return any(one.appliance.shiftable_share > 0 for one in self.appliances)


@dataclass(frozen=True)
class Scenario:
    """All that a run needs."""

    name: str
    path: Path
    clock: Clock
    tariffs: Tariffs
    weather: Weather = Weather()
    market: Market = Market()
    peers: tuple[Peer, ...] = ()
    groups: tuple[Group, ...] = field(default=())
    events: tuple[Event, ...] = ()
    shared_battery: SharedBattery | None = None
    network: Network | None = None
