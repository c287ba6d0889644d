"""The follower against a real Ganache: every event once, through restarts and replaced blocks."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import aclosing

import pytest
from eth_utils import to_hex
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from hub.chain import follower
from hub.chain.records import Batch, Cursor, Rollback, WrongContract
from hub.processes import wait_until

PRICE = 200_000_000


class Reader:
    """Applies batches and rollbacks as a store does, and remembers what came."""

    def __init__(self, start=None, origin=None):
        self.events = []
        self.cursor = start
        self.origin = origin
        self.rollbacks = []

    def apply(self, step):
        if isinstance(step, Rollback):
            self.rollbacks.append(step.cursor)
            at = step.cursor.block_number
            self.events = [event for event in self.events if event.block_number <= at]
        else:
            assert isinstance(step, Batch)
            self.events.extend(step.events)
        self.cursor = step.cursor

    @property
    def places(self):
        return [(event.block_number, event.log_index) for event in self.events]

    def amounts(self):
        return [event.args["amount_wei"] for event in self.events if event.name == "Deposited"]

    async def read_until(self, ws_url, address, condition, timeout_s=60.0):
        """Follow from the cursor until `condition()` holds after a step."""
        async with (
            asyncio.timeout(timeout_s),
            aclosing(follower.follow(ws_url, address, self.cursor, self.origin)) as steps,
        ):
            if condition():
                return
            async for step in steps:
                self.apply(step)
                if condition():
                    return


def head(market):
    block = market.web3.eth.get_block("latest")
    return Cursor(block["number"], to_hex(block["hash"]))


def deposit(market, amount_wei):
    market.client.deposit(market.seller, amount_wei)


def test_events_come_in_order_when_read_from_the_first_block(market, monkeypatch):
    monkeypatch.setattr(follower, "BLOCKS_PER_BATCH", 3)
    window_id = market.open_window()
    order_id = market.client.offer(market.seller, window_id, 50_000, PRICE)
    trade_id = market.client.take(market.buyer, order_id, 50_000, PRICE)
    market.client.report(market.oracle, trade_id, 50_000, 50_000)
    reader = Reader()
    target = head(market)
    asyncio.run(
        reader.read_until(market.ws_url, market.client.address, lambda: reader.cursor == target)
    )
    names = [event.name for event in reader.events if event.name != "RoleGranted"]
    assert names == [
        *(["PeerRegistered", "PeerApproved", "Deposited"] * 2),
        *("WindowOpened", "OrderPlaced", "TradeMade", "TradeSettled"),
    ]
    assert reader.places == sorted(reader.places)


def test_event_arguments_are_plain_and_in_snake_case(market):
    start = head(market)
    window_id = market.open_window()
    market.client.bid(market.buyer, window_id, 50_000, PRICE)
    market.client.approve(market.administrator, market.seller.address, "house-7")
    reader = Reader(start)
    asyncio.run(
        reader.read_until(market.ws_url, market.client.address, lambda: len(reader.events) == 3)
    )
    opened, placed, approved = (event.args for event in reader.events)
    assert opened["window_id"] == window_id
    assert opened["min_energy_uwh"] == 1_000
    assert opened["report_by"] == market.client.window(window_id).report_by
    assert placed == {
        "order_id": 1,
        "window_id": window_id,
        "peer": market.buyer.address,
        "is_offer": False,
        "energy_uwh": 50_000,
        "price_gwei_per_kwh": PRICE,
        "priority": 0,
        "only_accepted": False,
    }
    assert approved["node_id"] == "house-7"


def test_new_events_arrive_when_they_happen(market):
    reader = Reader(head(market))

    async def act():
        reading = asyncio.create_task(
            reader.read_until(
                market.ws_url, market.client.address, lambda: len(reader.events) == 3, timeout_s=60
            )
        )
        for amount_wei in (1, 2, 3):
            await asyncio.to_thread(deposit, market, amount_wei)
        await reading

    asyncio.run(act())
    assert reader.amounts() == [1, 2, 3]


def test_reading_goes_on_at_the_cursor_when_started_again(market):
    reader = Reader(head(market))
    for amount_wei in (1, 2, 3, 4):
        deposit(market, amount_wei)
        wanted = amount_wei
        asyncio.run(
            reader.read_until(
                market.ws_url,
                market.client.address,
                lambda wanted=wanted: reader.amounts()[-1:] == [wanted],
            )
        )
    assert reader.amounts() == [1, 2, 3, 4]


def test_no_event_is_lost_or_repeated_when_the_chain_is_killed(own_chain, loop):
    chain, market = own_chain()
    reader = Reader(head(market))

    async def act():
        reading = asyncio.create_task(
            reader.read_until(
                chain.ws_url, market.client.address, lambda: len(reader.events) == 9, timeout_s=120
            )
        )
        for round_number in range(3):
            for step in range(3):
                await asyncio.to_thread(deposit, market, 1 + 3 * round_number + step)
            os.kill(chain.pid, signal.SIGKILL)
            await asyncio.to_thread(loop.run, chain.wait())
            await asyncio.to_thread(loop.run, chain.start())
        await reading

    asyncio.run(act())
    assert reader.amounts() == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert reader.rollbacks == []


def test_rollback_names_the_last_common_block_when_blocks_are_replaced(market):
    reader = Reader(head(market))
    address = market.client.address

    async def act():
        async with (
            asyncio.timeout(60),
            aclosing(follower.follow(market.ws_url, address, reader.cursor)) as steps,
        ):
            await asyncio.to_thread(deposit, market, 1)
            while len(reader.events) < 1:
                reader.apply(await anext(steps))
            common = reader.cursor
            snapshot = await asyncio.to_thread(market.request, "evm_snapshot")
            await asyncio.to_thread(deposit, market, 2)
            while len(reader.events) < 2:
                reader.apply(await anext(steps))
            await asyncio.to_thread(market.request, "evm_revert", snapshot)
            await asyncio.to_thread(deposit, market, 30)
            while reader.amounts() != [1, 30]:
                reader.apply(await anext(steps))
            return common

    common = asyncio.run(act())
    assert reader.rollbacks == [common]


def test_everything_is_read_again_when_the_cursors_block_is_gone(market):
    deposit(market, 7)
    gone = Cursor(head(market).block_number, "0x" + "ab" * 32)
    reader = Reader(gone)
    asyncio.run(
        reader.read_until(
            market.ws_url, market.client.address, lambda: reader.amounts()[-1:] == [7]
        )
    )
    assert [cursor.block_number for cursor in reader.rollbacks] == [0]
    assert sum(event.name == "PeerRegistered" for event in reader.events) == 2


def test_reading_begins_at_the_contract_when_its_origin_is_given(market, monkeypatch):
    origin = market.client.block_before(market.identity)
    asked = []

    real_read = follower._Progress._read

    async def read(progress, stream, first, last):
        asked.append(first)
        return await real_read(progress, stream, first, last)

    monkeypatch.setattr(follower._Progress, "_read", read)
    for start in (None, Cursor(head(market).block_number, "0x" + "ab" * 32)):
        reader = Reader(start, origin)
        target = head(market)
        asyncio.run(
            reader.read_until(
                market.ws_url, market.client.address, lambda r=reader, t=target: r.cursor == t
            )
        )
        assert sum(event.name == "PeerRegistered" for event in reader.events) == 2
    assert min(asked) == origin.block_number + 1
    assert reader.rollbacks == [origin]


class Choosy:
    """Passes questions on to a node; refuses to give logs for so many times."""

    def __init__(self, ws_url, refusals):
        self._ws_url = ws_url
        self.refusals = refusals

    async def __aenter__(self):
        self._server = await serve(self._pass_on, "127.0.0.1", 0).__aenter__()
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _pass_on(self, asker):
        async with connect(self._ws_url) as node:
            answering = asyncio.create_task(self._answer(node, asker))
            async for question in asker:
                table = json.loads(question)
                if table["method"] == "eth_getLogs" and self.refusals:
                    self.refusals -= 1
                    error = {"code": -32005, "message": "request rate limited"}
                    answer = {"jsonrpc": "2.0", "id": table["id"], "error": error}
                    await asker.send(json.dumps(answer))
                else:
                    await node.send(question)
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    @staticmethod
    async def _answer(node, asker):
        async for answer in node:
            await asker.send(answer)


def test_reading_goes_on_and_says_it_once_when_the_node_refuses_for_a_while(market, monkeypatch):
    monkeypatch.setattr(follower, "FIRST_REFUSED_S", 0.01)
    deposit(market, 7)
    deposit(market, 8)
    said, reader = [], Reader()

    async def read(url):
        async for step in follower.follow(url, market.client.address, say=said.append):
            reader.apply(step)

    async def story():
        async with Choosy(market.ws_url, refusals=3) as url:
            reading = asyncio.create_task(read(url))
            await wait_until(lambda: len(said) == 2 or reading.done(), 60, "reading")
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(story())
    assert reader.amounts()[-2:] == [7, 8]
    assert said == [
        "the chain refused a request: request rate limited; it is asked again, ever later",
        "the chain answers again: nothing was missed",
    ]


def test_following_ends_with_advice_when_the_chain_is_another_one(own_chain):
    _, market = own_chain("old")
    start = head(market)
    other, _ = own_chain("new")
    reader = Reader(start)
    with pytest.raises(WrongContract, match="trueque hub init"):
        asyncio.run(reader.read_until(other.ws_url, market.client.address, lambda: False))
