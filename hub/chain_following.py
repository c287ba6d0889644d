"""The contract's events, as they come, into the store; whoever lives by them is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hub.chain.follower import FIRST_REFUSED_S, LONGEST_REFUSED_S, follow
from hub.chain.records import ChainUnavailable, Cursor, Rollback
from hub.chain_part import ChainPart
from hub.site_clock import wall_ms
from hub.store import Store


class Following:
    """`caught_up` is set once the store knows the block that was the newest at the start."""

    def __init__(
        self,
        chain: ChainPart,
        store: Store,
        on_moved: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._chain = chain
        self._store = store
        self._on_moved = on_moved
        self._say = say
        self.caught_up = asyncio.Event()

    async def run(self) -> None:
        """Follow from where the store stands, until cancelled; may be begun anew."""
        self._on_moved()  # of what was stored before a failure, maybe nobody was told
        known = self._store.chain_cursor()
        start = Cursor(*known) if known is not None else None
        head = await self._head()
        if start is not None and start.block_number >= head:
            self.caught_up.set()
        chain = self._chain
        address, say = chain.identity.address, self._say
        async for step in follow(chain.ws_url, address, start, chain.origin, say):
            if isinstance(step, Rollback):
                self._say(f"the chain replaced blocks after {step.cursor.block_number}")
                self._store.roll_back(step.cursor.block_number, step.cursor.block_hash)
            else:
                self._store.apply_batch(step.events, step.cursor, wall_ms())
                if step.cursor.block_number >= head:
                    self.caught_up.set()
            self._on_moved()

    async def _head(self) -> int:
        """Return the newest block's number, however often the node refuses to tell it."""
        pause_s, is_told = FIRST_REFUSED_S, False
        while True:
            try:
                return await asyncio.to_thread(lambda: self._chain.client.head()[0])
            except ChainUnavailable as problem:
                if not is_told:
                    self._say(f"following the chain waits: {problem}")
                is_told = True
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_REFUSED_S)
