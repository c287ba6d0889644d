"""The rounds of the houses' agents on the hub: wishes as they stand enter, deeds leave."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import Protocol

from hub.agent.preferences import Preferences, preferences_of
from hub.agent.runner import Agent, Market
from hub.config import SiteConfig
from hub.config_tables import GRID, House
from hub.errors import TruequeError

LOG = logging.getLogger(__name__)

LOOK_PERIOD_S = 1.0


class Wishes(Protocol):
    """What it needs of hub.services.wishes.WishDesk."""

    def preferences(self, house: House, /) -> tuple[Preferences, Preferences | None]: ...


class AgentRunner:
    """Runs one agent per house in one task; each round looks at every house once."""

    def __init__(self, market: Market, config: SiteConfig, wishes: Wishes | None = None) -> None:
        """`wishes`: what people change while it runs; None: the usual ones for good."""
        self._houses = {
            house.name: house
            for house in config.houses
            # What is left the coordinator lets the grid take.
            if house.agent == "hub" and house.kind != GRID
        }
        self.agents = [
            Agent(name, market, preferences_of(house, config))
            for name, house in self._houses.items()
        ]
        self._market, self._wishes = market, wishes

    async def run(self) -> None:
        """Trade until cancelled: look once a second, and at once when somebody else acts."""
        loop, wake = asyncio.get_running_loop(), asyncio.Event()

        def note_change() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: so has the runner
                loop.call_soon_threadsafe(wake.set)

        self._market.on_change(note_change)
        while True:
            wake.clear()
            for agent in random.sample(self.agents, len(self.agents)):
                await self._round(agent)
            # Time alone opens and closes windows and wears out patience.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), LOOK_PERIOD_S)

    async def _round(self, agent: Agent) -> None:
        try:
            await asyncio.to_thread(self._look, agent)
        except TruequeError as problem:  # the chain or the store is away; the hub brings it back
            LOG.warning("the agent of %s waits: %s", agent.peer, problem)

    def _look(self, agent: Agent) -> None:
        if self._wishes is not None:
            agent.follow(*self._wishes.preferences(self._houses[agent.peer]))
        agent.act()
