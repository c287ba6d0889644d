"""Closed windows enter, their hashes go to the outside chain whenever that can be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hub.anchor.hashes import MAGIC, window_hash
from hub.chain.anchoring import OutsideChain
from hub.chain.records import ChainUnavailable, SignedCall, StaleCall
from hub.config import SiteConfig
from hub.errors import TruequeError
from hub.keys import Keys
from hub.site_clock import wall_ms
from hub.store import AnchorRow, Store

FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 600.0
LOOK_S = 60.0  # a window is over by the clock, too


class Anchoring:
    """Runs until cancelled. What could not be sent waits in the store, over restarts."""

    def __init__(
        self,
        store: Store,
        outside: OutsideChain,
        say: Callable[[str], None] = lambda text: None,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._store = store
        self._outside = outside
        self._say = say
        self._now_ms = now_ms
        self._wake = asyncio.Event()
        self._pause_s = 0.0

    @classmethod
    def of(
        cls, config: SiteConfig, keys: Keys, store: Store, say: Callable[[str], None]
    ) -> Anchoring | None:
        """Make it for a site; None when no outside chain is configured."""
        if not config.anchor.rpc_url:
            return None
        outside = OutsideChain(config.anchor.rpc_url, keys.anchor, config.anchor.to)
        return cls(store, outside, say)

    def wake(self) -> None:
        """Look again, after events of the chain were applied."""
        if not self._pause_s:
            self._wake.set()

    async def run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await asyncio.to_thread(self.do_round)
                self._pause_s = 0.0
            except (ChainUnavailable, StaleCall, TruequeError) as problem:
                if not self._pause_s:
                    self._say(f"hashes of windows wait for the outside chain: {problem}")
                self._pause_s = min(max(FIRST_PAUSE_S, 2 * self._pause_s), LONGEST_PAUSE_S)
            try:
                await asyncio.wait_for(self._wake.wait(), self._pause_s or LOOK_S)
            except TimeoutError:
                continue

    def do_round(self) -> None:
        """Hash what is closed, then send what waits. Raises ChainUnavailable, StaleCall."""
        queue_closed_windows(self._store, self._now_ms())
        waiting = [row for row in self._store.anchors() if row.block_number is None]
        if not waiting:
            return
        chain_id = self._outside.chain_id
        for row in waiting:
            block_number = self._send(row, chain_id)
            self._store.move_anchor(row.window_id, block_number=block_number)
            self._say(
                f"window {row.window_id} is anchored in block {block_number} of chain {chain_id}"
            )

    def _send(self, row: AnchorRow, chain_id: int) -> int:
        if row.raw is not None and row.chain_id == chain_id:
            try:
                return self._outside.resume(row.raw)
            except StaleCall:  # its number was used by another transaction: it can never be mined
                pass

        def keep(call: SignedCall) -> None:
            self._store.move_anchor(
                row.window_id, chain_id=chain_id, transaction_hash=call.hash, raw=call.raw
            )

        return self._outside.write(content(row), keep)


def content(row: AnchorRow) -> bytes:
    """Return the data of an anchor's transaction."""
    return MAGIC + bytes.fromhex(row.hash)


def queue_closed_windows(store: Store, now_ms: int) -> None:
    """Hash every window that is closed and has no hash yet."""
    identity = store.identity()
    if identity is None:
        return
    for window_id in store.windows_without_anchor(now_ms // 1000):
        window = store.window(window_id)
        if window is not None:
            made = window_hash(identity, window, store.trades(window_id=window_id))
            store.keep_anchor(window_id, made, now_ms)
