"""Homes of groups one by one: a scenario enters; the same with those homes as peers whose load will
change, leaves.

That is of those that answer prices or events, let an appliance or a vehicle wait, or have a vehicle
whose charging depends on more than its own time. Homes of other groups stay columns of a
population, of which there may be 100,000.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hub.errors import BadInput
from hub.sim.assets import Battery
from hub.sim.network.limits import REPORT
from hub.sim.own_homes import OwnHomes
from hub.sim.population import Population
from hub.sim.scenario import Group, Peer, Scenario
from hub.sim.series import Series


def spelt_out(scenario: Scenario) -> Scenario:
    """Return the scenario with such homes as peers."""
    peers, groups = list(scenario.peers), []
    for group in scenario.groups:
        if not _changes(group, scenario):
            groups.append(group)
            continue
        peers += _homes(group, scenario, [peer.name for peer in peers])
    return replace(scenario, peers=tuple(peers), groups=tuple(groups))


def _changes(group: Group, scenario: Scenario) -> bool:
    template = group.template
    waits = scenario.network is not None and scenario.network.mode != REPORT
    depends = template.strategy == "optimal" or template.load_max_w < float("inf") or waits
    return (
        template.elastic_share > 0
        or template.events.share > 0
        or group.is_shiftable
        or (group.vehicle is not None and depends)
    )


def _homes(group: Group, scenario: Scenario, taken: list[str]) -> Iterator[Peer]:
    homes = Population(group, scenario.clock)
    load_w, pv_w = homes.measured(0, scenario.clock.slots)
    for place, name in enumerate(names_of(group, taken)):
        yield replace(
            group.template,
            name=name,
            load_w=Series(name, listed=tuple(load_w[:, place].tolist())),
            pv_w=Series(name, listed=tuple(pv_w[:, place].tolist())),
            battery=group.template.battery if homes.has_battery[place] else Battery(),
            vehicle=homes.extras.vehicle_of(place),
            appliances=homes.extras.appliances_of(place),
        )


def names_of(group: Group, taken: list[str]) -> Iterator[str]:
    """Return a name for each home: numbered, or by its column of the user's file."""
    known = set(taken)
    for name in _names(group):
        if name in known:
            raise BadInput(f"[[group]] {group.template.name}: the name {name} is taken")
        yield name


def _names(group: Group) -> Iterator[str]:
    own = group.source
    if isinstance(own, OwnHomes) and not own.is_varied:
        for number in range(group.count):
            again, place = divmod(number, len(own.columns))
            which = f"-{again + 1}" if again else ""
            yield f"{group.template.name}-{own.columns[place]}{which}"
        return
    width = len(str(group.count))
    for number in range(1, group.count + 1):
        yield f"{group.template.name}-{number:0{width}d}"
