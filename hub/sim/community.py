"""The community as arrays: a scenario enters; load and generation of any block of slots, the
batteries, limits and tariffs leave. Arrays are (slots, peers); powers are means of the slot in W.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.errors import BadInput
from hub.sim import house_load
from hub.sim.clock import Clock
from hub.sim.idle_wishes import idle_wishes
from hub.sim.network.limits import Network
from hub.sim.plausible import magnitude_warnings
from hub.sim.population import Population
from hub.sim.roof import roof_power_w
from hub.sim.scenario import Market, Peer, Scenario, SharedBattery
from hub.sim.shortfall import shortfall
from hub.sim.spelt_out import names_of, spelt_out
from hub.sim.wishes import Wishes

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

W_PER_KW = 1000.0
USUAL_C = 20.0  # of the air where the scenario does not say


@dataclass(frozen=True)
class Inputs:
    """What comes from outside in a block of slots, (slots, peers), in W."""

    load_w: Values
    pv_w: Values
    other_w: Values  # wind and hydro

    @property
    def generation_w(self) -> Values:
        """Return all generation."""
        return self.pv_w + self.other_w


@dataclass(frozen=True)
class Storage:
    """The batteries, one entry a peer; energies in Wh, powers in W, capacity 0 is no battery."""

    lowest_wh: Values
    highest_wh: Values
    initial_wh: Values
    charge_efficiency: Values
    discharge_efficiency: Values
    self_discharge: Values
    charge_limit_w: Values
    discharge_limit_w: Values
    is_greedy: Flags
    is_optimal: Flags
    is_final_bounded: Flags
    trades_first: Flags  # sells and buys in the community before it uses the battery

    def of(self, chosen: npt.NDArray[np.integer[Any]]) -> Storage:
        """Return the entries of the peers at these places."""
        return Storage(**{name: getattr(self, name)[chosen] for name in self.__dataclass_fields__})


@dataclass(frozen=True)
class Tariff:
    """The grid's prices of each slot in EUR/kWh (carbon price included), and its carbon."""

    retail: Values
    feed_in: Values
    co2_kg_per_kwh: Values | None


@dataclass(frozen=True)
class Community:
    """Everything a run reads. `peers` are the [[peer]] entries; homes of groups follow them."""

    clock: Clock
    market: Market
    tariff: Tariff
    names: tuple[str, ...]
    communities: tuple[str, ...]
    peers: tuple[Peer, ...]
    explicit: Inputs
    populations: tuple[Population, ...]
    storage: Storage
    export_limit_w: Values
    wishes: Wishes
    shared_battery: SharedBattery | None = None
    network: Network | None = None
    warnings: tuple[str, ...] = ()
    vehicles_short_wh: Values | None = None  # of each peer, where there are vehicles
    path: Path = Path("scenario")

    def where(self, place: int) -> str:
        """Return how messages name a peer: the scenario's file and the peer's name."""
        kind = "[[peer]]" if place < len(self.peers) else "[[group]], home"
        return f"{self.path}, {kind} {self.names[place]}"

    @property
    def size(self) -> int:
        """Return the number of peers."""
        return len(self.names)

    def block(self, start: int, stop: int) -> Inputs:
        """Return the inputs of slots [start, stop)."""
        parts = [
            (self.explicit.load_w[start:stop], self.explicit.pv_w[start:stop]),
            *(one.block(start, stop) for one in self.populations),
        ]
        other_w = np.zeros((stop - start, self.size))
        other_w[:, : len(self.peers)] = self.explicit.other_w[start:stop]
        if len(parts) == 1:
            return Inputs(*parts[0], other_w)
        load_w, pv_w = (np.concatenate(side, axis=1) for side in zip(*parts, strict=True))
        return Inputs(load_w, pv_w, other_w)

    def with_load(self, load_w: Values) -> Community:
        """Return the community with another load of its [[peer]] entries."""
        return replace(self, explicit=replace(self.explicit, load_w=load_w))


def build(scenario: Scenario) -> Community:
    """Compute the arrays of a scenario. Raises BadInput where series do not fit."""
    tariff, warnings = _tariff(scenario)
    warnings += magnitude_warnings(scenario)
    warnings += idle_wishes(scenario)
    scenario = spelt_out(scenario)
    clock = scenario.clock
    explicit = _inputs(scenario)
    populations = tuple(Population(group, clock) for group in scenario.groups)
    names, members = [peer.name for peer in scenario.peers], list(scenario.peers)
    owners: list[bool] = [True] * len(members)
    for group, population in zip(scenario.groups, populations, strict=True):
        names += list(names_of(group, names))
        members += [group.template] * group.count
        owners += population.has_battery.tolist()
    short = shortfall(scenario, populations)
    return Community(
        clock=clock,
        market=scenario.market,
        tariff=tariff,
        names=tuple(names),
        communities=tuple(peer.community for peer in members),
        peers=scenario.peers,
        explicit=explicit,
        populations=populations,
        storage=_storage(members, owners),
        export_limit_w=np.array([peer.export_limit_w for peer in members]),
        wishes=Wishes(members, names, clock),
        shared_battery=scenario.shared_battery,
        network=scenario.network,
        warnings=(*warnings, *short.warnings),
        vehicles_short_wh=short.wh,
        path=scenario.path,
    )


