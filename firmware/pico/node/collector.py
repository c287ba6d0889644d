"""Garbage in, free memory out, in turns of its own: a collection within other work holds it up."""

import asyncio
import gc

PERIOD_MS = 500  # a node that samples and sends leaves some 30 kB in that time
NEEDED_PERIOD_MS = 300  # and one that reports a delivery as much in this
COUNT_EVERY = 20  # collections
# How much may be allocated between two collections once the node runs: no limit but what is free.
# The launcher's threshold is for imports, whose garbage would scatter what stays. What stays now
# has its place, and a threshold counts as well what big integers and TLS have long given back.
RUNNING_THRESHOLD_BYTES = -1


class Collector:
    """Collects before memory runs out, when it would be collected in the middle of other work."""

    def __init__(self, is_delivering):
        """`is_delivering()`: a relay is closed or may soon be, or what it moved is being signed."""
        self._is_delivering = is_delivering
        gc.collect()
        self.free_bytes = 0  # as last counted, after a collection
        self._count()

    async def run(self, turns):
        """Collect for ever. `turns`: Turns.

        Counting takes 7 ms more: it is left out while the safety loop must not wait for it.
        """
        if hasattr(gc, "threshold"):  # MicroPython's
            gc.threshold(RUNNING_THRESHOLD_BYTES)
        while True:
            for _ in range(COUNT_EVERY):
                is_needed = self._is_delivering()
                await asyncio.sleep((NEEDED_PERIOD_MS if is_needed else PERIOD_MS) / 1000)
                await turns.take()
                gc.collect()
            if not self._is_delivering():
                self._count()

    def _count(self):
        if hasattr(gc, "mem_free"):
            self.free_bytes = gc.mem_free()
