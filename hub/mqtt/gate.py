"""Who may speak, and how often: nodes of arrivals enter, those to refuse leave.

Mosquitto 2.0 bounds packets, connections and queues, but not how many messages a client sends. So
the hub counts: a node whose bucket is empty is shut out for a while, longer each time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from hub.site_clock import steady_ms

# A board in a delivery sends 11 messages a second at most; after days away it sends 384 aggregates
# and its reports one after another.
BURST_S = 20  # how many seconds of its rate a node may be ahead
FIRST_PAUSE_S, LONGEST_PAUSE_S = 60, 3_600
FORGIVEN_MS = 86_400_000  # after a day without a flood the pauses begin anew


class _Bucket:
    __slots__ = ("filled_at_ms", "floods", "flooded_at_ms", "tokens")

    def __init__(self, tokens: float, now_ms: int) -> None:
        self.tokens, self.filled_at_ms = tokens, now_ms
        self.floods = self.flooded_at_ms = 0


class Gate:
    """Asked by the ingest thread for every message; told by the hub who is revoked.

    `on_flood(node, pause_s)` is called once when a node is shut out for sending too much.
    `is_live()` is False while what waited at the broker is still arriving: its rate is not the
    node's. The clock is the steady one, by which its account returns, too: a wall clock set back
    would let a node connect and leave it shut out for as long.
    """

    def __init__(
        self,
        rate_per_s: int,
        on_flood: Callable[[str, int], None] = lambda node, pause_s: None,
        is_live: Callable[[], bool] = lambda: True,
        now_ms: Callable[[], int] = steady_ms,
    ) -> None:
        self._rate_per_s = rate_per_s
        self._burst = rate_per_s * BURST_S
        self._on_flood = on_flood
        self._is_live = is_live
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._until_ms: dict[str, int] = {}
        self._revoked: frozenset[str] = frozenset()

    def revoke(self, nodes: Iterable[str]) -> None:
        """Let exactly these nodes be refused for good."""
        with self._lock:
            self._revoked = frozenset(nodes)

    def pardon(self, node: str) -> None:
        """Forget a node's floods: a person gave it new credentials."""
        with self._lock:
            self._until_ms.pop(node, None)
            self._buckets.pop(node, None)

    def is_shut(self, node: str) -> bool:
        """Tell whether what the node says is refused unread."""
        return node in self._revoked or self.shut_left_ms(node) is not None

    def shut_left_ms(self, node: str) -> int | None:
        """Return how long a node that sent too much is still shut out, None when it is not."""
        left_ms = self._until_ms.get(node, 0) - self._now_ms()
        return left_ms if node in self._until_ms and left_ms > 0 else None

    def count(self, node: str, messages: int) -> None:
        """Take a node's messages from its bucket; shut it out when that is empty."""
        if not self._is_live() or self.is_shut(node):
            return
        now_ms = self._now_ms()
        with self._lock:
            bucket = self._buckets.get(node)
            if bucket is None:
                bucket = self._buckets[node] = _Bucket(self._burst, now_ms)
            gained = (now_ms - bucket.filled_at_ms) * self._rate_per_s / 1000
            bucket.tokens = min(self._burst, bucket.tokens + gained) - messages
            bucket.filled_at_ms = now_ms
            if bucket.tokens >= 0:
                return
            pause_s = self._shut(node, bucket, now_ms)
        self._on_flood(node, pause_s)

    def _shut(self, node: str, bucket: _Bucket, now_ms: int) -> int:
        if now_ms - bucket.flooded_at_ms > FORGIVEN_MS:
            bucket.floods = 0
        pause_s: int = min(FIRST_PAUSE_S * 2**bucket.floods, LONGEST_PAUSE_S)
        bucket.floods = min(bucket.floods + 1, 10)
        bucket.flooded_at_ms = now_ms
        bucket.tokens = self._burst
        self._until_ms[node] = now_ms + pause_s * 1000
        return pause_s
