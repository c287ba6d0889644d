"""The oracle when it was frozen, its clock was set, its store is full, or the chain forgot."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from hub.errors import StoreError
from tests.host.hub.doubles import STEP_MS, World

AGREED_UWH = 34_723


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path / "store.db", trades=1)
    yield made
    made.store.close()


def run(story):
    asyncio.run(story())


async def frozen(world, seconds):
    """Let time pass for everybody but the hub, which then finds all that came at once."""
    hub, world.hub = world.hub, None
    for _ in range(seconds * 1_000 // STEP_MS):
        await world.step()
    world.hub = hub


def closings(world):
    return sum(relay != "open" for board in world.boards.values() for _, relay in board.history)


@pytest.mark.parametrize("seconds", [3, 9, 11, 14, 40])
def test_trade_settles_once_when_the_hub_is_frozen_while_it_delivers(world, seconds):
    async def story():
        world.start_hub()
        assert await world.run_until(lambda: world.boards["house-1"].energy_uwh > 5_000, 60)
        await frozen(world, seconds)
        assert await world.run_until(world.is_over, 300)

    run(story)
    assert len(world.contract.reports[1]) == 1
    assert world.store.trade(1).settled_uwh >= AGREED_UWH * 99 // 100
    assert world.boards["house-1"].total_uwh <= AGREED_UWH * 1.02
    assert world.violations == []


def test_no_turn_is_granted_when_the_hub_wakes_after_the_window(world):
    async def story():
        world.may_grant = False
        world.start_hub()
        await world.run_until(lambda: False, 5)
        world.may_grant = True
        await frozen(world, 300)
        # The first thing it does is to hear: nothing has told it yet what time it is.
        world._deliver_up()
        await world.run_until(lambda: False, 3)

    run(story)
    assert closings(world) == 0
    assert [row.state for row in world.store.deliveries()] == ["abandoned"]


@pytest.mark.parametrize("jump_s", [-20, -3, 3, 20])
def test_delivery_goes_on_when_the_wall_clock_is_set(world, jump_s):
    async def story():
        world.start_hub()
        assert await world.run_until(lambda: world.boards["house-1"].energy_uwh > 5_000, 60)
        world.wall_ahead_ms = jump_s * 1_000
        assert await world.run_until(world.is_over, 120)

    run(story)
    assert world.store.trade(1).settled_uwh >= AGREED_UWH * 99 // 100
    assert [row.attempt for row in world.store.deliveries()] == [1]


def test_nothing_is_armed_when_the_chains_clock_says_that_the_window_is_over(world):
    async def story():
        world.chain_ahead_ms = 295_000
        world.start_hub()
        await world.run_until(lambda: False, 10)

    run(story)
    assert closings(world) == 0


def test_turn_ends_early_enough_when_the_chains_clock_runs_ahead_in_it(world):
    async def story():
        world.start_hub()
        assert await world.run_until(lambda: world.boards["house-1"].energy_uwh > 5_000, 60)
        world.chain_ahead_ms = 420_000  # report-by is now
        assert await world.run_until(lambda: world.boards["house-1"].relay == "open", 2)

    run(story)


@pytest.mark.parametrize("failures", [1, 3, 30])
def test_trade_settles_when_the_store_refuses_a_while(world, failures, monkeypatch):
    write, left = world.store.write_step, itertools.count(failures, -1)

    def refusing(*args):
        if next(left) > 0:
            raise StoreError("disk full")
        return write(*args)

    async def story():
        world.start_hub()
        assert await world.run_until(lambda: world.boards["house-1"].energy_uwh > 20_000, 60)
        monkeypatch.setattr(world.store, "write_step", refusing)
        assert await world.run_until(world.is_over, 400)

    run(story)
    assert len(world.contract.reports[1]) == 1
    assert world.store.trade(1).state == "settled"
    assert all(board.relay == "open" for board in world.boards.values())


def test_relays_open_when_the_store_takes_nothing_any_more(world, monkeypatch):
    def refusing(*args):
        raise StoreError("disk full")

    async def story():
        world.start_hub()
        assert await world.run_until(lambda: world.boards["house-1"].energy_uwh > 5_000, 60)
        monkeypatch.setattr(world.store, "write_step", refusing)
        world.hub.stop_bus()
        assert await world.run_until(
            lambda: all(board.relay == "open" for board in world.boards.values()), 1
        )

    run(story)


def test_trade_is_reported_again_and_not_delivered_again_when_the_chain_forgot_it(world):
    async def story():
        world.start_hub()
        assert await world.run_until(world.is_over, 120)
        moved = closings(world)
        block = world.contract.block
        world.store.roll_back(block - 1)
        world.contract.reports.clear()
        world.contract.block = block + 5
        world.hub.follow_trades()
        world._over_block = -1
        assert await world.run_until(world.is_over, 60)
        assert closings(world) == moved

    run(story)
    assert len(world.contract.reports[1]) == 1


def test_relays_are_ordered_open_when_the_trade_ends_under_way(world):
    async def story():
        world.start_hub()
        assert await world.run_until(lambda: world.boards["house-1"].energy_uwh > 5_000, 60)
        await world.contract.refund(1)
        assert await world.run_until(
            lambda: all(board.relay == "open" for board in world.boards.values()), 1
        )

    run(story)
