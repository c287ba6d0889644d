"""Reads what a scenario may have besides: events, a shared battery, a feeder. Tables enter, records
leave; raises BadInput as `hub.sim.reading`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hub.errors import BadInput
from hub.sim import schema
from hub.sim.assets import Battery
from hub.sim.clock import MINUTES_OF_DAY
from hub.sim.fields import read_table
from hub.sim.network.limits import AFTER, REPORT, Network
from hub.sim.scenario import HABIT, Event, Market, Scenario, SharedBattery


def event_of(where: str, values: dict[str, Any]) -> Event:
    """Return an event from its checked values."""
    start, end, announced = values["from"], values["to"], values["announced"]
    if not start < end:
        raise BadInput(f"{where}: from is not before to")
    if announced > start:
        raise BadInput(f"{where}, announced: is after from; houses must know before it begins")
    same = ("reward_eur_per_kwh", "asked_w", "baseline_days")
    name = values["name"] or f"event of {start:%Y-%m-%d %H:%M}"
    return Event(where, name, announced, start, end, **{one: values[one] for one in same})


def shared_battery_of(where: str, raw: dict[str, Any], market: Market) -> SharedBattery | None:
    """Return the community's battery, None without one."""
    if "pool" not in raw:
        return None
    values = read_table(where, raw["pool"], schema.POOL)
    if values["fee_eur_per_kwh"] > values["price_eur_per_kwh"]:
        raise BadInput(f"{where}, fee_eur_per_kwh: is above price_eur_per_kwh, of which it is part")
    if market.pooling:
        raise BadInput(f"{where}: with pooling the peers share as one already; drop one of the two")
    battery = Battery(
        capacity_wh=values["capacity_wh"],
        soc_initial=0.0,
        charge_efficiency=values["charge_efficiency"],
        discharge_efficiency=values["discharge_efficiency"],
        charge_limit_w=values["charge_w"],
        discharge_limit_w=values["discharge_w"],
    )
    return SharedBattery(battery, values["price_eur_per_kwh"], values["fee_eur_per_kwh"])


def network_of(where: str, raw: dict[str, Any]) -> Network | None:
    """Return the feeder, None without one."""
    if "network" not in raw:
        return None
    network = Network(where, **read_table(where, raw["network"], schema.NETWORK))
    if network.mode == AFTER and "pool" in raw:
        raise BadInput(
            f'{where}, mode: "after" cannot take back what a [pool] was given, which may have been '
            'drawn in the same slot; use "before", which limits peers first, or "report"'
        )
    return network


def check_forecast(path: Path, scenario: Scenario) -> None:
    """Raise BadInput where orders by forecast have no meaning."""
    if scenario.market.forecast != HABIT:
        return
    faults = {
        "nobody orders without trading; choose a mechanism": scenario.market.design == "none",
        "with pooling the peers share as one what they metered, without orders": (
            scenario.market.pooling
        ),
        "a [pool] is filled and drawn by what is metered, not by orders": (
            scenario.shared_battery is not None
        ),
        'a feeder that limits peers knows what they will take: use [network] mode = "report"': (
            scenario.network is not None and scenario.network.mode != REPORT
        ),
        "a habit does not know what a house promised in an [[event]]": bool(scenario.events),
        "habits are of a day: slot_minutes must divide 1440": (
            MINUTES_OF_DAY % scenario.clock.slot_minutes != 0
        ),
    }
    for group in scenario.groups:
        fault = f"shiftable appliances of {group.template.name} answer prices known in advance"
        faults[fault] = group.is_shiftable
    for member in (*scenario.peers, *(group.template for group in scenario.groups)):
        whose = f"of {member.name}"
        faults[f'strategy "optimal" {whose} knows the future; use "greedy" or "none"'] = (
            member.strategy == "optimal"
        )
        faults[f"elastic or shiftable load {whose} answers prices that are known in advance"] = (
            member.elastic_share > 0 or any(one.shiftable_share > 0 for one in member.appliances)
        )
    for fault, is_so in faults.items():
        if is_so:
            raise BadInput(f'{path}, [market], forecast = "{HABIT}": {fault}')
