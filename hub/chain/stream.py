"""JSON-RPC over one WebSocket: requests enter, answers leave, and new heads set a flag."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from types import TracebackType
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from hub.chain.rpc import RpcRefused

REQUEST_TIMEOUT_S = 15.0
OPEN_TIMEOUT_S = 5.0
LARGEST_MESSAGE_BYTES = 64 * 1024 * 1024  # the logs of many blocks


class ConnectionEnded(Exception):
    """The node closed the connection, or stopped answering on it."""


class Stream:
    """One connection to a node; an async context manager."""

    def __init__(self, ws_url: str) -> None:
        self._ws_url = ws_url
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._head_seen = asyncio.Event()
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Stream:
        try:
            self._connection = await connect(
                self._ws_url,
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=1,
                max_size=LARGEST_MESSAGE_BYTES,
                proxy=None,  # the node is on this machine or in the site's own settings
            )
        except (OSError, TimeoutError, WebSocketException) as problem:
            raise ConnectionEnded(str(problem)) from problem
        self._reader = asyncio.create_task(self._read(self._connection))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            await self._connection.close()
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader

    async def request(self, method: str, *params: Any) -> Any:
        """Return a method's result. Raises RpcRefused, or ConnectionEnded when none comes."""
        if self._connection is None or self._reader is None or self._reader.done():
            raise ConnectionEnded("not connected")
        number = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        body = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        try:
            await self._connection.send(json.dumps(body))
            message = await asyncio.wait_for(answer, REQUEST_TIMEOUT_S)
        except (WebSocketException, TimeoutError) as problem:
            raise ConnectionEnded(f"{method}: {problem!r}") from problem
        finally:
            self._answers.pop(number, None)
        if message is None:
            raise ConnectionEnded(f"{method}: the node closed the connection")
        if "error" in message:
            raise RpcRefused(method, message["error"])
        return message["result"]

    async def subscribe_heads(self) -> None:
        """Ask the node to announce every new block."""
        await self.request("eth_subscribe", "newHeads")

    async def wait_head(self, timeout_s: float) -> None:
        """Return when a block was announced since the last call, or after `timeout_s`.

        Raises ConnectionEnded at once when the connection breaks.
        """
        assert self._reader is not None
        seen = asyncio.create_task(self._head_seen.wait())
        try:
            await asyncio.wait(
                {seen, self._reader}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            seen.cancel()
        self._head_seen.clear()
        if self._reader.done():
            raise ConnectionEnded("the node closed the connection")

    async def _read(self, connection: ClientConnection) -> None:
        """Hand each answer to its request until the connection ends."""
        try:
            async for text in connection:
                message = json.loads(text)
                if message.get("method") == "eth_subscription":
                    self._head_seen.set()
                    continue
                answer = self._answers.get(message.get("id"))
                if answer is not None and not answer.done():
                    answer.set_result(message)
        except (WebSocketException, ValueError):
            pass  # told to every waiting request below
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_result(None)
