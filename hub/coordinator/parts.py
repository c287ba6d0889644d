"""A site's coordinator as one: reviews orders, clears books, lets the grid take what is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from hub.chain.client import MarketClient
from hub.config import SiteConfig
from hub.coordinator.approval import Reviewer
from hub.coordinator.clearing import Clearer
from hub.coordinator.grid_taker import GridTaker
from hub.coordinator.groups import group_of
from hub.keys import Keys
from hub.store import Store


@dataclass(frozen=True)
class BookKeeping:
    """What the coordinator does with books, beside opening windows (hub/schedule.py)."""

    clearer: Clearer
    reviewer: Reviewer | None
    taker: GridTaker | None = None

    @classmethod
    def of(
        cls,
        config: SiteConfig,
        store: Store,
        client: MarketClient,
        keys: Keys,
        say: Callable[[str], None],
    ) -> BookKeeping:
        """Make the parts of a site; a person reviews where approval is manual."""
        market, account = config.market, keys.coordinator
        address = {one.name: str(keys.peers[one.name].address) for one in config.houses}
        members = {address[one.name]: group_of(config, one) for one in config.houses}
        nodes = {address[one.name]: one.name for one in config.houses}
        reviewer = None
        if market.approval == "automatic":
            reviewer = Reviewer(market, store, client, account, nodes, say)
        grid = None if config.grid is None else keys.peers[config.grid.name]
        taker = None if grid is None else GridTaker(market, store, client, grid, say)
        grid_address = None if grid is None else str(grid.address)
        clearer = Clearer(market, store, client, account, members, say, grid=grid_address)
        return cls(clearer, reviewer, taker)

    async def run(self) -> None:
        """Do it until cancelled; raises what a part failed with."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.clearer.run())
            if self.reviewer is not None:
                tasks.create_task(self.reviewer.run())
            if self.taker is not None:
                tasks.create_task(self.taker.run())

    def wake(self) -> None:
        """Look again, after events of the chain were applied."""
        self.clearer.wake()
        if self.reviewer is not None:
            self.reviewer.wake()
        if self.taker is not None:
            self.taker.wake()
