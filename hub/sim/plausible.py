"""Warns about magnitudes that suggest a mix-up of units: a scenario enters, sentences leave.

Each sentence names the row and column of a CSV file, else the scenario's table and field. What
counts is what was given, before the simulator adds anything to it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from hub.sim import magnitudes as usual
from hub.sim.assets import CATALOGUE, Appliance, Vehicle
from hub.sim.clock import Clock
from hub.sim.magnitudes import Usual
from hub.sim.own_homes import OwnHomes
from hub.sim.scenario import Group, Peer, Scenario
from hub.sim.series import Series

Given = tuple[str, float, Usual]
"""Where a number stands, the number, and what is usual."""

KW_OF_KIND = 100  # a kettle of less than a hundredth of the catalogue's is in kW
TYPICAL_W = 100.0  # of a device that is not in the catalogue; a clock takes 1 W
HOURS_OF_DAY = 24
COUNTS = "it never falls: is it a meter's count? Give what each slot took, as a mean in W"


def magnitude_warnings(scenario: Scenario) -> list[str]:
    """Return one sentence for each quantity whose magnitude is unlikely in its unit."""
    found = [*_of_series(scenario.clock, _series(scenario)), *_of_files(scenario)]
    for where, value, kind in _numbers(scenario):
        fault = kind.fault(value)
        found += [] if fault is None else [f"{where}: {fault}"]
    for where, appliance in _appliances(scenario):
        found += _of_appliance(where, appliance)
    return found


def _of_series(clock: Clock, given: Iterator[tuple[Series, Usual]]) -> Iterator[str]:
    for series, kind in given:
        if series.home is not None or series.latitude_deg is not None:
            continue  # bundled: their units are ours
        values = series.values(clock)
        fault = kind.fault(float(values.max()))
        if fault is not None:
            yield f"{series.place(clock, int(np.argmax(values)))}: {fault}"
        if series.csv is not None and kind in usual.POWERS and _counts(clock, values):
            yield f"{series.place(clock, clock.slots - 1)}: {COUNTS}"


def _of_files(scenario: Scenario) -> Iterator[str]:
    """Return one sentence a column of the groups' own files."""
    clock = scenario.clock
    for group in scenario.groups:
        own = group.source
        if not isinstance(own, OwnHomes):
            continue
        for values_w, is_pv in ((own.loads_w(clock), False), (own.pvs_w(clock), True)):
            largest_w = np.zeros(0) if values_w is None else values_w.max(axis=0)
            for number, value in enumerate(largest_w.tolist()):
                fault = usual.POWER.fault(value)
                if fault is not None and values_w is not None:
                    slot = int(values_w[:, number].argmax())
                    yield f"{own.place(clock, slot, number, is_pv=is_pv)}: {fault}"
            for number in range(len(largest_w)):
                if values_w is not None and _counts(clock, values_w[:, number]):
                    yield f"{own.place(clock, clock.slots - 1, number, is_pv=is_pv)}: {COUNTS}"


def _counts(clock: Clock, values: npt.NDArray[np.float64]) -> bool:
    """Return whether values look like a meter's count: over a day or more they rise only."""
    lasts_a_day = clock.slots * clock.slot_hours >= HOURS_OF_DAY
    steps = np.diff(values)
    return lasts_a_day and bool((steps >= 0).all() and 2 * np.count_nonzero(steps) > len(steps))


def _series(scenario: Scenario) -> Iterator[tuple[Series, Usual]]:
    tariffs, weather = scenario.tariffs, scenario.weather
    given = [
        (tariffs.retail_eur_per_kwh, usual.RETAIL),
        (tariffs.feed_in_eur_per_kwh, usual.PRICE),
        (tariffs.grid_co2_kg_per_kwh, usual.CARBON),
        (weather.ghi_w_per_m2, usual.IRRADIANCE),
        (weather.wind_m_per_s, usual.WIND_SPEED),
        (weather.temperature_c, usual.TEMPERATURE),
    ]
    for peer in scenario.peers:
        has_devices = peer.appliances or peer.vehicle
        is_base = has_devices and peer.load_w.constant is not None
        given.append((peer.load_w, usual.BASE_LOAD if is_base else usual.POWER))
        given += [(peer.pv_w, usual.POWER), (peer.hydro_w, usual.POWER)]
    for _, peer in _members(scenario):
        wishes = peer.preferences
        given += [
            (wishes.highest_buying_eur_per_kwh, usual.PRICE),
            (wishes.lowest_selling_eur_per_kwh, usual.PRICE),
            (wishes.critical_w, usual.BASE_LOAD),
        ]
    for series, kind in given:
        if series is not None:
            yield series, kind


