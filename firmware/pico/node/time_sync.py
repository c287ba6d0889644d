"""Asks the hub's time server and sets the wall clock, at random moments of a period."""

import asyncio
import os
import random

from node import sntp
from node.addresses import address_of
from node.datagram import ask
from node.wall_clock import LATEST_MS

PERIOD_MS = 3_600_000  # a crystal off by 50 ppm drifts 0.2 s in it
RETRY_MS = (2_000, 300_000)  # first and longest pause while nobody answers
ANSWER_MS = 1_000
KEEP_MS = 86_400_000  # how far the known past moves on before it is saved again


class TimeSync:
    """Keeps `wall_clock` right. `server`: (host, port)."""

    def __init__(self, server, wall_clock, clock, slots):
        """`slots`: Slots that keep the last known time."""
        self._server = server
        self._wall_clock = wall_clock
        self._clock = clock
        self._slots = slots
        self._kept_ms = wall_clock.floor_ms
        self.on_set = None  # (step_ms) -> None, after each answer
        self._said = ""

    async def once(self, name_server):
        """Ask once and return whether the clock was set. Never raises."""
        self._answer = "no answer"
        try:
            address = await address_of(self._server[0], name_server)
            if await self._ask((address, self._server[1])):
                self._said = ""
                return True
        except OSError as problem:
            self._answer = str(problem)
        said = "clock: no time from %s: %s" % (self._server[0], self._answer)
        if said != self._said:
            print(said)
        self._said = said
        return False

    async def run(self, network):
        """Ask for ever; the link asks before it connects, so this begins with a pause.

        `network`: Wifi or Ethernet.
        """
        pause_ms = RETRY_MS[0]
        while True:
            # Jittered, else boards that started together would ask together for ever.
            is_set = self._wall_clock.is_set()
            await asyncio.sleep(_jittered(PERIOD_MS if is_set else pause_ms) / 1000)
            if network.is_up() and await self.once(network.name_server()):
                pause_ms = RETRY_MS[0]
            else:
                pause_ms = min(2 * pause_ms, RETRY_MS[1])

    async def _ask(self, address):
        cookie = os.urandom(8)
        sent_ms = self._clock.now_ms()

        def accept(answer):
            server_ms = sntp.unix_ms(answer, cookie)
            if server_ms is None:
                self._answer = "it has none itself"
                return None
            if not self._wall_clock.is_plausible(server_ms):
                self._answer = "its time is before what is known to be past, or after 2100"
                return None
            # The server's word is half a round trip old.
            return server_ms + (self._clock.now_ms() - sent_ms) // 2

        found = await ask(address, sntp.question(cookie), accept, ANSWER_MS)
        if found is None:
            return False
        step_ms = self._wall_clock.set(found)
        if self.on_set:
            self.on_set(step_ms)
        return True

    def keep(self):
        """Remember in flash, at most once a day, how late it is at least.

        Called when the broker is connected: its certificate has then confirmed the year. A forged
        answer that went to flash at once would make the board refuse true ones for ever.
        """
        unix_ms = self._wall_clock.unix_ms()
        if unix_ms is not None and unix_ms - self._kept_ms >= KEEP_MS:
            self._kept_ms = unix_ms
            self._slots.save(unix_ms.to_bytes(8, "big"))


def kept_ms(slots):
    """Return the last time kept in flash, 0 when there is none that could be one."""
    saved = slots.load()
    kept = int.from_bytes(saved, "big") if saved and len(saved) == 8 else 0
    return kept if kept < LATEST_MS else 0


def _jittered(pause_ms):
    """Return a pause between a half and three halves of `pause_ms`."""
    return pause_ms // 2 + random.getrandbits(24) % pause_ms
