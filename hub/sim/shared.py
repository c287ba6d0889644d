"""The community's battery in a run: what peers have left in each slot enters, its energy and pay
leave, by the exact rules of `hub.market.pool`.

A member stores a surplus where the pool's price less its fee, after losses, beats the feed-in
tariff, and draws where the pool's price (its fee, for energy of its own) is below retail; so nobody
is worse off than with the grid alone. Powers in W, money in EUR/h, as in `settle`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hub.market.pool import Pool, PoolTerms, draw, store
from hub.sim.community import Community

Values = npt.NDArray[np.float64]

NANO = 1e9
UWH_PER_WH = 1e6
WEI_PER_EUR = 1e18


@dataclass
class PoolFlows:
    """One slot: what went in and came out at each peer's meter, and the money (EUR, W)."""

    given_w: Values
    drawn_w: Values
    paid: Values
    earned: Values
    operator: float


class SharedStore:
    """The pool and whose energy it holds; slots come in their order."""

    def __init__(self, community: Community) -> None:
        """Raises ValueError for a community without a shared battery."""
        shared = community.shared_battery
        if shared is None:
            raise ValueError("the community has no shared battery")
        battery = shared.battery
        self._names = community.names
        self._places = {name: place for place, name in enumerate(community.names)}
        self._hours = community.clock.slot_hours
        self._battery = battery
        self._price, self._fee = shared.price_eur_per_kwh, shared.fee_eur_per_kwh
        self._terms = PoolTerms(round(self._price * NANO), round(self._fee * NANO))
        self.pool = Pool(
            int(battery.capacity_wh * UWH_PER_WH),
            round(battery.charge_efficiency * 1000),
            round(battery.discharge_efficiency * 1000),
        )

    @property
    def stored_wh(self) -> float:
        return self.pool.total_uwh / UWH_PER_WH

    def step(
        self, surplus_w: Values, deficit_w: Values, retail: float, feed_in: float
    ) -> PoolFlows:
        """Take what it can of a slot's surpluses and serve what it can of its deficits."""
        given_w, drawn_w, paid, earned = np.zeros((4, len(surplus_w)))
        flows = PoolFlows(given_w, drawn_w, paid, earned, 0.0)
        through = self._battery.charge_efficiency * self._battery.discharge_efficiency
        if (self._price - self._fee) * through > feed_in:
            offered = self._energies(surplus_w, self._battery.charge_limit_w)
            self.pool, taken = store(self.pool, offered)
            self._put(flows.given_w, taken, self._w_per_uwh)
        needs = self._energies(deficit_w, self._battery.discharge_limit_w)
        if not needs or retail <= self._fee:
            return flows
        if retail <= self._price:  # then only what is one's own is cheaper than the grid
            needs = self._own(needs)
        self.pool, drawn = draw(self.pool, needs, self._terms)
        self._put(flows.drawn_w, drawn.delivered_uwh, self._w_per_uwh)
        per_wei = 1 / (WEI_PER_EUR * self._hours)
        self._put(flows.paid, drawn.paid_wei, per_wei)
        self._put(flows.earned, drawn.earned_wei, per_wei)
        flows.operator = drawn.operator_wei * per_wei
        return flows

    @property
    def _w_per_uwh(self) -> float:
        return 1 / (UWH_PER_WH * self._hours)

    def _energies(self, power_w: Values, limit_w: float) -> dict[str, int]:
        """Return each peer's energy in uWh, all together within the battery's power limit."""
        total_w = float(power_w.sum())
        if total_w <= 0:
            return {}
        scale = min(1.0, limit_w / total_w) * self._hours * UWH_PER_WH
        return {
            self._names[place]: int(power_w[place] * scale)
            for place in np.flatnonzero(power_w > 0).tolist()
        }

    def _own(self, needs: dict[str, int]) -> dict[str, int]:
        pool = self.pool
        return {
            name: min(uwh, pool.stored_uwh.get(name, 0) * pool.discharge_permille // 1000)
            for name, uwh in needs.items()
        }

    def _put(self, values: Values, amounts: dict[str, int], factor: float) -> None:
        for name, amount in amounts.items():
            values[self._places[name]] = amount * factor