def _numbers(scenario: Scenario) -> Iterator[Given]:
    for where, peer in _members(scenario):
        yield from _of_peer(where, peer)
    for group in scenario.groups:
        where = _of_group(scenario, group)
        yield f"{where}, pv_peak_w", group.pv_peak_w or 0.0, usual.PEAK
        if group.vehicle is not None:
            yield from _of_vehicle(f"{where}, vehicle", group.vehicle.vehicle)
    market, path = scenario.market, scenario.path
    yield f"{path}, [market], carbon_eur_per_kg", market.carbon_eur_per_kg, usual.CARBON_PRICE
    for name in ("network_eur_per_kwh", "compensation_eur_per_kwh"):
        yield f"{path}, [market], {name}", getattr(market, name), usual.PRICE
    for event in scenario.events:
        yield f"{event.where}, reward_eur_per_kwh", event.reward_eur_per_kwh, usual.REWARD
        yield f"{event.where}, asked_w", event.asked_w or 0.0, usual.POWER
    if scenario.shared_battery is not None:
        shared, where = scenario.shared_battery, f"{path}, [pool]"
        yield f"{where}, capacity_wh", shared.battery.capacity_wh, usual.BATTERY
        yield f"{where}, charge_w", shared.battery.charge_limit_w, usual.BATTERY_POWER
        yield f"{where}, discharge_w", shared.battery.discharge_limit_w, usual.BATTERY_POWER
        yield f"{where}, price_eur_per_kwh", shared.price_eur_per_kwh, usual.PRICE


def _of_peer(where: str, peer: Peer) -> Iterator[Given]:
    battery = peer.battery
    yield f"{where}, battery_wh", battery.capacity_wh, usual.BATTERY
    yield f"{where}, battery_charge_w", battery.charge_limit_w, usual.BATTERY_POWER
    yield f"{where}, battery_discharge_w", battery.discharge_limit_w, usual.BATTERY_POWER
    yield f"{where}, load_min_w", peer.load_min_w, usual.BASE_LOAD
    yield f"{where}, load_max_w", peer.load_max_w, usual.LIMIT
    yield f"{where}, export_limit_w", peer.export_limit_w, usual.LIMIT
    yield f"{where}, pv_area_m2", peer.pv_area_m2, usual.AREA
    if peer.pv_roof is not None:
        yield f"{where}, pv_roof, peak_w", peer.pv_roof.peak_w, usual.PEAK
    if peer.wind is not None:
        yield f"{where}, wind, rated_w", peer.wind.rated_w, usual.PEAK
    if peer.vehicle is not None:
        yield from _of_vehicle(f"{where}, vehicle", peer.vehicle)
    reward = peer.events.least_reward_eur_per_kwh
    yield f"{where}, events, least_reward_eur_per_kwh", reward, usual.REWARD


def _of_vehicle(where: str, vehicle: Vehicle) -> Iterator[Given]:
    yield f"{where}, need_wh", vehicle.need_wh, usual.VEHICLE_NEED
    yield f"{where}, charge_w", vehicle.charge_w, usual.CHARGER


def _members(scenario: Scenario) -> Iterator[tuple[str, Peer]]:
    """Return each peer, and what the homes of each group have in common, with where they stand."""
    for peer in scenario.peers:
        yield f"{scenario.path}, [[peer]] {peer.name}", peer
    for group in scenario.groups:
        yield _of_group(scenario, group), group.template


def _of_group(scenario: Scenario, group: Group) -> str:
    return f"{scenario.path}, [[group]] {group.template.name}"


def _appliances(scenario: Scenario) -> Iterator[tuple[str, Appliance]]:
    for where, peer in _members(scenario):
        for one in peer.appliances:
            yield f"{where}, appliances, {one.name}, power_w", one
    for group in scenario.groups:
        for each in group.appliances:
            one = each.appliance
            yield f"{_of_group(scenario, group)}, appliances, {one.name}, power_w", one


def _of_appliance(where: str, one: Appliance) -> list[str]:
    """Devices differ too much for one bound: the catalogue tells what one of this name takes."""
    typical_w = CATALOGUE[one.name].power_w if one.name in CATALOGUE else TYPICAL_W
    bound = Usual(typical_w / KW_OF_KIND, usual.TOWN_W / 10, "W", usual.KW, "is it in mW?")
    fault = bound.fault(one.power_w)
    return [] if fault is None else [f"{where}: {fault}"]
