"""Surpluses and needs of members enter a shared battery, energy and fair pay leave.

Each member owns the stored energy it brought. Room for too much surplus, and energy for too many
needs, is shared in proportion. A member draws its own energy first and pays only the fee; what
others still need comes out of all shares in proportion, and its price, less the fee, goes to those
shares in the same proportion: equal pay for equal energy, none for standing by. The rule is this
project's own; its parts are exact by the largest remainder (amounts.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hub.market.amounts import apportion
from hub.market.records import MarketRefusal


@dataclass(frozen=True)
class Pool:
    """A shared battery: its limits, and whose energy it holds. Efficiencies in permille."""

    capacity_uwh: int
    charge_permille: int = 1000
    discharge_permille: int = 1000
    stored_uwh: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for permille in (self.charge_permille, self.discharge_permille):
            if not 0 < permille <= 1000:
                raise MarketRefusal(f"an efficiency must be from 1 to 1000 ‰, not {permille}")
        if any(uwh < 0 for uwh in self.stored_uwh.values()):
            raise MarketRefusal("a member cannot own less than no energy")
        if self.total_uwh > self.capacity_uwh:
            raise MarketRefusal("the pool holds more than its capacity")

    @property
    def total_uwh(self) -> int:
        """Energy stored."""
        return sum(self.stored_uwh.values())


@dataclass(frozen=True)
class PoolTerms:
    """Prices of energy out of the pool, gwei/kWh: the fee is part of the price, to the operator."""

    price: int
    fee: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.fee <= self.price:
            raise MarketRefusal("a pool's fee must be from 0 to its price")


@dataclass(frozen=True)
class Draw:
    """What came out. Payments equal earnings and the operator's part to the wei."""

    delivered_uwh: dict[str, int]
    paid_wei: dict[str, int]
    earned_wei: dict[str, int]
    operator_wei: int


def store(pool: Pool, surplus_uwh: Mapping[str, int]) -> tuple[Pool, dict[str, int]]:
    """Return the pool with what fits, and what was taken from each member (before losses)."""
    _check_amounts(surplus_uwh)
    room_uwh = (pool.capacity_uwh - pool.total_uwh) * 1000 // pool.charge_permille
    offered = list(surplus_uwh.values())
    taken = apportion(min(sum(offered), room_uwh), offered)
    stored_uwh = dict(pool.stored_uwh)
    for peer, uwh in zip(surplus_uwh, taken, strict=True):
        stored_uwh[peer] = stored_uwh.get(peer, 0) + uwh * pool.charge_permille // 1000
    return replace(pool, stored_uwh=stored_uwh), dict(zip(surplus_uwh, taken, strict=True))


def draw(pool: Pool, need_uwh: Mapping[str, int], terms: PoolTerms) -> tuple[Pool, Draw]:
    """Return the pool after serving what it can of the needs, and who got, paid and earned what."""
    _check_amounts(need_uwh)
    stored_uwh = dict(pool.stored_uwh)
    own = {
        peer: min(need, stored_uwh.get(peer, 0) * pool.discharge_permille // 1000)
        for peer, need in need_uwh.items()
    }
    for peer, uwh in own.items():
        if uwh:
            stored_uwh[peer] -= _behind(uwh, pool)
    needs = [need_uwh[peer] - own[peer] for peer in need_uwh]
    available_uwh = sum(stored_uwh.values()) * pool.discharge_permille // 1000
    served_uwh = min(sum(needs), available_uwh)
    bought = dict(zip(need_uwh, apportion(served_uwh, needs), strict=True))
    drawn = apportion(_behind(served_uwh, pool), list(stored_uwh.values()))
    earned = apportion(served_uwh * (terms.price - terms.fee), drawn)
    for peer, uwh in zip(list(stored_uwh), drawn, strict=True):
        stored_uwh[peer] -= uwh
    return replace(pool, stored_uwh=stored_uwh), Draw(
        {peer: own[peer] + bought[peer] for peer in need_uwh},
        {peer: own[peer] * terms.fee + bought[peer] * terms.price for peer in need_uwh},
        {peer: wei for peer, wei in zip(stored_uwh, earned, strict=True) if wei},
        (sum(own.values()) + served_uwh) * terms.fee,
    )


def _behind(delivered_uwh: int, pool: Pool) -> int:
    """Return the stored energy that a delivery takes, losses included."""
    return -(-delivered_uwh * 1000 // pool.discharge_permille)


def _check_amounts(amounts_uwh: Mapping[str, int]) -> None:
    if any(uwh < 0 for uwh in amounts_uwh.values()):
        raise MarketRefusal("a surplus or need must not be negative")
