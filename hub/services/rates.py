"""How often somebody may ask: a name enters, whether it is his turn leaves."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_NAMES = 1_000


class Rates:
    """A bucket for each name, refilled at `rate_per_s` up to `burst`; the oldest are forgotten."""

    def __init__(
        self, rate_per_s: float, burst: int, now_s: Callable[[], float] | None = None
    ) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._now_s = now_s or time.monotonic
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> bool:
        """Take one from a name's bucket; False when it is empty."""
        now_s = self._now_s()
        with self._lock:
            tokens, filled_at_s = self._buckets.pop(name, (float(self._burst), now_s))
            tokens = min(self._burst, tokens + (now_s - filled_at_s) * self._rate_per_s)
            self._buckets[name] = (max(0.0, tokens - 1), now_s)
            while len(self._buckets) > MOST_NAMES:
                self._buckets.popitem(last=False)
        return tokens >= 1
