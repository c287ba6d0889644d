"""Repeated work: when it is woken, when it is due, and never twice at once."""

from __future__ import annotations

import asyncio
import contextlib

from hub.rounds import Rounds

SOON_S = 10.0


def run_until(rounds, done, work):
    async def main():
        task = asyncio.create_task(rounds.repeat(work))
        await asyncio.wait_for(done.wait(), SOON_S)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_work_is_repeated_when_it_is_due():
    rounds, done, count = Rounds(), asyncio.Event(), []

    async def work():
        count.append(1)
        if len(count) == 3:
            done.set()
        return 0.001

    run_until(rounds, done, work)
    assert len(count) >= 3


def test_work_begins_at_once_when_woken_in_its_sleep():
    rounds, done, count = Rounds(), asyncio.Event(), []

    async def work():
        count.append(1)
        if len(count) == 2:
            done.set()
        asyncio.get_running_loop().call_later(0.001, rounds.wake)
        return 3600.0

    run_until(rounds, done, work)


def test_what_comes_up_during_the_work_is_looked_at_in_another_round():
    rounds, done, count = Rounds(), asyncio.Event(), []

    async def work():
        count.append(1)
        if len(count) == 2:
            done.set()
        else:
            rounds.wake()
        return 3600.0

    run_until(rounds, done, work)
