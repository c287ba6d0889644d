"""An agent's rounds in a test, until something has come of them."""

import asyncio
import contextlib
from collections.abc import Callable

from hub.agent.rounds import AgentRunner


async def run_until(
    runner: AgentRunner, condition: Callable[[], object], timeout_s: float = 90
) -> None:
    """Let the agents look and act until `condition()`. Raises TimeoutError."""
    task = asyncio.create_task(runner.run())
    try:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.1)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
