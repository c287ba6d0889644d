"""Orders by forecast: what the peers' meters told enters, the positions they order for leave.

An order for a slot is made when the slot `ahead` slots before it has ended, from all slots until
then: load and generation by the peer's habits (`hub.sim.habits`), its battery by what its rule
would do with these, starting from the charge of that moment. Peers then meet by their orders;
what each took or gave in the end and had not traded is the grid's, at its tariffs, peer by peer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from hub.sim.clock import MINUTES_OF_DAY, Clock
from hub.sim.community import Community
from hub.sim.dispatch import Batteries
from hub.sim.habits import Habits
from hub.sim.origins import Mix
from hub.sim.outcome import Block, ForecastErrors
from hub.sim.scenario import HABIT
from hub.sim.settle import Memory, Settled, settle

Values = npt.NDArray[np.float64]
HOUR_MINUTES = 60


@dataclass
class _Parts:
    """The parts of a run that habits are kept of: hours, or slots that no hour is made of."""

    places: int
    number: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]

    @classmethod
    def of(cls, clock: Clock) -> _Parts:
        minutes = HOUR_MINUTES if HOUR_MINUTES % clock.slot_minutes == 0 else clock.slot_minutes
        first = int(clock.minutes_of_day[0]) % minutes
        passed = first + np.arange(clock.slots) * clock.slot_minutes
        return cls(
            -(-MINUTES_OF_DAY // minutes), passed // minutes, clock.minutes_of_day // minutes
        )


@dataclass
class Forecaster:
    """All peers' forecasts in one run; blocks come in their order."""

    community: Community
    errors: ForecastErrors
    perfect: Memory
    _parts: _Parts
    _load: Habits
    _generation: Habits
    _waiting: deque[tuple[Values, Values, Values]] = field(default_factory=deque)

    @classmethod
    def of(cls, community: Community) -> Forecaster | None:
        """Return the forecaster of a run's beginning, None where orders are what will be."""
        if community.market.forecast != HABIT:
            return None
        parts = _Parts.of(community.clock)
        load = Habits(community.size, parts.places, is_proportional=False)
        sun = Habits(community.size, parts.places, is_proportional=True)
        return cls(
            community, ForecastErrors.none(community), Memory.of(community), parts, load, sun
        )

    def settle(
        self, block: Block, batteries: Batteries, memory: Memory, mix: Mix | None = None
    ) -> Settled:
        """Let the peers meet by what they order, then the grid take the difference to what came.

        `mix`: what the peers' energy came from; nobody expects a source.
        """
        ordered_w, tariff = self._ordered_w(block, batteries), block.tariff
        made_w = np.nan_to_num(ordered_w, nan=0.0)
        met = settle(self.community, block.start, made_w, tariff, memory, mix)
        flows = with_differences(met, block.position_w)
        perfect = settle(self.community, block.start, block.position_w, tariff, self.perfect, mix)
        self._count(block, ordered_w, perfect.cost(tariff))
        return flows

    def _ordered_w(self, block: Block, batteries: Batteries) -> Values:
        """Return the positions that the peers order for, in W; NaN where nothing is known yet."""
        ahead = self.community.market.forecast_ahead_slots
        ordered_w = np.full_like(block.position_w, np.nan)
        generation_w = block.inputs.generation_w
        for row, slot in enumerate(range(block.start, block.stop)):
            if slot >= ahead:
                charge_wh = self._note(slot - ahead)
                ordered_w[row] = self._expect(slot, charge_wh, batteries)
            self._waiting.append(
                (block.inputs.load_w[row], generation_w[row], block.stored_wh[row])
            )
        return ordered_w

    def _note(self, slot: int) -> Values:
        """Take the oldest slot that waits, `slot` of the run; return the charge at its end."""
        load_w, generation_w, charge_wh = self._waiting.popleft()
        part = int(self._parts.number[slot]), int(self._parts.place[slot])
        self._load.note(*part, load_w)
        self._generation.note(*part, generation_w)
        return charge_wh

    def _expect(self, slot: int, charge_wh: Values, batteries: Batteries) -> Values:
        part = int(self._parts.number[slot]), int(self._parts.place[slot])
        surplus_w = self._generation.expect(*part) - self._load.expect(*part)
        position_w = batteries.preview(slot, charge_wh, surplus_w) - surplus_w
        return np.maximum(position_w, -self.community.export_limit_w)

    def _count(self, block: Block, ordered_w: Values, perfect: Values) -> None:
        errors, hours = self.errors, self.community.clock.slot_hours
        known = ~np.isnan(ordered_w[:, 0])
        wrong_w = (ordered_w - block.position_w)[known]
        errors.absolute += np.abs(wrong_w).sum(axis=0)
        errors.squared += (wrong_w**2).sum(axis=0)
        errors.signed += wrong_w.sum(axis=0)
        errors.perfect_cost += perfect.sum(axis=0) * hours
        errors.count += int(known.sum())
        errors.slots[block.start : block.stop] = np.nan_to_num(ordered_w, nan=0.0).sum(axis=1)


def with_differences(flows: Settled, came_w: Values) -> Settled:
    """Return the flows of orders with the grid taking what came otherwise, peer by peer."""
    grid_w = came_w - flows.bought_w + flows.sold_w
    import_w, export_w = np.maximum(grid_w, 0.0), np.maximum(-grid_w, 0.0)
    return replace(flows, import_w=import_w, export_w=export_w, is_ordered=True)