def _tariff(scenario: Scenario) -> tuple[Tariff, list[str]]:
    clock, tariffs = scenario.clock, scenario.tariffs
    retail = tariffs.retail_eur_per_kwh.values(clock)
    feed_in = tariffs.feed_in_eur_per_kwh.values(clock)
    carbon = tariffs.grid_co2_kg_per_kwh
    co2 = None if carbon is None else carbon.values(clock)
    if co2 is not None:
        retail = retail + scenario.market.carbon_eur_per_kg * co2
    above = np.flatnonzero(feed_in >= retail)
    if not above.size:
        return Tariff(retail, feed_in, co2), []
    first = int(above[0])
    fault = (
        f"{tariffs.feed_in_eur_per_kwh.place(clock, first)}: {feed_in[first]:g} is not below the "
        f"retail price, {retail[first]:g} ({tariffs.retail_eur_per_kwh.place(clock, first)}), in "
        f"{above.size} slots, first {clock.label(first)}"
    )
    if tariffs.feed_in_above_retail == "refuse":
        raise BadInput(
            f"{fault}: a peer would earn by buying from the grid and selling to it at once, "
            "without bound"
        )
    bounded = f"{fault}: bounded to the retail price there, or buying from the grid to sell to it "
    return Tariff(retail, np.minimum(feed_in, retail), co2), [bounded + "would earn without bound"]


def _inputs(scenario: Scenario) -> Inputs:
    clock, weather = scenario.clock, scenario.weather
    shape = (clock.slots, len(scenario.peers))
    load_w, pv_w, other_w = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    ghi = weather.ghi_w_per_m2.values(clock) if weather.ghi_w_per_m2 else np.zeros(clock.slots)
    wind = weather.wind_m_per_s.values(clock) if weather.wind_m_per_s else np.zeros(clock.slots)
    for place, peer in enumerate(scenario.peers):
        load_w[:, place] = house_load.load_w(peer, clock)
        pv_w[:, place] = pv_power_w(peer, scenario, ghi) if peer.pv_is_on else 0.0
        if peer.wind is not None:
            other_w[:, place] += peer.wind.power_w(wind)
        if peer.hydro_w is not None and peer.hydro_is_on:
            other_w[:, place] += peer.hydro_w.values(clock)
    return Inputs(load_w, pv_w, other_w)


def pv_power_w(peer: Peer, scenario: Scenario, ghi: Values) -> Values:
    """Return the PV of one peer in each slot; `ghi` is zero where the scenario gives none."""
    clock, weather = scenario.clock, scenario.weather
    found = peer.pv_area_m2 * peer.pv_efficiency * ghi
    if peer.pv_w is not None:
        found = found + peer.pv_w.values(clock)
    if peer.pv_roof is not None:
        warmth = weather.temperature_c
        air_c = np.full(clock.slots, USUAL_C) if warmth is None else warmth.values(clock)
        sky = ghi if weather.ghi_w_per_m2 else None
        found = found + roof_power_w(clock, peer.pv_roof, sky, air_c)
    return found


def _storage(members: list[Peer], owners: list[bool]) -> Storage:
    batteries = [peer.battery for peer in members]
    owned = np.array(owners)
    capacity_wh = np.array([one.capacity_wh for one in batteries]) * owned
    has_battery = capacity_wh > 0
    strategies = np.array([peer.strategy for peer in members])

    def column(name: str) -> Values:
        return np.array([getattr(one, name) for one in batteries])

    return Storage(
        lowest_wh=capacity_wh * column("soc_min"),
        highest_wh=capacity_wh * column("soc_max"),
        initial_wh=capacity_wh * column("soc_initial"),
        charge_efficiency=column("charge_efficiency"),
        discharge_efficiency=column("discharge_efficiency"),
        self_discharge=column("self_discharge"),
        charge_limit_w=column("charge_limit_w"),
        discharge_limit_w=column("discharge_limit_w"),
        is_greedy=has_battery & (strategies == "greedy"),
        is_optimal=has_battery & (strategies == "optimal"),
        is_final_bounded=np.array([peer.final_soc == "at_least_initial" for peer in members]),
        trades_first=np.array([peer.preferences.order == "use-trade-store" for peer in members]),
    )
