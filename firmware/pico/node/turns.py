"""Long pieces of work in, one of them after each look of the safety loop out."""

import asyncio


class Turns:
    """Nothing on this board interrupts anything else: work that waits its turn never comes in twos.

    A block of samples, a signed record and a collection each take 10 to 20 ms. Due at once and one
    after the other they would hold the safety loop up for three of its periods.
    """

    def __init__(self):
        self._waiting = []

    async def take(self):
        """Wait for a turn, first come, first served. The work follows without waiting again."""
        turn = asyncio.Event()
        self._waiting.append(turn)
        await turn.wait()

    def grant(self):
        """Let the next one begin: the safety loop has looked and found nothing to do."""
        if self._waiting:
            self._waiting.pop(0).set()
