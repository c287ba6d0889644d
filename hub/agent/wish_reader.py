"""Reads what a house sets, as page or command send it: a table enters, the record leaves.

By the checks of the simulator's preferences (`hub.sim.schema_wishes`), so that both know one
definition; what a site adds are its prices' bounds and its houses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from hub import amounts
from hub.agent.house_wishes import USUAL, HouseWishes
from hub.amounts import BadAmount
from hub.config_tables import Market
from hub.errors import BadInput, TruequeError
from hub.sim.assets import MAX_PRODUCERS
from hub.sim.fields import Check, nearest
from hub.sim.schema_wishes import PREFERENCES, names

PRICES = {
    "highest_buying": "highest_buying_gwei_per_kwh",
    "lowest_selling": "lowest_selling_gwei_per_kwh",
}
"""{a price as people type it: its member}"""
SHARED = ("is_automatic", "order", "bidding")
CHECKS: dict[str, Check] = {
    **{name: PREFERENCES[name].check for name in SHARED},
    "producers": names(MAX_PRODUCERS),  # without shares, which no contract has
    "buyers": names(),
}
OF_SELLERS = {"lowest_selling_gwei_per_kwh", "order", "reserve_permille", "buyers"}
MOST_PERMILLE = 1000


class BadWishes(TruequeError):
    """Wishes that cannot be kept; `fields` has a sentence for each wrong one."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


@dataclasses.dataclass(frozen=True)
class WishReader:
    """For one house. `choices`: what its producers and its buyers may name."""

    kind: str
    market: Market
    choices: Mapping[str, Sequence[str]]

    def read(self, before: HouseWishes, table: Mapping[str, Any]) -> HouseWishes:
        """Return the wishes with what the table changes; null or "" there is the usual again.

        Raises BadWishes naming each wrong field.
        """
        changes: dict[str, Any] = {}
        wrong: dict[str, str] = {}
        for name, value in table.items():
            member = PRICES.get(name, name)
            try:
                changes[member] = self._one(name, member, value)
            except (BadAmount, BadInput) as problem:
                wrong[name] = str(problem)
        if wrong:
            raise BadWishes(wrong)
        return dataclasses.replace(before, **changes)

    def _one(self, name: str, member: str, value: Any) -> Any:
        usual = USUAL.as_state()
        if member not in usual:
            raise BadInput(f"There is no preference {name}{nearest(name, [*usual, *PRICES])}.")
        if value in (None, ""):
            return getattr(USUAL, member)
        if member in PRICES.values():
            checked = self._price(name, value)
        else:
            checked = _checked(member, value)
            self._check_known(member, checked)
        is_set = checked != getattr(USUAL, member)
        if self.kind == "consumer" and member in OF_SELLERS and is_set:
            raise BadInput(f"A consumer sells nothing: leave {name} empty.")
        return checked

    def _price(self, name: str, value: Any) -> int:
        is_text = isinstance(value, str)
        read = amounts.parse_price_gwei_per_kwh if is_text else amounts.check_price_gwei_per_kwh
        words = name.removesuffix("_gwei_per_kwh").replace("_", " ") + " price"
        try:
            price = read(value)
        except BadAmount as problem:
            raise BadInput(str(problem).replace("price", words, 1)) from None
        low, high = self.market.min_price_gwei_per_kwh, self.market.max_price_gwei_per_kwh
        if not low <= price <= high:
            limits = f"{amounts.price_text(low)} to {amounts.price_text(high)}"
            raise BadInput(f"The {words} must be within the site's: {limits}.")
        return price

    def _check_known(self, member: str, checked: Any) -> None:
        known = self.choices.get(member)
        unknown = [one for one in checked if one not in known] if known is not None else []
        if unknown:
            hint = nearest(unknown[0], known or ())
            raise BadInput(f"{member}: {unknown[0]!r} is no house, place or type here{hint}.")


def _checked(member: str, value: Any) -> Any:
    if member == "reserve_permille":
        if type(value) is not int or not 0 <= value <= MOST_PERMILLE:
            raise BadInput("The reserve must be from 0 to 1000 permille of the battery (100 %).")
        return value
    try:
        return CHECKS[member](member, value)
    except BadInput as problem:
        raise BadInput(f"{problem}.") from None
