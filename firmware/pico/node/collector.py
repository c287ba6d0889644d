"""Garbage in, free memory out, in turns of its own: a collection within other work doubles it."""

import asyncio
import gc

PERIOD_MS = 500  # a node that samples and sends leaves some 10 kB in that time
COUNT_EVERY = 20  # collections


class Collector:
    """Collects before `gc.threshold` would, which main.py sets for what comes unexpectedly."""

    def __init__(self, is_relay_needed):
        """`is_relay_needed()`: a relay is closed or may soon be."""
        self._is_relay_needed = is_relay_needed
        gc.collect()
        self.free_bytes = 0  # as last counted, after a collection
        self._count()

    async def run(self, turns):
        """Collect for ever. `turns`: Turns.

        Counting takes 7 ms more: it is left out while the safety loop must not wait for it.
        """
        while True:
            for _ in range(COUNT_EVERY):
                await asyncio.sleep(PERIOD_MS / 1000)
                await turns.take()
                gc.collect()
            if not self._is_relay_needed():
                self._count()

    def _count(self):
        if hasattr(gc, "mem_free"):
            self.free_bytes = gc.mem_free()
