"""Finds whom preferences name: a scenario's peers and groups enter, the same with every choice made
clear leave. BadInput is raised for whoever is not of the scenario, with the nearest name that is.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from hub.errors import BadInput
from hub.sim.assets import GENERATED, Partner, Preferences
from hub.sim.fields import nearest
from hub.sim.scenario import Group, Peer
from hub.sim.schema_wishes import check_once
from hub.sim.spelt_out import names_of


class _Known:
    """All that can be chosen: peers by name, communities, and what energy may come from."""

    def __init__(self, peers: tuple[Peer, ...], groups: tuple[Group, ...]) -> None:
        members = [*peers, *(group.template for group in groups)]
        self.communities = {peer.community for peer in members if peer.community}
        named = (peer.preferences.origin for peer in members)
        self.origins = dict.fromkeys([*GENERATED, *(origin for origin in named if origin)])
        self.names = {peer.name for peer in peers}
        self._groups = groups

    def is_peer(self, name: str) -> bool:
        """Tell whether there is a peer of this name; homes of groups are counted out if need be."""
        if name not in self.names and self._groups:
            self.names |= {one for group in self._groups for one in names_of(group, [])}
            self._groups = ()
        return name in self.names


def with_wishes_found(
    path: Path, peers: tuple[Peer, ...], groups: tuple[Group, ...]
) -> tuple[tuple[Peer, ...], tuple[Group, ...]]:
    """Return peers and groups whose choices say by what they choose.

    A name alone is a peer's, else a community's, else that of what energy comes from.
    """
    known = _Known(peers, groups)
    found = [_with_found(f"{path}, [[peer]] {peer.name}", peer, known) for peer in peers]
    of_groups = []
    for group in groups:
        where = f"{path}, [[group]] {group.template.name}"
        template = _with_found(where, group.template, known)
        of_groups.append(dataclasses.replace(group, template=template))
    return tuple(found), tuple(of_groups)


def _with_found(where: str, peer: Peer, known: _Known) -> Peer:
    wishes = peer.preferences
    if wishes == Preferences():
        return peer
    if wishes.producers_only and not wishes.producers:
        raise BadInput(f"{where}, preferences, producers_only: needs producers to buy from")
    if wishes.critical_w is not None and wishes.priority == 0:
        raise BadInput(f"{where}, preferences, critical_w: needs a priority above 0")
    chosen: dict[str, Any] = {}
    for field in ("producers", "buyers"):
        at = f"{where}, preferences, {field}"
        partners = tuple(
            _found(f"{at} {place}", peer.name, one, known, has_types=field == "producers")
            for place, one in enumerate(getattr(wishes, field), start=1)
        )
        check_once(at, [one.label for one in partners])
        chosen[field] = partners
    for origin in wishes.origins:
        if origin not in known.origins:
            hint = nearest(origin, known.origins)
            raise BadInput(f"{where}, preferences, origins: nobody's energy is {origin!r}{hint}")
    return dataclasses.replace(peer, preferences=dataclasses.replace(wishes, **chosen))


def _found(where: str, own: str, partner: Partner, known: _Known, *, has_types: bool) -> Partner:
    name = partner.peer
    if name == own:
        raise BadInput(f"{where}: a peer does not trade with itself")
    if name and not known.is_peer(name):
        if partner.community or partner.type:
            raise BadInput(f"{where}, peer: no peer {name!r}{nearest(name, known.names)}")
        if name in known.communities:
            return dataclasses.replace(partner, peer="", community=name)
        if has_types and name in known.origins:
            return dataclasses.replace(partner, peer="", type=name)
        others = [*known.communities, *(known.origins if has_types else ())]
        kinds = "peer, community or type" if has_types else "peer or community"
        raise BadInput(f"{where}: no {kinds} {name!r}{nearest(name, [*known.names, *others])}")
    if partner.community and partner.community not in known.communities:
        hint = nearest(partner.community, known.communities)
        raise BadInput(f"{where}, community: nobody is of {partner.community!r}{hint}")
    if partner.type and partner.type not in known.origins:
        hint = nearest(partner.type, known.origins)
        raise BadInput(f"{where}, type: nobody's energy is {partner.type!r}{hint}")
    return partner
