"""A demand-response event: pledges enter, who is accepted and what the meters prove leaves. Exact.

The operator announces an event with a reward for each kWh that is not used. Houses pledge what
they can do without and for which reward at least; the cheapest are accepted up to what was asked.
Afterwards the meter decides: what counts is the house's baseline less what it metered, at most
what was accepted of it. The baseline is the mean of the same hours of the days before, the way of
NAESB's "high X of Y" baselines with all days counting; who used more earns and owes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub.market.amounts import apportion
from hub.market.records import MarketRefusal


@dataclass(frozen=True)
class Pledge:
    """What a house can do without in an event, and the least reward for which it will."""

    peer: str
    energy_uwh: int
    least_gwei_per_kwh: int = 0

    def __post_init__(self) -> None:
        if self.energy_uwh < 0 or self.least_gwei_per_kwh < 0:
            raise MarketRefusal(f"pledge of {self.peer}: must not be negative")


@dataclass(frozen=True)
class Proof:
    """What the meter says of one house's pledge, and what it earns (wei)."""

    peer: str
    accepted_uwh: int
    baseline_uwh: int
    metered_uwh: int
    reward_gwei_per_kwh: int

    @property
    def verified_uwh(self) -> int:
        """What it did without, as far as it was accepted."""
        return min(self.accepted_uwh, max(0, self.baseline_uwh - self.metered_uwh))

    @property
    def missing_uwh(self) -> int:
        """What it had pledged and did not do."""
        return self.accepted_uwh - self.verified_uwh

    @property
    def reward_wei(self) -> int:
        return self.verified_uwh * self.reward_gwei_per_kwh


def accept(
    pledges: Sequence[Pledge], reward_gwei_per_kwh: int, asked_uwh: int | None = None
) -> dict[str, int]:
    """Return how much of each house's pledge is accepted; `asked_uwh` None takes all that fits.

    Whoever wants more than the reward is left out. The least demanding come first; those who
    demand the same share what is left in proportion. All are paid the reward.
    """
    left_uwh = sum(one.energy_uwh for one in pledges) if asked_uwh is None else asked_uwh
    if left_uwh < 0 or reward_gwei_per_kwh < 0:
        raise MarketRefusal("an event asks for energy and rewards it: neither is negative")
    accepted = {one.peer: 0 for one in pledges}
    if len(accepted) != len(pledges):
        raise MarketRefusal("a house pledges once in an event")
    levels = sorted({one.least_gwei_per_kwh for one in pledges})
    for level in levels:
        if level > reward_gwei_per_kwh:
            break
        alike = [one for one in pledges if one.least_gwei_per_kwh == level]
        offered = [one.energy_uwh for one in alike]
        taken = apportion(min(left_uwh, sum(offered)), offered)
        for one, uwh in zip(alike, taken, strict=True):
            accepted[one.peer] = uwh
        left_uwh -= sum(taken)
    return accepted


def baseline_uwh(days_uwh: Sequence[int]) -> int:
    """Return what a house is taken to use: the mean of the same hours of the days before."""
    if not days_uwh:
        raise MarketRefusal("a baseline needs at least one day before the event")
    return sum(days_uwh) // len(days_uwh)
