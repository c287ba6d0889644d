"""The safety loop: bus samples to the delivery machine, its actions to the switchboard."""

import asyncio

from node.turns import Turns

FAST_MS = 20  # while a relay is closed or may soon be
SLOW_MS = 200


class Safety:
    """Looks at the bus meter and the link; everything that goes wrong opens the relays."""

    def __init__(self, bus, delivery, switchboard, clock):
        """`bus`: BusMeter."""
        self._bus = bus
        self._delivery = delivery
        self._switchboard = switchboard
        self._clock = clock
        self.turns = Turns()  # for all other work that takes long

    def step(self, is_link_up):
        """Look once and return whether there was anything to do."""
        sample = self._bus.read()
        now_ms = self._clock.now_ms()
        actions = self._delivery.tick(sample, is_link_up, now_ms)
        if actions:
            self._switchboard.apply(actions, now_ms)
        return bool(actions)

    async def run(self, beat, is_link_up):
        """Look for ever. `beat()` after each look; `is_link_up()`: the broker is connected.

        Wakes every FAST_MS even when idle, so that a relay is watched from its first moments on.
        """
        looked_ms = -SLOW_MS
        while True:
            started_ms = self._clock.now_ms()
            has_acted = False
            is_due = started_ms - looked_ms >= SLOW_MS
            if is_due or self._delivery.is_relay_needed():
                looked_ms = started_ms
                has_acted = self.step(is_link_up())
                beat()
            if not has_acted:
                self.turns.grant()
            rest_ms = FAST_MS - (self._clock.now_ms() - started_ms)
            await asyncio.sleep(max(0, rest_ms) / 1000)
