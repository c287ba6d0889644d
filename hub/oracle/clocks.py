"""The oracle's clocks: wall, steady and chain time enter, jumps between them leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

LEAST_JUMP_MS = 500  # less is a clock being steered


@dataclass
class Clocks:
    """Deadlines on the chain are wall time; how long a board was silent is steady time.

    The machine's wall clock may be set, and the chain's may be ahead of it: the contract then
    refuses a report that the wall clock still allows.
    """

    now_ms: Callable[[], int]
    steady_ms: Callable[[], int]
    chain_ahead_ms: Callable[[], int] = lambda: 0
    _apart_ms: int | None = field(default=None, init=False)

    def jump_ms(self) -> int:
        """Return by how much the wall clock was set since this was asked last; 0 when it ran on."""
        apart_ms = self.now_ms() - self.steady_ms()
        jump_ms = 0 if self._apart_ms is None else apart_ms - self._apart_ms
        self._apart_ms = apart_ms
        return jump_ms if abs(jump_ms) >= LEAST_JUMP_MS else 0

    def ahead_ms(self) -> int:
        """Return by how much the chain is ahead of the wall clock; one that is behind does no
        harm: it takes reports for longer."""
        return max(self.chain_ahead_ms(), 0)
