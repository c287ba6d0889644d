"""The chain's clock beside ours, on a real node."""

from __future__ import annotations

import asyncio

from hub.chain.chain_clock import ChainClock
from hub.site_clock import wall_ms


def test_clock_is_seen_ahead_before_any_block_tells_it(market):
    said = []
    clock = ChainClock(market.client, said.append)
    asyncio.run(clock.ask())
    assert clock.ahead_ms == 0
    try:
        market.request("evm_setTime", wall_ms() + 90_000)
        asyncio.run(clock.ask())
        assert 86_000 < clock.ahead_ms <= 91_000
        before_ms = clock.ahead_ms
        asyncio.run(clock.ask())
        assert clock.ahead_ms == before_ms
    finally:
        market.request("evm_setTime", wall_ms())
    asyncio.run(clock.ask())
    assert clock.ahead_ms == 0
    assert len(said) == 2


def test_last_answer_stands_when_the_node_does_not_answer(market, monkeypatch):
    from hub.chain.records import ChainUnavailable

    clock = ChainClock(market.client)
    clock.ahead_ms = 7_000

    def away():
        raise ChainUnavailable("away")

    monkeypatch.setattr(market.client, "next_block_time_s", away)
    asyncio.run(clock.ask())
    assert clock.ahead_ms == 7_000
    assert clock.is_away
    monkeypatch.undo()
    asyncio.run(clock.ask())
    assert not clock.is_away
