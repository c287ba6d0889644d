"""A campaign: rounds and a seed enter, every fault and what was found wrong after it leave."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hub.chain.records import ChainUnavailable
from hub.site_clock import wall_ms
from tools.bench.faults import books, checks, kinds
from tools.bench.faults.contacts import Contacts
from tools.bench.faults.place import GRACE_S, Place

FIRST_TRADE_S = 90.0
REST_S = (0.5, 4.0)  # between two rounds
DOUBLE_SHARE = 0.3  # of the rounds have two faults at once
ASK_S = 60.0  # a chain that was frozen answers again
SETTLE_S = 150.0  # for what is under way when the faults are over

Answer = TypeVar("Answer")


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
    watching: asyncio.Task[None] | None = None
    try:
        await place.start()
        contacts = Contacts(place)
        watching = asyncio.create_task(contacts.run())
        await _first_trade(place)
        source = random.Random(seed)
        for number in range(1, rounds + 1):
            await _round(place, source, number, result, say)
            result.problems += contacts.problems
            if result.problems:
                break
        await _end(place, contacts, result, say)
    finally:
        if watching is not None:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
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
    found = await _ask(_look, place, healthy_since_ms)
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


def _look(place: Place, healthy_since_ms: int) -> list[str]:
    trades = books.read(place.rpc_url, place.contract).trades
    late = checks.overdue(trades, healthy_since_ms)  # first: the rest takes its time
    return late + checks.problems(place, trades)


async def _ask(question: Callable[..., Answer], *args: Any) -> Answer:
    """Ask as soon as the chain answers."""
    deadline = time.monotonic() + ASK_S
    while True:
        try:
            return await asyncio.to_thread(question, *args)
        except ChainUnavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.5)


async def _end(
    place: Place, contacts: Contacts, result: Result, say: Callable[[str], None]
) -> None:
    """Let everything that was agreed come to its end, undisturbed, and look at the whole.

    At last the hub is killed once more, and nobody starts it: every contact must open.
    """
    say("no more faults: waiting until every trade is settled or refunded")
    agreed = set((await _ask(books.read, place.rpc_url, place.contract)).trades)
    deadline = time.monotonic() + SETTLE_S + 2 * GRACE_S
    while time.monotonic() < deadline:
        known = (await _ask(books.read, place.rpc_url, place.contract)).trades
        if all(known[number].is_closed for number in agreed):
            break
        await asyncio.sleep(1.0)
    trades = {number: one for number, one in known.items() if number in agreed}
    found = [f"trade {number} is lost: neither settled nor refunded"
             for number, one in trades.items() if not one.is_closed]  # fmt: skip
    found += await _ask(checks.problems, place, known)
    found += await _ask(books.store_problems, place.store, place.rpc_url, place.contract)
    place.signal("hub", signal.SIGKILL)
    await place.hub_ended()
    found += await contacts.open_alone()
    found += checks.violations(place)
    result.problems += [f"at the end: {one}" for one in found]
    result.counts = {
        **books.as_counts(trades),
        "attempts": len(place.store.deliveries()),
        "contacts_closed": contacts.closings,
        "unpaid_uwh": books.unpaid_uwh(known, checks.true_export_uwh(place)),
        "hub_epochs": place.store.state("epoch"),
    }
