"""Long pieces of work in, one of them after each look of the safety loop out."""

import asyncio
import random

LATE_MS, LATE_LOOK_MS = 4_000, 100


class Turns:
    """Nothing on this board interrupts anything else: work that waits its turn never comes in twos.

    A signed record and a collection each take 10 to 20 ms. Due at once and one after the other they
    would hold the safety loop up for two of its periods. A block of samples takes 7 ms and goes
    first: it can't wait. The loop looks more than twice a block, so others have most of the turns;
    where blocks wait for a save to end, others wait until they are done.
    """

    def __init__(self):
        self._waiting = []
        self._sampler = None  # waits for its turn

    async def take(self):
        """Wait for a turn, first come, first served. The work follows without waiting again."""
        turn = asyncio.Event()
        self._waiting.append(turn)
        await turn.wait()

    async def take_for_samples(self):
        """As `take`, for the one task that works on samples."""
        self._sampler = turn = asyncio.Event()
        await turn.wait()

    def grant(self):
        """Let the next one begin: the safety loop has looked and found nothing to do."""
        if self._sampler:
            self._sampler.set()
            self._sampler = None
        elif self._waiting:
            self._waiting.pop(0).set()


async def every(period_ms, action, turns=None, may=None):
    """Call `action` every period, from a random phase on: nodes must not send in step.

    `turns`: Turns, None for what takes less than a ms. `may()`, with
    `turns`: whether `action` may come now; it waits for that, LATE_MS at most.
    """
    await asyncio.sleep(random.getrandbits(16) % period_ms / 1000)
    while True:
        if turns:
            await turns.take()
        late_ms = 0
        while may and late_ms < LATE_MS and not may():
            await asyncio.sleep(LATE_LOOK_MS / 1000)
            await turns.take()
            late_ms += LATE_LOOK_MS
        action()
        await asyncio.sleep(period_ms / 1000)
