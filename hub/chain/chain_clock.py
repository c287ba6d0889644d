"""How far the chain's clock is ahead of this machine's: the node is asked, milliseconds leave.

The contract judges deadlines by the time of blocks. A node whose clock is ahead refuses a report
that the wall clock still allows, so what is armed must end earlier by as much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hub.chain.client import MarketClient
from hub.chain.records import ChainUnavailable
from hub.site_clock import wall_ms

ASK_S, AWAY_S = 5.0, 1.0
SAID_MS = 2_000  # whole seconds and the way of the question are no news


class ChainClock:
    """`ahead_ms` is the last answer, negative for a chain that is behind.

    `on_change` is called when it changes, `on_back` when a node that was away answers again;
    `is_away` tells whether the last question had no answer.
    """

    def __init__(
        self,
        client: MarketClient,
        say: Callable[[str], None] = lambda text: None,
        on_change: Callable[[], None] = lambda: None,
        on_back: Callable[[], None] = lambda: None,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._client = client
        self._say = say
        self._on_change = on_change
        self._on_back = on_back
        self.is_away = False
        self._now_ms = now_ms
        self._wake = asyncio.Event()
        self.ahead_ms = 0

    def wake(self) -> None:
        """Ask at once: a block came."""
        self._wake.set()

    async def run(self) -> None:
        """Ask now and then, and with each block, until cancelled."""
        while True:
            self._wake.clear()
            await self.ask()
            try:
                await asyncio.wait_for(self._wake.wait(), AWAY_S if self.is_away else ASK_S)
            except TimeoutError:
                continue

    async def ask(self) -> None:
        """Ask once; without an answer the last one stands."""
        try:
            chain_s = await asyncio.to_thread(self._client.next_block_time_s)
        except ChainUnavailable:
            self.is_away = True
            return
        if self.is_away:
            self.is_away = False
            self._on_back()
        # A block's time is its second, begun up to a second ago.
        ahead_ms = chain_s * 1_000 - self._now_ms()
        before_ms, self.ahead_ms = self.ahead_ms, ahead_ms if abs(ahead_ms) >= SAID_MS else 0
        if abs(self.ahead_ms - before_ms) < SAID_MS:
            self.ahead_ms = before_ms  # steady, so that deadlines do not tremble
            return
        self._say(f"the chain's clock is {self.ahead_ms / 1000:+.0f} s from this machine's")
        self._on_change()
