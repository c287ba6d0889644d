"""The fields of a peer's preferences, each with its check and default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.errors import BadInput
from hub.sim import scenario as words
from hub.sim.assets import MAX_PRODUCERS, Partner
from hub.sim.fields import Check, Field, choice, flag, integer, list_of, read_table, share, text

HIGHEST_CLASS = 255
SMALLEST_SHARE = 0.001  # orders count in permille
ROUNDING = 1e-9


PRODUCER = {
    "peer": Field(text, ""),
    "community": Field(text, ""),
    "type": Field(text, ""),
    "share": Field(share, 0.0),
}
BUYER = {name: PRODUCER[name] for name in ("peer", "community")}


def _producers(where: str, value: Any) -> tuple[Partner, ...]:
    found = _partners(where, value, PRODUCER)
    _check_number(where, found, MAX_PRODUCERS)
    for place, one in enumerate(found, start=1):
        if 0 < one.share < SMALLEST_SHARE:
            raise BadInput(f"{where} {place}, share: {one.share:g} is less than {SMALLEST_SHARE}")
    whole = sum(one.share for one in found)
    if whole > 1 + ROUNDING:
        raise BadInput(f"{where}: the shares add up to {whole:g}; at most 1")
    return found


def _buyers(where: str, value: Any) -> tuple[Partner, ...]:
    return _partners(where, value, BUYER)


def _partners(where: str, value: Any, fields: dict[str, Field]) -> tuple[Partner, ...]:
    def one_of(where: str, one: Any) -> Partner:
        if not isinstance(one, dict):
            return Partner(text(where, one))
        found = Partner(**read_table(where, one, fields))
        if not found.label:
            known = ", ".join(name for name in fields if name != "share")
            raise BadInput(f"{where}: chooses nobody; give at least one of {known}")
        return found

    found: tuple[Partner, ...] = list_of(one_of)(where, value)
    check_once(where, [one.label for one in found])
    return found


def names(most: int | None = None) -> Check:
    """Check a list of names, each once, at most so many."""

    def check(where: str, value: Any) -> tuple[str, ...]:
        found: tuple[str, ...] = list_of(text)(where, value)
        _check_number(where, found, most)
        check_once(where, list(found))
        return found

    return check


def _check_number(where: str, found: Sequence[Any], most: int | None) -> None:
    if most is not None and len(found) > most:
        raise BadInput(f"{where}: names {len(found)}; at most {most}")


def check_once(where: str, names: list[str]) -> None:
    """Raise BadInput where a name is there twice."""
    for place, name in enumerate(names, start=1):
        first = names.index(name) + 1
        if first < place:
            raise BadInput(f"{where} {place}: {name} is number {first} already; name it once")


PREFERENCES = {
    "order": Field(choice(*words.ORDERS), "use-store-trade"),
    "reserve_soc": Field(share, 0.0),
    "producers": Field(_producers, ()),
    "producers_only": Field(flag, False),
    "buyers": Field(_buyers, ()),
    "origins": Field(names(), ()),
    "origin": Field(text, ""),
    "priority": Field(integer(0, HIGHEST_CLASS), 0),
    "is_automatic": Field(flag, True),
    "bidding": Field(choice(*words.BIDDING)),
}
"""All but what may change from slot to slot."""


def preferences(price: Check, quantity: Check) -> dict[str, Field]:
    """Return the fields; the two check what may change from slot to slot."""
    limits = ("highest_buying_eur_per_kwh", "lowest_selling_eur_per_kwh")
    return PREFERENCES | {name: Field(price) for name in limits} | {"critical_w": Field(quantity)}
