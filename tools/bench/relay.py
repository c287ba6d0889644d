"""A relay: the level at its coil becomes contact edges after operate and release times."""

from __future__ import annotations

from collections import deque
from typing import Literal

import numpy as np

Fault = Literal["welded", "stuck_open"]


class Relay:
    """One contact of an SRD-05VDC form C relay: <= 10 ms each way, bouncing when it closes.

    `edges_until` yields contact changes in time order; a bounce is a short re-opening.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._operate_s = float(rng.uniform(0.006, 0.009))
        self._release_s = float(rng.uniform(0.003, 0.005))
        self._pending: deque[tuple[float, bool]] = deque()
        self._fault: Fault | None = None
        self.is_energised = False
        self.is_closed = False

    @property
    def next_edge_s(self) -> float | None:
        """Time of the next contact change, None when nothing moves."""
        return self._pending[0][0] if self._pending else None

    def drive(self, energised: bool, now_s: float) -> None:
        """Set the coil. A coil that changes again cancels contact movement not yet made."""
        if energised == self.is_energised:
            return
        self.is_energised = energised
        self._pending.clear()
        if self._fault is not None:
            return
        if not energised:
            if self.is_closed:
                self._pending.append((now_s + self._release_s, False))
            return
        at_s = now_s + self._operate_s
        self._pending.append((at_s, True))
        for _ in range(int(self._rng.integers(1, 4))):
            at_s += float(self._rng.uniform(0.0001, 0.0004))
            self._pending.append((at_s, False))
            at_s += float(self._rng.uniform(0.0001, 0.0004))
            self._pending.append((at_s, True))

    def take_edge(self) -> tuple[float, bool]:
        """Make the next contact change and return (its time in s, closed)."""
        at_s, self.is_closed = self._pending.popleft()
        return at_s, self.is_closed

    def break_down(self, fault: Fault | None, now_s: float) -> None:
        """Inject a fault, or repair it with None: `welded` is closed whatever the coil does."""
        self._fault = None
        self._pending.clear()
        if fault == "stuck_open":
            if self.is_closed:
                self._pending.append((now_s, False))
        elif fault == "welded":
            if not self.is_closed:
                self._pending.append((now_s, True))
        elif self.is_closed != self.is_energised:
            self._pending.append((now_s + self._release_s, self.is_energised))
        self._fault = fault
