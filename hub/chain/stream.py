"""One WebSocket to a node: questions enter, answers leave, and new heads set a flag.

The connection, its requests and its subscription are web3's. What stands here is how it ends:
web3 says so in six ways, and by a time-out only when the node closes politely during a request.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from types import TracebackType
from typing import Any, TypeVar

from web3 import AsyncWeb3
from web3.exceptions import (
    BlockNotFound,
    PersistentConnectionError,
    ProviderConnectionError,
    TaskNotRunning,
    TimeExhausted,
    Web3RPCError,
)
from web3.providers.persistent import WebSocketProvider
from websockets.exceptions import WebSocketException

from hub.chain.records import ChainUnavailable

REQUEST_TIMEOUT_S = 15.0
OPEN_TIMEOUT_S = 5.0
LARGEST_MESSAGE_BYTES = 64 * 1024 * 1024  # the logs of many blocks

_BREAKS = (
    ProviderConnectionError,
    PersistentConnectionError,
    TaskNotRunning,
    TimeExhausted,
    WebSocketException,
    OSError,
    ValueError,  # an answer that is no JSON
)
T = TypeVar("T")


class ConnectionEnded(Exception):
    """The node closed the connection, or stopped answering on it."""


class Stream:
    """One connection to a node; an async context manager. `eth` makes the questions to `ask`."""

    def __init__(self, ws_url: str) -> None:
        self._provider = WebSocketProvider(
            ws_url,
            request_timeout=REQUEST_TIMEOUT_S,
            max_connection_retries=1,
            websocket_kwargs={
                "open_timeout": OPEN_TIMEOUT_S,
                "close_timeout": 1,
                "max_size": LARGEST_MESSAGE_BYTES,
            },
        )
        self._web3 = AsyncWeb3(self._provider)
        self.eth = self._web3.eth
        self._head_seen = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Stream:
        try:
            await self._provider.connect()
        except _BREAKS as problem:
            raise ConnectionEnded(str(problem)) from problem
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        # The first one only raises what broke the connection, if anything did.
        for _ in range(2):
            with contextlib.suppress(*_BREAKS):
                await self._provider.disconnect()

    async def ask(self, question: Awaitable[T]) -> T:
        """Return the answer to one of `eth`'s requests.

        Raises ConnectionEnded when none comes, BlockNotFound for a block that is not there, and
        ChainUnavailable when the node refuses.
        """
        assert self._listening is not None
        asked = asyncio.ensure_future(question)
        try:
            await asyncio.wait({asked, self._listening}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise ConnectionEnded("the node closed the connection")
            return asked.result()
        except BlockNotFound:
            raise
        except Web3RPCError as problem:
            raise ChainUnavailable(f"the chain refused a request: {_message(problem)}") from problem
        except _BREAKS as problem:
            raise ConnectionEnded(str(problem)) from problem
        finally:
            asked.cancel()

    async def subscribe_heads(self) -> None:
        """Ask the node to announce every new block."""
        await self.ask(self.eth.subscribe("newHeads"))

    async def wait_head(self, timeout_s: float) -> None:
        """Return when a block was announced since the last call, or after `timeout_s`.

        Raises ConnectionEnded at once when the connection breaks.
        """
        assert self._listening is not None
        seen = asyncio.create_task(self._head_seen.wait())
        try:
            await asyncio.wait(
                {seen, self._listening}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            seen.cancel()
        self._head_seen.clear()
        if self._listening.done():
            raise ConnectionEnded("the node closed the connection")

    async def _listen(self) -> None:
        """Take every announcement at once, until the connection ends.

        web3 stops reading answers, too, while 500 announcements wait to be taken.
        """
        with contextlib.suppress(*_BREAKS):
            async for _ in self._web3.socket.process_subscriptions():
                self._head_seen.set()


def _message(problem: Web3RPCError) -> Any:
    error: Any = (problem.rpc_response or {}).get("error") or {}
    return error.get("message", problem) if isinstance(error, dict) else error
