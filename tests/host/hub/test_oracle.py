"""The oracle over boards that speak the wire, in virtual time, with a hub that may be killed."""

from __future__ import annotations

import asyncio
import random

import pytest

from hub.chain.records import ContractRefused, StaleCall
from hub.config_tables import Bus
from hub.errors import StoreError
from hub.oracle.returns import Returns
from tests.host.hub.doubles import World

AGREED_UWH = 34_723
BLOCK_UWH = 347


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path / "store.db")
    yield made
    made.store.close()


def run(work):
    return asyncio.run(work)


async def settle(world, limit_s=600):
    """Run a world to its end, refunds included."""
    returns = Returns(world.store, world.contract, now_ms=world.clock)
    for _ in range(limit_s):
        if await world.run_until(world.is_over, 1):
            return
        await returns.give_back()


def test_trades_are_delivered_one_after_the_other_and_settled_when_all_goes_well(world):
    async def story():
        world.start_hub()
        assert await world.run_until(world.is_over, 120)

    run(story())
    for trade in world.store.trades():
        assert abs(trade.settled_uwh - AGREED_UWH) <= BLOCK_UWH
    first, second = (world.store.deliveries(number)[-1] for number in (1, 2))
    assert first.finished_at_ms <= second.commanded_at_ms
    assert world.violations == []


def test_seller_never_closes_first_when_messages_are_lost(tmp_path):
    for seed in range(5):
        world = World(tmp_path / f"{seed}.db", loss=0.2, seed=seed)
        world.start_hub()
        run(settle(world))
        assert world.is_over()
        closings = {
            name: [at_ms for at_ms, relay in board.history if relay != "open"]
            for name, board in world.boards.items()
        }
        for number in (1, 2):
            seller = closings[f"house-{2 * number - 1}"]
            buyer = closings[f"house-{2 * number}"]
            assert not seller or min(buyer) <= min(seller)
        world.store.close()


def test_trade_is_refunded_when_its_board_is_never_there(world):
    world.boards["house-1"].is_on = False

    async def story():
        world.start_hub()
        await settle(world)

    run(story())
    states = {trade.trade_id: trade.state for trade in world.store.trades()}
    assert states == {1: "refunded", 2: "settled"}


def test_seller_loses_one_exposure_step_at_most_when_the_buyer_is_unplugged(world):
    async def story():
        world.start_hub()
        seller, buyer = world.boards["house-1"], world.boards["house-2"]
        assert await world.run_until(lambda: buyer.energy_uwh > 10_000, 60)
        buyer.cut()
        assert await world.run_until(lambda: seller.relay == "open", 15)
        await settle(world)

    run(story())
    trade = world.store.trade(1)
    assert trade.state == "settled"
    exposure_uwh = AGREED_UWH * Bus().exposure_permille // 1000
    assert trade.seller_metered_uwh - trade.buyer_metered_uwh <= exposure_uwh + 2 * BLOCK_UWH


def test_trade_is_completed_in_a_second_attempt_when_the_buyer_boots_again(world):
    async def story():
        world.start_hub()
        buyer = world.boards["house-2"]
        assert await world.run_until(lambda: buyer.energy_uwh > 10_000, 60)
        buyer.cut()
        await world.run_until(lambda: False, 30)
        buyer.boot()
        await settle(world)

    run(story())
    trade = world.store.trade(1)
    first, second = world.store.deliveries(1)
    assert (first.state, second.state, trade.state) == ("abandoned", "settled", "settled")
    # A step moves up to 87 uWh beyond what was wanted, in each attempt.
    assert 0 <= trade.buyer_metered_uwh - AGREED_UWH < 2 * 100
    assert trade.buyer_metered_uwh <= world.boards["house-2"].total_uwh + 1


