"""Money nobody needs any more goes back at its time, and is asked for again when refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hub.oracle import records
from hub.oracle.returns import Returns
from hub.store import DeliveryRow
from tests.host.hub.doubles import Clock


class Contract:
    """Takes refunds and reclaims, or refuses the first few."""

    def __init__(self, refusals=0):
        self.asked = []
        self.refusals = refusals

    async def _ask(self, what):
        self.asked.append(what)
        self.refusals -= 1
        return self.refusals < 0

    async def refund(self, trade_id):
        return await self._ask(("refund", trade_id))

    async def reclaim(self, order_id):
        return await self._ask(("reclaim", order_id))

    async def resolve(self, trade_id, told_uwh):
        return await self._ask(("resolve", trade_id, told_uwh))

    async def split(self, trade_id):
        return await self._ask(("split", trade_id))


@pytest.fixture
def locked(store, market):
    """A bid with 500 of 1,500 uWh left (clear-by 20 s) and an open trade (report-by 40 s)."""
    market.offer(is_offer=False, energy_uwh=1_500, peer="0xhouse-2")
    market.trade(energy_uwh=1_000)
    return store


def give_back(store, contract, at_s):
    return asyncio.run(Returns(store, contract, now_ms=Clock(at_s * 1000)).give_back())


@pytest.mark.parametrize(
    ("at_s", "expected"),
    [
        (20, []),
        (21, [("reclaim", 1)]),
        (40, [("reclaim", 1)]),
        (41, [("reclaim", 1), ("refund", 1)]),
    ],
)
def test_money_goes_back_when_its_time_has_come(locked, at_s, expected):
    contract = Contract()
    assert give_back(locked, contract, at_s)
    assert contract.asked == expected


def test_nothing_goes_back_when_it_is_settled_and_cancelled(locked, market):
    market.settle(agreed_uwh=1_000)
    market.apply("OrderCancelled", order_id=1, energy_uwh=500, refunded_wei=3_500)
    contract = Contract()
    assert give_back(locked, contract, 1_000)
    assert contract.asked == []


def test_it_is_to_be_asked_again_when_it_was_refused(locked):
    assert not give_back(locked, Contract(refusals=1), 1_000)


def test_run_asks_again_by_itself_when_it_was_refused(locked, monkeypatch):
    monkeypatch.setattr("hub.oracle.returns.RETRY_S", 0)
    contract = Contract(refusals=2)

    async def story():
        work = asyncio.create_task(Returns(locked, contract, now_ms=Clock(1_000_000)).run())
        async with asyncio.timeout(60):
            while len(contract.asked) < 4:
                await asyncio.sleep(0)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(story())
    assert contract.asked[:4] == [("reclaim", 1), ("refund", 1)] * 2


@pytest.mark.parametrize(("at_s", "expected"), [(50, []), (51, [("split", 1)])])
def test_dispute_is_split_when_nobody_resolved_it(store, market, at_s, expected):
    market.offer()
    market.trade()
    market.dispute()
    contract = Contract()
    assert give_back(store, contract, at_s)
    assert contract.asked == expected


def journal(store, attempt, told_uwh, reason):
    """Write an attempt in which both boards told that much before the buyer's final."""
    side = records.Side(energy_uwh=told_uwh, is_final=True)
    state = records.State("reported", 0, seller=side, buyer=replace(side, reason=reason))
    row = DeliveryRow(
        *(f"{attempt:032x}", 1, attempt, 1, "reported", state.to_json(), None, 0),
        *(None, None, None, None, None, None, None),
    )
    store.open_delivery(row)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("rebooted", [("resolve", 1, 900)]), ("energy_reached", []), ("over_current", [])],
)
def test_dispute_ends_at_what_was_told_only_when_a_board_lost_power(
    store, market, reason, expected
):
    market.offer()
    market.trade()
    market.dispute()
    journal(store, 1, 400, "commanded")
    journal(store, 2, 500, reason)
    contract = Contract()
    assert give_back(store, contract, 45)
    assert contract.asked == expected


def test_refund_follows_at_once_when_it_came_due_during_the_round(locked):
    """A reclaim of 20 s, in which the trade's time comes."""
    clock, contract = Clock(21_000), Contract()

    async def slow(order_id):
        clock.at_ms += 20_000
        return await Contract.reclaim(contract, order_id)

    contract.reclaim = slow
    returns = Returns(locked, contract, now_ms=clock)

    async def rounds():
        assert await returns._round() < 1
        await returns._round()

    asyncio.run(rounds())
    assert contract.asked[0] == ("reclaim", 1) and ("refund", 1) in contract.asked
