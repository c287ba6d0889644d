"""Reads a scenario's houses, one by one or in groups. Tables enter, records leave; raises BadInput
as `hub.sim.reading`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from hub.errors import BadInput
from hub.sim import homes
from hub.sim.assets import (
    CATALOGUE,
    Appliance,
    Battery,
    EventWishes,
    Preferences,
    Vehicle,
    WindTurbine,
)
from hub.sim.clock import MINUTES_OF_DAY
from hub.sim.own_homes import OwnHomes
from hub.sim.roof import Roof
from hub.sim.scenario import Group, GroupAppliance, GroupVehicle, Peer
from hub.sim.series import Series


def peer_of(where: str, values: dict[str, Any]) -> Peer:
    """Return a peer from its checked values."""
    battery = _battery(where, values)
    hydro, wind, vehicle = values["hydro"], values["wind"], values["vehicle"]
    load = values.get("load_w") or Series(where, constant=0.0)
    if values["load_min_w"] > values["load_max_w"]:
        raise BadInput(f"{where}: load_min_w is above load_max_w")
    wishes = Preferences(**values["preferences"]) if values["preferences"] else Preferences()
    if wishes.reserve_soc > battery.soc_max:
        raise BadInput(f"{where}, preferences, reserve_soc: is above soc_max")
    battery = dataclasses.replace(battery, soc_min=max(battery.soc_min, wishes.reserve_soc))
    same = (
        "name",
        "strategy",
        "final_soc",
        "pv_area_m2",
        "pv_efficiency",
        "pv_w",
        "pv_is_on",
        "load_min_w",
        "load_max_w",
        "export_limit_w",
        "elastic_share",
        "community",
        "wallet_eur",
    )
    return Peer(
        **{name: values[name] for name in same},
        load_w=load,
        battery=battery,
        pv_roof=Roof(**values["pv_roof"]) if values["pv_roof"] else None,
        wind=_turbine(f"{where}, wind", wind) if wind else None,
        hydro_w=hydro["power_w"] if hydro else None,
        hydro_is_on=hydro["is_on"] if hydro else True,
        appliances=tuple(_appliance(where, one) for one in values["appliances"]),
        vehicle=Vehicle(**vehicle) if vehicle else None,
        preferences=wishes,
        events=EventWishes(**values["events"]) if values["events"] else EventWishes(),
        position_m=values["position"],
    )


def _turbine(where: str, values: dict[str, Any]) -> WindTurbine:
    turbine = WindTurbine(**values)
    if not turbine.cut_in_m_per_s < turbine.rated_m_per_s < turbine.cut_out_m_per_s:
        raise BadInput(
            f"{where}: cut_in_m_per_s {turbine.cut_in_m_per_s:g}, rated_m_per_s "
            f"{turbine.rated_m_per_s:g} and cut_out_m_per_s {turbine.cut_out_m_per_s:g} must "
            "ascend: power rises from the first to the second, and ends at the third"
        )
    return turbine


def _battery(where: str, values: dict[str, Any]) -> Battery:
    low, initial, high = values["soc_min"], values["soc_initial"], values["soc_max"]
    if not low <= high:
        raise BadInput(f"{where}: soc_min {low:g} is above soc_max {high:g}")
    if initial is None:
        initial = min(max(0.5, low), high)
    if values["battery_wh"] > 0 and not low <= initial <= high:
        raise BadInput(
            f"{where}, soc_initial: {initial:g} is outside soc_min {low:g} to soc_max {high:g}"
        )
    return Battery(
        values["battery_wh"],
        low,
        high,
        initial,
        values["charge_efficiency"],
        values["discharge_efficiency"],
        values["self_discharge"],
        values["battery_charge_w"],
        values["battery_discharge_w"],
    )


def _appliance(where: str, values: dict[str, Any]) -> Appliance:
    kind = values["kind"]
    base = CATALOGUE[kind] if kind else Appliance("appliance", "home", 0.0, ((0, MINUTES_OF_DAY),))
    if kind is None and values["power_w"] is None:
        raise BadInput(f"{where}, appliances: give kind or power_w")
    runs = values["runs"]
    return Appliance(
        values["name"] or base.name,
        values["place"] or base.place,
        base.power_w if values["power_w"] is None else values["power_w"],
        tuple((run["from"], run["to"]) for run in runs) if runs is not None else base.runs,
        values["is_on"],
        values["shiftable_share"],
    )


def _group_vehicle(values: dict[str, Any] | None) -> GroupVehicle | None:
    if values is None:
        return None
    own = ("share", "arrival_spread_minutes", "departure_spread_minutes", "need_spread")
    usual = Vehicle(**{name: one for name, one in values.items() if name not in own})
    return GroupVehicle(usual, **{name: values[name] for name in own})


def _group_appliance(where: str, values: dict[str, Any]) -> GroupAppliance:
    usual = _appliance(where, values)
    return GroupAppliance(usual, values["share"], values["spread_minutes"])


def _check_homes(where: str, values: dict[str, Any]) -> None:
    """Refuse bundled homes that are not there; count the user's own where nobody has."""
    if isinstance(values["source"], OwnHomes):
        if values["homes"]:
            raise BadInput(f"{where}, homes: are bundled ones; this group's are of a file")
        if values["count"] is None:
            values["count"] = len(values["source"].columns)
    if values["count"] is None:
        raise BadInput(f"{where}: count is missing")
    for home in values["homes"]:
        if home not in homes.HOMES:
            known = ", ".join(map(str, homes.HOMES))
            raise BadInput(f"{where}, homes: {home} is not bundled; bundled are {known}")


def group_of(where: str, values: dict[str, Any]) -> Group:
    """Return a group from its checked values."""
    values = dict(values)
    _check_homes(where, values)
    vehicle = _group_vehicle(values.pop("vehicle"))
    appliances = tuple(_group_appliance(where, one) for one in values.pop("appliances"))
    own = ("count", "source", "seed", "homes", "prosumer_share", "battery_share", "pv_peak_w")
    absent = {name: None for name in ("hydro", "wind", "vehicle", "position", "pv_w", "pv_roof")}
    template = peer_of(
        where,
        {
            **absent,
            "pv_area_m2": 0.0,
            "pv_efficiency": 0.18,
            "pv_is_on": True,
            "appliances": (),
            **values,
        },
    )
    common = {name: values[name] for name in own}
    return Group(template=template, vehicle=vehicle, appliances=appliances, **common)
