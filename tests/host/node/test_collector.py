"""Collections: in turns of their own, and none in the middle of other work."""

import asyncio
import contextlib

from node import collector
from node.collector import RUNNING_THRESHOLD_BYTES, Collector
from node.turns import Turns


def test_memory_is_collected_in_turns_only_when_the_node_runs(monkeypatch):
    done = []
    monkeypatch.setattr(collector, "PERIOD_MS", 0)
    monkeypatch.setattr(collector, "NEEDED_PERIOD_MS", 0)
    monkeypatch.setattr(
        collector.gc, "threshold", lambda size: done.append(("threshold", size)), raising=False
    )
    monkeypatch.setattr(collector.gc, "collect", lambda: done.append("collected"))

    async def run():
        turns = Turns()
        running = asyncio.create_task(Collector(lambda: True).run(turns))
        for number in range(3):
            for _ in range(5):
                await asyncio.sleep(0)
            done.append(f"turn {number}")
            turns.grant()
        for _ in range(5):
            await asyncio.sleep(0)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    asyncio.run(run())
    assert done == [
        "collected",  # as it is built
        ("threshold", RUNNING_THRESHOLD_BYTES),
        *(each for number in range(3) for each in (f"turn {number}", "collected")),
    ]
