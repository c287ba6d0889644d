"""HTTP with the other sides of bridges: bounded in time and size, no redirects, no surprises."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp

from hub.bridges.errors import BridgeDown

TIMEOUT_S = 10.0
LONGEST_ANSWER = 512 * 1024


class Http:
    """Asks with a fresh connection each time: plugs and clouds are asked a few times a minute.

    `timeout_s` bounds a whole exchange.
    """

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def ask(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Return (status, body). `body`: bytes, or a mapping sent as a form.

        Raises BridgeDown when nothing usable came back.
        """
        where = url.split("?")[0]
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout, trust_env=False) as session,
                session.request(
                    method, url, data=body, params=params, headers=headers, allow_redirects=False
                ) as answer,
            ):
                return answer.status, await _bounded(answer, where)
        except TimeoutError:
            raise BridgeDown(f"{where}: no answer within {self._timeout.total:g} s") from None
        except (aiohttp.ClientError, asyncio.IncompleteReadError, OSError, ValueError) as problem:
            # Not str(problem): it may hold a key that stood in the address.
            raise BridgeDown(f"{where}: {_plain(problem)}") from None

    async def get(self, url: str, params: Mapping[str, str] | None = None) -> bytes:
        """Return the body of a 200. Raises BridgeDown for anything else."""
        status, body = await self.ask("GET", url, params=params)
        if status != 200:
            raise BridgeDown(f"{url}: answered {status}")
        return body


async def _bounded(answer: aiohttp.ClientResponse, where: str) -> bytes:
    parts, size = [], 0
    async for part in answer.content.iter_chunked(16_384):
        size += len(part)
        if size > LONGEST_ANSWER:
            raise BridgeDown(f"{where}: the answer is longer than {LONGEST_ANSWER} bytes")
        parts.append(part)
    return b"".join(parts)


def _plain(problem: BaseException) -> str:
    if isinstance(problem, aiohttp.ClientConnectorError):
        return f"cannot connect ({problem.os_error.strerror or 'no such host'})"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return f"not HTTP as it should be ({type(problem).__name__})"
