"""One agent's prices from window to window: what came of the last one in, its asking price out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hub.agent.preferences import Preferences
from hub.agent.strategies import (
    ADAPTIVE,
    FIRST_MARGIN_PERMILLE,
    TRUTHFUL,
    WHOLE,
    hoped_for,
    learn,
    quote,
)


class Pricing:
    """Remembers a margin. Forgetting it costs an agent a few windows of learning, nothing else."""

    def __init__(self, peer: str, wish: Preferences) -> None:
        self._peer, self._wish = peer, wish
        self.margin_permille = FIRST_MARGIN_PERMILLE
        self._window_id: int | None = None
        self._has_ordered = False
        self._price: int | None = None

    def follow(self, wish: Preferences) -> None:
        """Go on with other limits; the margin, a share, stays."""
        self._wish = wish

    def note(self, window_id: int, ordering: Sequence[str], prices: Sequence[int]) -> None:
        """Take how a window stands: who has orders in it, at what this house traded.

        A window that follows another makes it learn from that.
        """
        if window_id != self._window_id:
            self._learn()
            self._window_id, self._has_ordered, self._price = window_id, False, None
        self._has_ordered = self._has_ordered or self._peer in ordering or bool(prices)
        self._price = prices[-1] if prices else self._price

    def asking(self, window_id: int) -> int | None:
        """Return the price of an own order in a window, None for the limit itself."""
        wish, best = self._wish, self._best()
        if wish.strategy == TRUTHFUL or best is None:
            return None
        margin = self.margin_permille if wish.strategy == ADAPTIVE else self._drawn(window_id)
        return quote(wish.limit_gwei_per_kwh, best, margin)

    def _learn(self) -> None:
        best = self._best()
        if best is None or not self._has_ordered:
            return
        self.margin_permille = learn(
            self.margin_permille,
            self._wish.limit_gwei_per_kwh,
            best,
            is_done=self._price is not None,
            price=self._price,
        )

    def _best(self) -> int | None:
        wish = self._wish
        if wish.best_gwei_per_kwh is None:
            return None
        return hoped_for(
            wish.limit_gwei_per_kwh, wish.best_gwei_per_kwh, is_selling=wish.is_prosumer
        )

    def _drawn(self, window_id: int) -> int:
        """Return a margin by chance: of house and window, the same after a restart."""
        seed = hashlib.sha256(f"{self._peer}|{window_id}|price".encode()).digest()
        return int.from_bytes(seed[:4], "big") % (WHOLE + 1)
