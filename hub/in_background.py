"""Blocking work enters; the event loop goes on meanwhile, and may end without waiting for it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable


async def in_background(work: Callable[[], object]) -> None:
    """Do it in a thread of its own; raises what it raises.

    Cancelled, it returns at once and the thread ends with the process: unlike
    `asyncio.to_thread`, for whose threads a program waits at its end, minutes or not.
    """
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()

    def tell(problem: BaseException | None) -> None:
        if over.done():  # cancelled meanwhile
            return
        if problem is None:
            over.set_result(None)
        else:
            over.set_exception(problem)

    def run() -> None:
        problem = None
        try:
            work()
        except BaseException as found:
            problem = found
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, problem)

    threading.Thread(target=run, name="background", daemon=True).start()
    await over
