"""What houses set about their trading, kept in the store: changes enter, the agents' wishes leave.

Read anew at each look of an agent, so a change counts from then on. Each change is kept with who
made it: the house on the page, or the administrator at the hub's machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.agent.house_wishes import HouseWishes
from hub.agent.partners import (
    SUN,
    Neighbour,
    buyers_among,
    choices,
    houses_of,
    producers_among,
)
from hub.agent.preferences import Preferences, buying_side, preferences_of
from hub.agent.wish_reader import WishReader
from hub.config import SiteConfig
from hub.config_tables import GRID, House
from hub.services.order_rules import Refused
from hub.simulated import SimulatedDevices
from hub.site_clock import wall_ms
from hub.store import Store

KEPT_CHANGES = 50
NO_AGENT = {
    "away": "The agent of {house} runs away from the hub, by the wishes in its own file "
    "(trueque agent run --preferences).",
    "none": '{house} has no agent: it needs agent = "hub" under [[houses]] in site.toml.',
}
Record = dict[str, Any]


class WishDesk:
    """Safe from any thread, and beside other processes that use the same store."""

    def __init__(self, store: Store, config: SiteConfig) -> None:
        self._store, self._config = store, config
        self._devices = SimulatedDevices(config.boards_dir)

    def preferences(self, house: House) -> tuple[Preferences, Preferences | None]:
        """Return what the hub's agent of a house goes by now, and what a prosumer buys by."""
        wishes = self._kept(house.name)[0]
        has_choice = bool(wishes.producers or wishes.buyers)
        neighbours = self._neighbours() if has_choice else ()
        main = preferences_of(house, self._config, wishes, neighbours)
        return main, buying_side(house, self._config, wishes, neighbours)

    def record(self, name: str) -> Record:
        """Return what a house has set, what is usual, what it may choose. Raises Refused."""
        house = self._house(name)
        wishes, changes = self._kept(name)
        among, chosen = self._among(), {"producers": wishes.producers, "buyers": wishes.buyers}
        return {
            "house": name,
            "kind": house.kind,
            "problem": self._problem(house),
            "preferences": wishes.as_state(),
            "usual": self._usual(house),
            "choices": self._choices(name),
            "trades_with": {
                side: houses_of(entries, among[side], name) if entries else None
                for side, entries in chosen.items()
            },
            "changes": changes[::-1],
        }

    def change(self, name: str, table: Mapping[str, Any], by: str) -> Record:
        """Change some of what a house has set; return its record.

        Raises Refused, or BadWishes naming each wrong field.
        """
        house = self._house(name)
        problem = self._problem(house)
        if problem is not None:
            raise Refused(problem)
        reader = WishReader(house.kind, self._config.market, self._choices(name))
        with self._store.transaction():  # nobody else changes them in between
            wishes, changes = self._kept(name)
            new = reader.read(wishes, table)
            before, after = wishes.as_state(), new.as_state()
            changed = [member for member in after if after[member] != before[member]]
            if changed:
                change = {"at_ms": wall_ms(), "by": by}
                change |= {"was": {one: before[one] for one in changed}}
                change |= {"is": {one: after[one] for one in changed}}
                kept = {"wishes": after, "changes": [*changes, change][-KEPT_CHANGES:]}
                self._store.set_state(_name(name), kept)
        return self.record(name)

    # --------------------------------------------------------------------------------------------

    def _kept(self, house: str) -> tuple[HouseWishes, list[Record]]:
        kept = self._store.state(_name(house)) or {"wishes": {}, "changes": []}
        return HouseWishes.from_state(kept["wishes"]), kept["changes"]

    def _house(self, name: str) -> House:
        found = next((one for one in self._config.houses if one.name == name), None)
        if found is None or found.kind == GRID:
            raise Refused("There is no such house on this site.", "house")
        return found

    def _usual(self, house: House) -> Record:
        """Return what counts where nothing is set; None: a consumer sells nothing, and a prosumer
        buys nothing."""
        usual = preferences_of(house, self._config)
        sells = house.kind == "prosumer"
        return {
            "lowest_selling_gwei_per_kwh": usual.limit_gwei_per_kwh if sells else None,
            "highest_buying_gwei_per_kwh": None if sells else usual.limit_gwei_per_kwh,
            "reserve_permille": usual.battery_reserve_permille if sells else None,
            "order": usual.order if sells else None,
            "bidding": usual.strategy,
        }

    @staticmethod
    def _problem(house: House) -> str | None:
        sentence = NO_AGENT.get(house.agent)
        return None if sentence is None else sentence.format(house=house.name)

    def _choices(self, house: str) -> dict[str, list[str]]:
        return {side: choices(houses, house) for side, houses in self._among().items()}

    def _among(self) -> dict[str, list[Neighbour]]:
        neighbours = self._neighbours()
        return {"producers": producers_among(neighbours), "buyers": buyers_among(neighbours)}

    def _neighbours(self) -> list[Neighbour]:
        """Return the site's houses as others may choose them.

        A simulated house sells what its generators that are on give; others have their panels.
        """
        generators: dict[str, set[str]] = {}
        for one in self._devices.records():
            kinds = generators.setdefault(one["house"], set())
            if one["is_generator"] and one["is_on"]:
                kinds.add(one["name"].removeprefix(f"{one['house']}-"))
        return [
            Neighbour(
                house.name,
                house.kind,
                frozenset({house.community, house.segment}),
                frozenset(generators.get(house.name, {SUN}) if house.kind == "prosumer" else ()),
            )
            for house in self._config.houses
        ]


def _name(house: str) -> str:
    return f"preferences:{house}"
