"""What a house has set about its trading, as one record; `hub.agent.wish_reader` reads it.

The same preferences as a simulated peer's (`hub.sim.assets.Preferences`); prices are gwei/kWh here
and the reserve permille.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SELL_FIRST, STORE_FIRST = "use-trade-store", "use-store-trade"


@dataclass(frozen=True)
class HouseWishes:
    """A house's settings; None, or an empty list, is the usual.

    `order`: whether what is left over is sold before or after the own battery is full.
    `producers`: the only ones bought from; `buyers`: the only ones sold to; names, places or types
    (`hub.agent.partners`). Without `is_automatic` the house's agent places and takes no orders.
    """

    is_automatic: bool = True
    order: str | None = None
    reserve_permille: int | None = None
    highest_buying_gwei_per_kwh: int | None = None
    lowest_selling_gwei_per_kwh: int | None = None
    producers: tuple[str, ...] = ()
    buyers: tuple[str, ...] = ()
    bidding: str | None = None

    @classmethod
    def from_state(cls, kept: Mapping[str, Any]) -> HouseWishes:
        """Return what the store keeps; members of another version are left out."""
        known = {one.name for one in dataclasses.fields(cls)}
        values = {name: value for name, value in kept.items() if name in known}
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return cls(**(values | lists))

    def as_state(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        lists = {"producers": [*self.producers], "buyers": [*self.buyers]}
        return dataclasses.asdict(self) | lists


USUAL = HouseWishes()
