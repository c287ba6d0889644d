"""Runs under MicroPython: the board's link against a broker, until connected or refused.

    micropython on_board_tls.py SETTINGS.json

Prints {"connected", "ms", "said"}: whether it came up, how long that took, what the link said.
"""

import asyncio
import json
import sys
import time

from node import link as link_module
from node.clock import Clock
from node.link import Link
from node.outbox import Outbox
from node.settings import Settings

WAIT_S = 60


class Network:
    """A network that is there."""

    def is_up(self):
        return True

    def name_server(self):
        return "127.0.0.1"

    async def join(self):
        pass


async def main(settings):
    said = []
    clock = Clock(time.ticks_us, time.ticks_diff)
    link = Link(settings, Network(), [Outbox()], clock, lambda topic, payload: None)
    came_up = asyncio.Event()
    link.on_up = came_up.set
    link_module.print = lambda _, text: (said.append(text), came_up.set())
    started = time.ticks_ms()
    running = asyncio.create_task(link.run())
    await asyncio.wait_for(came_up.wait(), WAIT_S)
    took_ms = time.ticks_diff(time.ticks_ms(), started)
    print(json.dumps({"connected": link.is_up, "ms": took_ms, "said": said}))
    running.cancel()


with open(sys.argv[1]) as file:
    asyncio.run(main(Settings(json.load(file))))
