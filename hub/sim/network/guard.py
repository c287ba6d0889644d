"""Keeps a run within its feeder: positions and settled flows of a block enter; what is held back,
the trades that are curtailed and a record of every slot's power flow leave.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.sim.clock import Clock
from hub.sim.network.feeder import Feeder, State
from hub.sim.network.limits import AFTER, BEFORE, Network
from hub.sim.network.opf import Bounds, held_back_w

Values = npt.NDArray[np.float64]

ROUNDS = 6  # until the full power flow agrees with the linear one
TOLERANCE = 1e-4  # of a limit: 0.01 %
NEAR = 0.02  # a limit that is this near binds, or would if the model were right
SMALLEST_W = 0.1


@dataclass(frozen=True)
class Violation:
    """A limit that a slot did not keep: of which bus or branch, its value and the limit."""

    slot: int
    kind: str
    place: str
    value: float
    limit: float


@dataclass
class Watched:
    """What the power flow of each slot found: voltages in pu, loading as a share of the rating."""

    lowest_pu: list[float] = field(default_factory=list)
    highest_pu: list[float] = field(default_factory=list)
    loading: list[float] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    prevented: int = 0  # slots in which something was held back or curtailed


class Guard:
    """One run's feeder; slots come in their order."""

    def __init__(self, network: Network, names: tuple[str, ...], clock: Clock) -> None:
        self.network, self.clock = network, clock
        self.feeder = Feeder(network, names)
        self.watched = Watched()

    @property
    def limits_before(self) -> bool:
        return self.network.mode == BEFORE

    @property
    def curtails_after(self) -> bool:
        return self.network.mode == AFTER

    def held_back(self, position_w: Values, can_cut_w: Values) -> Values:
        """Return what each peer's export must shrink by in each slot, (slots, peers)."""
        cut_w = np.zeros_like(position_w)
        for row in range(len(position_w)):
            cut_w[row] = self._cut(position_w[row], can_cut_w[row])
        self.watched.prevented += int(np.count_nonzero(cut_w.any(axis=1)))
        return cut_w

    def _cut(self, position_w: Values, can_cut_w: Values) -> Values:
        """Ask the linear model, then the full power flow, whose answer moves the model's limits.

        Of what keeps the limits the least cut is taken; where nothing keeps them, the last.
        """
        bounds = Bounds(self.network.max_voltage_pu, self.network.max_loading)
        cut_w = held_back_w(self.feeder.response, position_w, can_cut_w, bounds)
        least_w: Values | None = None
        for _ in range(ROUNDS if cut_w.any() else 1):
            state = self.feeder.flow(position_w + cut_w)
            over_pu = float(state.voltage_pu.max()) - self.network.max_voltage_pu
            over = self._back_loading(state) - self.network.max_loading
            keeps = over_pu <= TOLERANCE and over <= TOLERANCE
            if keeps and (least_w is None or cut_w.sum() < least_w.sum()):
                least_w = cut_w
            if keeps and (not cut_w.any() or max(over_pu, over) > -TOLERANCE):
                break
            # The limit that binds moves by what the model was wrong; it stays where none does.
            bounds = Bounds(
                bounds.max_voltage_pu - (over_pu if over_pu > -NEAR or not keeps else 0.0),
                max(bounds.max_loading - (over if over > -NEAR or not keeps else 0.0), 0.0),
            )
            before_w = cut_w
            cut_w = held_back_w(self.feeder.response, position_w, can_cut_w, bounds)
            if np.allclose(before_w, cut_w, atol=SMALLEST_W):
                break  # nothing is left that could be held back, or nothing need be
        return cut_w if least_w is None else least_w

    @staticmethod
    def _back_loading(state: State) -> float:
        """Return the highest loading of a branch whose power flows back towards the grid."""
        back = state.loading[state.flow_w < 0]
        return float(back.max(initial=0.0))

    def watch(self, start: int, position_w: Values) -> None:
        """Run the power flow of each slot of a block from slot `start` on, and note violations."""
        for row, own_w in enumerate(position_w):
            state = self.feeder.flow(own_w)
            self.watched.lowest_pu.append(float(state.voltage_pu.min()))
            self.watched.highest_pu.append(float(state.voltage_pu.max()))
            self.watched.loading.append(float(state.loading.max()))
            self.watched.violations += self._violations(start + row, state)

    def _violations(self, slot: int, state: State) -> list[Violation]:
        low, high, most = (
            self.network.min_voltage_pu,
            self.network.max_voltage_pu,
            self.network.max_loading,
        )
        found = []
        for kind, values, limit, sign, places in (
            ("undervoltage", state.voltage_pu, low, -1, self.feeder.buses),
            ("overvoltage", state.voltage_pu, high, 1, self.feeder.buses),
            ("overload", state.loading, most, 1, self.feeder.branches),
        ):
            for at in np.flatnonzero(sign * (values - limit) > TOLERANCE):
                found.append(Violation(slot, kind, places[at], float(values[at]), limit))
        return found

    def record(self) -> dict[str, Any]:
        """Return what summary.json says of the feeder."""
        watched = self.watched
        kinds = ("undervoltage", "overvoltage", "overload")
        return {
            "feeder": self.network.feeder,
            "mode": self.network.mode,
            "lowest_voltage_pu": round(min(watched.lowest_pu), 6),
            "highest_voltage_pu": round(max(watched.highest_pu), 6),
            "highest_loading": round(max(watched.loading), 6),
            "slots_held_back": watched.prevented,
            "violations": {
                kind: sum(one.kind == kind for one in watched.violations) for kind in kinds
            },
            "slots_with_violations": len({one.slot for one in watched.violations}),
        }