def test_second_attempt_delivers_when_the_first_moved_nothing(world):
    async def story():
        world.start_hub()
        buyer = world.boards["house-2"]
        take = buyer.take
        # Deaf for commands once: the close is lost again and again until it times out.
        buyer.take = lambda kind, record: None
        assert await world.run_until(lambda: len(world.store.deliveries(1)) == 2, 60)
        buyer.take = take
        await settle(world)

    run(story())
    attempts = world.store.deliveries(1)
    assert [one.attempt for one in attempts] == [1, 2]
    assert attempts[0].state == "abandoned"
    assert world.store.trade(1).settled_uwh >= AGREED_UWH - BLOCK_UWH


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_lost_or_paid_twice_when_the_hub_is_killed_at_any_moment(tmp_path, seed):
    """Every kill leaves only the store; seeds choose the moments, some of them mid-report."""
    world = World(tmp_path / "store.db", loss=0.05, seed=seed)
    dice = random.Random(seed)

    async def story():
        returns = Returns(world.store, world.contract, now_ms=world.clock)
        world.start_hub()
        for _ in range(6):
            await world.run_until(world.is_over, dice.randrange(1, 25))
            for _ in range(dice.randrange(3)):
                await asyncio.sleep(0)
            await world.kill_hub()
            down_s = dice.randrange(0, 15)
            await world.run_until(lambda: False, down_s)
            world.start_hub()
        for _ in range(600):
            if await world.run_until(world.is_over, 1):
                break
            await returns.give_back()

    run(story())
    assert world.is_over()
    assert world.violations == []
    assert all(board.relay == "open" for board in world.boards.values())
    # The contract was told one pair of figures for each trade, whatever was sent again.
    assert all(len(figures) == 1 for figures in world.contract.reports.values())
    for trade in world.store.trades():
        if trade.state == "settled":
            assert trade.settled_uwh <= AGREED_UWH + BLOCK_UWH
    # No energy is counted twice: all that was reported is no more than what truly moved.
    for ((trade_id, seller_uwh, buyer_uwh),) in world.contract.reports.values():
        assert seller_uwh <= world.boards[f"house-{2 * trade_id - 1}"].total_uwh + 1
        assert buyer_uwh <= world.boards[f"house-{2 * trade_id}"].total_uwh + 1
    world.store.close()


def test_relays_open_within_a_lease_when_the_hub_dies(world):
    async def story():
        world.start_hub()
        seller = world.boards["house-1"]
        assert await world.run_until(lambda: seller.energy_uwh > 5_000, 60)
        await world.kill_hub()
        assert await world.run_until(
            lambda: all(board.relay == "open" for board in world.boards.values()), 11
        )

    run(story())


def test_nothing_is_armed_when_the_window_ends_too_soon(tmp_path):
    world = World(tmp_path / "store.db", trades=1)
    world.clock.at_ms += 295_000  # 5 s before the end of delivery, less than a turn's overhead

    async def story():
        world.start_hub()
        await settle(world)

    run(story())
    assert world.store.trade(1).state == "refunded"
    assert world.boards["house-1"].history == []
    world.store.close()


def test_delivery_ends_at_the_window_when_its_energy_cannot_be_reached(tmp_path):
    world = World(tmp_path / "store.db", trades=1)
    world.clock.at_ms += 285_000  # 15 s left: two thirds of the trade

    async def story():
        world.start_hub()
        await settle(world)

    run(story())
    trade = world.store.trade(1)
    assert trade.state == "settled"
    assert 10_000 < trade.settled_uwh < AGREED_UWH
    closed = [at_ms for at_ms, relay in world.boards["house-1"].history]
    window = world.store.window(1)
    assert closed[-1] <= window.delivery_end_s * 1000 + 1_000
    world.store.close()


@pytest.mark.parametrize(
    "problem",
    [
        StoreError("disk full"),
        StaleCall("overtaken"),
        ContractRefused("", {}, "The account has not enough ETH."),
    ],
)
def test_trade_is_settled_when_its_report_fails_for_a_while(world, monkeypatch, problem):
    monkeypatch.setattr("hub.oracle.reporting.CHAIN_RETRY_S", 0.01)
    report, failures = world.contract.report, iter([problem, problem])

    async def failing(*args):
        for one in failures:
            raise one
        return await report(*args)

    async def story():
        world.contract.report = failing
        world.start_hub()
        await world.run_until(lambda: bool(world.hub._reports), 120)
        async with asyncio.timeout(60):
            while world.store.trade(1).state != "settled":
                await world.step()
                await asyncio.sleep(0.001)

    run(story())
    assert world.store.trade(1).settled_uwh > 0


def test_relays_open_at_once_and_stay_open_when_the_hub_is_told_to_end(world):
    async def story():
        world.start_hub()
        buyer = world.boards["house-2"]
        assert await world.run_until(lambda: buyer.energy_uwh > 10_000, 60)
        world.hub.open_all()
        assert await world.run_until(lambda: not world.hub.has_turns, 2)
        assert all(board.relay == "open" for board in world.boards.values())
        histories = [list(board.history) for board in world.boards.values()]
        await world.run_until(lambda: False, 20)
        assert [board.history for board in world.boards.values()] == histories
        await world.kill_hub()
        world.start_hub()
        await settle(world)

    run(story())
    trade = world.store.trade(1)
    assert trade.state == "settled" and trade.settled_uwh >= AGREED_UWH
