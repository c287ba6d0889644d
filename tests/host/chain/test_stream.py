"""One WebSocket to a node that misbehaves: every wait ends with ConnectionEnded."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.server import serve

from hub.chain import stream
from hub.chain.records import ChainUnavailable
from hub.chain.stream import ConnectionEnded, Stream
from hub.processes import free_port


def ask_node(behave, act):
    """Run `act(stream)` against a server whose connections are handled by `behave`."""

    async def run():
        async with serve(behave, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with asyncio.timeout(60), Stream(f"ws://127.0.0.1:{port}") as connection:
                return await act(connection)

    return asyncio.run(run())


async def ask(connection):
    return await connection.ask(connection.eth.block_number)


def test_request_ends_when_the_node_stays_silent(monkeypatch):
    monkeypatch.setattr(stream, "REQUEST_TIMEOUT_S", 0.1)

    async def silent(connection):
        await connection.wait_closed()

    with pytest.raises(ConnectionEnded):
        ask_node(silent, ask)


def test_request_ends_when_the_node_hangs_up():
    async def hang_up(connection):
        await connection.recv()

    with pytest.raises(ConnectionEnded):
        ask_node(hang_up, ask)


def test_request_ends_when_the_answer_is_no_json():
    async def babble(connection):
        await connection.recv()
        await connection.send("not json")
        await connection.wait_closed()

    with pytest.raises(ConnectionEnded):
        ask_node(babble, ask)


def test_request_raises_what_the_node_refused():
    async def refuse(connection):
        number = json.loads(await connection.recv())["id"]
        error = {"code": -1, "message": "no"}
        await connection.send(json.dumps({"jsonrpc": "2.0", "id": number, "error": error}))
        await connection.wait_closed()

    with pytest.raises(ChainUnavailable, match="the chain refused a request: no"):
        ask_node(refuse, ask)


def test_answers_find_their_requests_when_they_come_in_another_order():
    async def reversed_order(connection):
        first, second = [json.loads(await connection.recv())["id"] for _ in range(2)]
        for number, result in ((second, "0x2"), (first, "0x1")):
            answer = {"jsonrpc": "2.0", "id": number, "result": result}
            await connection.send(json.dumps(answer))
        await connection.wait_closed()

    async def two(connection):
        return await asyncio.gather(ask(connection), ask(connection))

    assert ask_node(reversed_order, two) == [1, 2]


def test_wait_for_a_head_ends_at_once_when_the_node_hangs_up():
    async def hang_up(connection):
        await connection.close()

    with pytest.raises(ConnectionEnded):
        ask_node(hang_up, lambda connection: connection.wait_head(60))


def test_connecting_ends_when_no_node_listens():
    async def connect():
        async with Stream(f"ws://127.0.0.1:{free_port()}"):
            pass

    with pytest.raises(ConnectionEnded):
        asyncio.run(connect())
