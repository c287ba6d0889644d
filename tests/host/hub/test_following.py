"""The contract's events into the store: begun anew after a failure, patient with a node."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from hub import chain_following
from hub.chain.records import Batch, ChainUnavailable, Cursor
from hub.chain_following import Following
from hub.errors import StoreError

SOON_S = 30.0


class Chain:
    """A node that refuses to name its newest block for so many times."""

    ws_url, origin = "", None
    identity = SimpleNamespace(address="0xMarket")

    def __init__(self, refusals=0):
        self.client = self
        self.refusals = refusals

    def head(self):
        if self.refusals:
            self.refusals -= 1
            raise ChainUnavailable("request rate limited")
        return 1, 1_000


@pytest.fixture(autouse=True)
def one_batch(monkeypatch):
    """What follows the store is one block without events, then silence."""

    async def follow(ws_url, address, start, origin, say):
        if start is None:
            yield Batch((), Cursor(1, "0xb1"))
        await asyncio.Event().wait()

    monkeypatch.setattr(chain_following, "follow", follow)
    monkeypatch.setattr(chain_following, "FIRST_REFUSED_S", 0.01)


async def catch_up(following):
    running = asyncio.create_task(following.run())
    await asyncio.wait_for(following.caught_up.wait(), SOON_S)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_hub_asks_again_and_says_it_once_when_the_node_refuses_to_tell_its_head(store):
    said = []
    asyncio.run(catch_up(Following(Chain(3), store, lambda: None, said.append)))
    assert said == ["following the chain waits: request rate limited"]


def test_everyone_is_told_of_what_was_stored_when_the_telling_had_failed(store):
    told = []

    def on_moved():
        told.append(store.chain_cursor())
        if len(told) == 2:  # of the block; the first time nothing was stored yet
            raise StoreError("the server is away")

    async def story():
        following = Following(Chain(), store, on_moved, print)
        with pytest.raises(StoreError):
            await following.run()
        await catch_up(following)

    asyncio.run(story())
    assert told == [None, (1, "0xb1"), (1, "0xb1")]
