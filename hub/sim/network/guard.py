"""Keeps a run within its feeder: the positions of a block enter; by how much peers must give way
and a record of every slot's power flow leave.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.sim.network.feeder import Feeder, State
from hub.sim.network.giving_way import Room
from hub.sim.network.limits import AFTER, BEFORE, Network
from hub.sim.network.opf import Bounds, given_w

Values = npt.NDArray[np.float64]

ROUNDS = 6  # until the full power flow agrees with the linear one
TOLERANCE = 1e-4  # of a limit: 0.01 %
NEAR = 0.02  # a limit that is this near binds, or would if the model were right
SMALLEST_W = 0.1
LEAST_LOADING = 1e-3


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
    held_back: int = 0  # slots in which something was held back or curtailed
    waited: int = 0  # slots in which charging or load had to wait


class Guard:
    """One run's feeder; slots come in their order."""

    def __init__(self, network: Network, feeder: Feeder) -> None:
        self.network, self.feeder = network, feeder
        self.watched = Watched()
        self._last: tuple[Values, State] | None = None

    @property
    def acts(self) -> bool:
        return self.limits_before or self.curtails_after

    @property
    def limits_before(self) -> bool:
        return self.network.mode == BEFORE

    @property
    def curtails_after(self) -> bool:
        return self.network.mode == AFTER

    def change_w(self, position_w: Values, room: Room) -> Values:
        """Return by how much peers must change their positions in a slot, (1, peers): up for what
        is fed in less, down for what is taken less, each within its `room`."""
        own_w = position_w[0]
        is_feeding = own_w < 0
        gives_w = self._given(own_w, np.where(is_feeding, room.up_w, room.down_w))
        self.watched.held_back += bool(gives_w[is_feeding].any())
        self.watched.waited += bool(gives_w[~is_feeding].any())
        return np.where(is_feeding, gives_w, -gives_w)[None]

    def _given(self, position_w: Values, can_w: Values) -> Values:
        """Ask the linear model, then the full power flow, whose answer moves the model's limits.

        Of what passes the limits least, the least that peers give is taken.
        """
        network = self.network
        limits = np.array(
            [network.max_voltage_pu, -network.min_voltage_pu, *[network.max_loading] * 2]
        )
        bounds = limits.copy()
        sign = -np.sign(position_w)
        best: tuple[int, float, Values] | None = None
        gives_w = self._ask(position_w, can_w, bounds)
        for _ in range(ROUNDS):
            over = _extremes(self.flow(position_w + sign * gives_w)) - limits
            missed = int(np.maximum(over, 0.0).sum() / TOLERANCE)
            if best is None or (missed, gives_w.sum()) < best[:2]:
                best = missed, float(gives_w.sum()), gives_w
            if missed == 0 and (not gives_w.any() or over.max() > -TOLERANCE):
                break
            # The limit that binds moves by what the model was wrong; it stays where none does.
            bounds -= np.where(over > -NEAR, over, 0.0)
            before_w, gives_w = gives_w, self._ask(position_w, can_w, bounds)
            if np.allclose(before_w, gives_w, atol=SMALLEST_W):
                break  # nothing is left that could give way, or nothing need
        assert best is not None
        return best[2]

    def _ask(self, position_w: Values, can_w: Values, bounds: Values) -> Values:
        high_pu, low_pu, back, forth = bounds.tolist()
        loading = max(back, LEAST_LOADING), max(forth, LEAST_LOADING)
        return given_w(self.feeder.response, position_w, can_w, Bounds(high_pu, -low_pu, *loading))

    def flow(self, position_w: Values) -> State:
        """Return the power flow of one slot; that of the last positions asked for is known."""
        if self._last is None or not np.array_equal(self._last[0], position_w):
            self._last = position_w.copy(), self.feeder.flow(position_w)
        return self._last[1]

    def watch(self, start: int, position_w: Values) -> None:
        """Run the power flow of each slot of a block from slot `start` on, and note violations."""
        for row, own_w in enumerate(position_w):
            state = self.flow(own_w)
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
            "slots_held_back": watched.held_back,
            "slots_waited": watched.waited,
            "violations": {
                kind: sum(one.kind == kind for one in watched.violations) for kind in kinds
            },
            "slots_with_violations": len({one.slot for one in watched.violations}),
        }


def _extremes(state: State) -> Values:
    """Return what must stay below the limits: highest and lowest voltage (negative), and the
    highest loading of branches whose power flows back towards the grid, and towards the houses."""
    is_back = state.flow_w < 0
    return np.array(
        [
            state.voltage_pu.max(),
            -state.voltage_pu.min(),
            state.loading[is_back].max(initial=0.0),
            state.loading[~is_back].max(initial=0.0),
        ]
    )
