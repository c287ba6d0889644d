"""A campaign: rounds and a seed enter, every fault and what was found wrong after it leave."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.chain.records import ChainUnavailable
from hub.errors import StoreError
from hub.processes import wait_until
from hub.site_clock import wall_ms
from tools.bench.faults import checks, kinds
from tools.bench.faults.place import GRACE_S, Place

FIRST_TRADE_S = 90.0
REST_S = (0.5, 4.0)  # between two rounds
DOUBLE_SHARE = 0.3  # of the rounds have two faults at once
ASK_S = 60.0  # a chain that was frozen answers again
SETTLE_S = 150.0  # for what is under way when the faults are over


@dataclass
class Result:
    """What happened; `problems` are empty when everything held."""

    seed: int
    rounds: int = 0
    faults: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "is_good": not self.problems}


async def run(
    directory: Path, seed: int, rounds: int, size: tuple[int, int], say: Callable[[str], None]
) -> Result:
    """Run a campaign in an empty directory. `size`: houses and bus segments."""
    result = Result(seed)
    place = Place(directory, *size)
    try:
        await place.start()
        await _first_trade(place)
        source = random.Random(seed)
        for number in range(1, rounds + 1):
            await _round(place, source, number, result, say)
            if result.problems:
                break
        await _end(place, result, say)
    finally:
        await place.stop()
    return result


async def _first_trade(place: Place) -> None:
    deadline = time.monotonic() + FIRST_TRADE_S
    while not place.store.trades():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no trade within {FIRST_TRADE_S:g} s: {place.directory}/log")
        await place.ready()  # somebody else may have ended the hub
        await asyncio.sleep(0.5)


async def _round(
    place: Place, source: random.Random, number: int, result: Result, say: Callable[[str], None]
) -> None:
    faults = [kinds.draw(place, source)]
    if source.random() < DOUBLE_SHARE:
        faults.append(kinds.draw(place, source))
    delays_s = [0.0, source.uniform(0.0, 3.0)]
    rest_s = source.uniform(*REST_S)
    text = " and ".join(map(str, faults))
    say(f"round {number}: {text}")
    result.rounds, result.faults = number, [*result.faults, text]
    pairs = zip(faults, delays_s, strict=False)
    await asyncio.gather(*(_do(fault, delay_s) for fault, delay_s in pairs))
    await place.ready()
    healthy_since_ms = wall_ms()
    await asyncio.sleep(rest_s)
    trades = await _trades(place)
    found = await asyncio.to_thread(checks.problems, place, trades)
    found += checks.overdue(trades, healthy_since_ms)
    result.problems += [f"round {number}: {one}" for one in found]
    for one in found:
        say(f"  WRONG: {one}")


async def _do(fault: kinds.Fault, delay_s: float) -> None:
    await asyncio.sleep(delay_s)
    await fault.begin()
    try:
        await asyncio.sleep(fault.lasts_s)
    finally:
        await fault.end()


async def _trades(place: Place) -> dict[int, checks.Trade]:
    """Read the trades as soon as the chain answers."""
    deadline = time.monotonic() + ASK_S
    while True:
        try:
            return await asyncio.to_thread(checks.read_trades, place.rpc_url, place.contract)
        except ChainUnavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.5)


async def _end(place: Place, result: Result, say: Callable[[str], None]) -> None:
    """Let everything that was agreed come to its end, undisturbed, and look at the whole."""
    say("no more faults: waiting until every trade is settled or refunded")
    agreed = set(await _trades(place))
    deadline = time.monotonic() + SETTLE_S + 2 * GRACE_S
    while time.monotonic() < deadline:
        trades = await _trades(place)
        if all(trades[number].is_closed for number in agreed):
            break
        await asyncio.sleep(1.0)
    trades = {number: one for number, one in (await _trades(place)).items() if number in agreed}
    found = await asyncio.to_thread(checks.problems, place, trades, is_over=True)
    await _quiet(place)  # and with the hub its chain ends
    found += checks.closed_relays(place)
    result.problems += [f"at the end: {one}" for one in found]
    words = Counter(
        "refunded" if not one.settled_uwh else "whole" if _is_whole(one) else "partly"
        for one in trades.values()
    )
    attempts = place.store.deliveries()
    result.counts = {
        "trades": len(trades), "settled_whole": words["whole"], "settled_partly": words["partly"],
        "refunded": words["refunded"], "attempts": len(attempts),
        "disputes": sum(len(one.disputes) for one in trades.values()),
        "hub_epochs": place.store.state("epoch"),
    }  # fmt: skip


def _is_whole(trade: checks.Trade) -> bool:
    return trade.settled_uwh * 100 >= trade.energy_uwh * 99


async def _quiet(place: Place) -> None:
    """Wait for a moment between two turns: then no relay may be closed.

    A market that goes on never rests, so the hub is asked to end first; it opens what is closed.
    """
    await place.end_hub()

    def is_open() -> bool:
        houses = place.lab.report()["houses"].values()
        return not any(closed for house in houses for closed in house["relays"].values())

    try:
        await wait_until(is_open, 12.0, "opening", 0.2)
    except (TimeoutError, StoreError):
        return  # the checks say which
