"""The safety loop: bus samples to the delivery machine, its actions to the switchboard."""

import asyncio

from node.turns import Turns

FAST_MS = 20  # while a relay is closed or may soon be
SLOW_MS = 200
FRESH_MS = 8


class Safety:
    """Looks at the bus meter and the link; everything that goes wrong opens the relays."""

    def __init__(self, bus, delivery, switchboard, clock):
        """`bus`: BusMeter."""
        self._bus = bus
        self._delivery = delivery
        self._switchboard = switchboard
        self._clock = clock
        self._looked_ms = -SLOW_MS
        self._beat = self._is_link_up = None  # set where the loop begins
        self.turns = Turns()  # for all other work that takes long

    def step(self, is_link_up):
        """Look once and return whether there was anything to do."""
        sample = self._bus.read()
        now_ms = self._clock.now_ms()
        actions = self._delivery.tick(sample, is_link_up, now_ms)
        if actions:
            self._switchboard.apply(actions, now_ms)
        return bool(actions)

    def look_before_work(self):
        """Look unless that was just now: before some ms of work that waits for no turn.

        A message read, one written and a step of a signature may follow a collection of 20 ms
        before the loop comes to its own look.
        """
        if self._beat is None or not self._delivery.is_relay_needed():
            return
        now_ms = self._clock.now_ms()
        if now_ms - self._looked_ms >= FRESH_MS:
            self._look(now_ms)

    def _look(self, now_ms):
        self._looked_ms = now_ms
        has_acted = self.step(self._is_link_up())
        self._beat()
        return has_acted

    async def run(self, beat, is_link_up):
        """Look for ever. `beat()` after each look; `is_link_up()`: the broker is connected.

        Wakes every FAST_MS even when idle, so that a relay is watched from its first moments on.
        """
        self._beat, self._is_link_up = beat, is_link_up
        while True:
            started_ms = self._clock.now_ms()
            has_acted = False
            is_due = started_ms - self._looked_ms >= SLOW_MS
            if is_due or self._delivery.is_relay_needed():
                has_acted = self._look(started_ms)
            if not has_acted:
                self.turns.grant()
            rest_ms = FAST_MS - (self._clock.now_ms() - started_ms)
            await asyncio.sleep(max(0, rest_ms) / 1000)
