"""Signs of life in, a fed watchdog out: it is fed only while all parts live."""

import asyncio

LOOK_MS = 500
# A link's longest honest waits: 20 s to join, 25 s until a broker has answered, and before the next
# attempt 23 s and `link_lost_ms` on top.
PATIENCE_MS = {"sampler": 2_000, "safety": 1_000, "link": 120_000}


class Supervisor:
    """Feeds the watchdog, or opens the relays and lets it bite."""

    def __init__(self, watchdog, clock, on_failure):
        """`watchdog`: machine.WDT, running. `on_failure()`: opens the relays and tells the hub."""
        self._watchdog = watchdog
        watchdog.feed()  # all parts are built
        self._clock = clock
        self._on_failure = on_failure
        now_ms = clock.now_ms()
        self._beats_ms = {part: now_ms for part in PATIENCE_MS}
        self._excused_until_ms = now_ms
        self.has_failed = False

    def excuse(self, duration_ms):
        """For so long no part needs to be alive: something is about to hold up all of them.

        Only while both relays are open. The watchdog itself excuses nothing.
        """
        self._excused_until_ms = self._clock.now_ms() + duration_ms

    def beat(self, part):
        """`part` is alive."""
        self._beats_ms[part] = self._clock.now_ms()

    def look(self):
        """Feed the watchdog if every part lives; a part that was silent too long is a failure."""
        now_ms = self._clock.now_ms()
        for part, patience_ms in PATIENCE_MS.items():
            # Afterwards each has its whole patience to come back.
            alive_ms = max(self._beats_ms[part], self._excused_until_ms)
            if now_ms - alive_ms > patience_ms:
                self.fail(part + " is silent")
        if not self.has_failed:
            self._watchdog.feed()

    def fail(self, reason):
        """From now on the watchdog is not fed: a reset follows within 8 s."""
        if self.has_failed:
            return
        self.has_failed = True
        print("failure:", reason)
        try:
            self._on_failure()
        except Exception as problem:
            # It opens before it tells; untold, the hub learns of it by the boot that follows.
            print("failure: not told:", repr(problem))

    async def run(self):
        """Look for ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_MS / 1000)

    async def guard(self, part, coroutine):
        """Run one task of the node; whatever exception leaves it is a failure."""
        try:
            await coroutine
        except Exception as problem:
            self.fail("%s: %r" % (part, problem))
