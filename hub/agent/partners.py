"""Whom a house trades with: names, places and types as people choose them in, houses out. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hub.config_tables import GRID

SUN = "pv"  # what a board's generation port meters


@dataclass(frozen=True)
class Neighbour:
    """A house as others may choose it: by name, by place (community, bus segment), by type.

    `sources`: what it sells is made of, such as pv or wind; empty for a house that sells nothing.
    """

    name: str
    kind: str
    places: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()


def producers_among(houses: Iterable[Neighbour]) -> list[Neighbour]:
    """Return those that can sell."""
    return [one for one in houses if one.kind in ("prosumer", GRID)]


def buyers_among(houses: Iterable[Neighbour]) -> list[Neighbour]:
    """Return all: a prosumer buys, too, when it lacks energy. Nobody is a buyer by his sources."""
    return [dataclasses.replace(one, sources=frozenset()) for one in houses]


def named_by(entry: str, houses: Iterable[Neighbour]) -> list[str]:
    """Return the houses that an entry names: one of that name, else those of a place or type."""
    found = list(houses)
    by_name = [one.name for one in found if one.name == entry]
    return by_name or [one.name for one in found if entry in one.places | one.sources]


def houses_of(entries: Sequence[str], houses: Iterable[Neighbour], own: str) -> tuple[str, ...]:
    """Return every other house that the entries name, each once, in the order of the entries."""
    others = [one for one in houses if one.name != own]
    found = dict.fromkeys(name for entry in entries for name in named_by(entry, others))
    return tuple(found)


def choices(houses: Iterable[Neighbour], own: str) -> list[str]:
    """Return what may be chosen of these houses: names first, then places, then types."""
    others = [one for one in houses if one.name != own]
    names = [one.name for one in others]
    places = sorted({place for one in others for place in one.places})
    sources = sorted({source for one in others for source in one.sources})
    return list(dict.fromkeys([*names, *places, *sources]))
