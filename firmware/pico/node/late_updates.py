"""Stands for node.updates until there is an update: that one takes 10 kB of a board's memory.

Its modules are only imported while no delivery is near: to import them takes a board some 0.3 s,
which the safety loop would miss.
"""

import asyncio

LOOK_MS = 200


class LateUpdates:
    """As Updates, which it builds at the first need."""

    def __init__(self, boots, is_idle, build):
        """`boots`: launcher.Boots. `is_idle()`: no delivery is near. `build()`: -> Updates."""
        self._boots = boots
        self._is_idle = is_idle
        self._build = build
        self._offered = None  # the newest offer, until there are Updates to take it
        self.whole = None  # Updates, once there was a need

    def announce(self):
        """As Updates.announce. At a boot, so all relays are open."""
        failed = self._boots.failed
        if self._boots.trial or (failed and not failed[3]):
            self.load()
        if self.whole:
            self.whole.announce()

    def load(self):
        """Return the Updates. Raises MemoryError when there is no room for them."""
        if self.whole is None:
            self.whole = self._build()
        return self.whole

    def take(self, record):
        """As Updates.take."""
        what = record["what"]
        if self.whole:
            self.whole.take(record)
        elif what == "offer":
            self._offered = record
        elif what == "cancel" and self._is_of_offer(record):
            self._offered = None

    def _is_of_offer(self, record):
        return self._offered and record["package_id"] == self._offered["package_id"]

    def look(self):
        """As Updates.look."""
        if self.whole:
            self.whole.look()

    async def run(self, turns):
        """As Updates.run."""
        while self.whole is None:
            await asyncio.sleep(LOOK_MS / 1000)
            if self._offered and self._is_idle():
                self._begin()
        await self.whole.run(turns)

    def _begin(self):
        offered, self._offered = self._offered, None
        try:
            self.load().take(offered)
        except (MemoryError, ImportError) as problem:
            # The node goes on as it is; the hub offers again.
            print("updates: not now:", repr(problem))
