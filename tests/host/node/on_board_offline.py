"""Runs under MicroPython: a node's sending side, whose network the standard input cuts and mends.

    micropython on_board_offline.py SETTINGS.json

Each line of the input is a word: "cut", "mend", "live" (queue a reading and an event) or "absent
N" (N seconds of readings, a minute of them an aggregate, pass at once). It prints what it did, one
line each, and "up" when connected. The working directory is its flash.
"""

import asyncio
import json
import select
import sys
import time

from node import link as link_module
from node.aggregate import Aggregator
from node.clock import Clock
from node.link import Link
from node.offline import Offline
from node.outbox import Outbox
from node.publisher import Publisher
from node.registers import Registers
from node.settings import Settings
from node.store import Store
from node.wall_clock import WallClock
from wire.records import SCHEMAS

NOW_MS = 1_800_000_000_000


class Network:
    """A network that the input cuts and mends."""

    is_there = True

    def is_up(self):
        return self.is_there

    def name_server(self):
        return "127.0.0.1"

    async def join(self):
        while not self.is_there:
            await asyncio.sleep(0.02)


class Later:
    """A clock that goes on only as it is told: a slow machine must not add to what is absent."""

    def __init__(self, now_ms):
        self._now_ms = now_ms

    def advance_ms(self, duration_ms):
        self._now_ms += duration_ms

    def now_ms(self):
        return self._now_ms


class Board:
    def __init__(self, settings):
        clock = Clock(time.ticks_us, time.ticks_diff)
        self.later = Later(clock.now_ms())
        wall_clock = WallClock(self.later, 0, None)
        wall_clock.set(NOW_MS)
        self.outbox = Outbox()
        store = Store(Registers(), "", NOW_MS)
        identity = (int(time.time_ns() % 2**32), "power_on")
        self.publisher = Publisher(settings, identity, store, self.outbox, wall_clock)
        self.offline = Offline(self.publisher, Aggregator(60_000), self.later)
        self.network = Network()
        sources = (self.outbox, self.offline)
        self.link = Link(settings, self.network, sources, clock, lambda topic, payload: None)
        self.link.on_up = self.came_up
        self.publisher.on_added = self.link.wake
        self.energy_uwh = 0

    def came_up(self):
        self.offline.end()
        print("up")

    def reading(self):
        self.energy_uwh += 1
        members = {member.name: None for member in SCHEMAS["reading"][3:]}
        members.update(quality_flags=0, bus_import_uwh=self.energy_uwh, bus_power_uw=3_600)
        self.publisher.send("reading", members)
        return members

    def absent(self, seconds):
        for _ in range(seconds):
            self.later.advance_ms(1_000)
            self.offline.take(self.reading())

    def obey(self, words):
        if words[0] == "absent":
            self.absent(int(words[1]))
        elif words[0] == "live":
            self.reading()
            self.publisher.send_event("boot", None, None)
        else:
            self.network.is_there = words[0] == "mend"
        print(" ".join(words), len(self.offline))


async def main(settings):
    link_module.BACKOFF_MS = (50, 200)
    board = Board(settings)
    asyncio.create_task(board.link.run())
    asyncio.create_task(board.link.tick())
    typed = select.poll()
    typed.register(sys.stdin, select.POLLIN)
    while True:
        if typed.poll(0):
            line = sys.stdin.readline()
            if not line:
                return
            board.obey(line.split())
        await asyncio.sleep(0.01)


with open(sys.argv[1]) as file:
    asyncio.run(main(Settings(json.load(file))))
