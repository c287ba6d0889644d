"""The faults of a campaign: a random source enters, one fault to do and undo leaves."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hub.chain.records import ChainUnavailable
from tools.bench.faults.place import Place

SHORT_S, LONG_S, LONG_SHARE = (0.3, 8.0), (8.0, 25.0), 0.2
JUMPS_S = (-20, -6, 4, 12, 25)

Deed = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """What is done, for how long it lasts, and how it is undone."""

    name: str
    lasts_s: float
    begin: Deed
    end: Deed

    def __str__(self) -> str:
        return f"{self.name} {self.lasts_s:.1f} s"


KINDS = {  # and how often each is drawn
    "kill hub": 4,
    "freeze hub": 5,
    "kill broker": 3,
    "freeze broker": 3,
    "kill chain": 3,
    "freeze chain": 3,
    "kill board": 4,
    "freeze board": 4,
    "cut wifi": 4,
    "cut all wifi": 1,
    "power cut": 2,
    "chain clock": 3,
    "wall clock": 3,
    "machine clock": 2,
}


def draw(place: Place, source: random.Random) -> Fault:
    """Draw one fault. The same source over the same place draws the same."""
    kind = source.choices(list(KINDS), list(KINDS.values()))[0]
    span = LONG_S if source.random() < LONG_SHARE else SHORT_S
    lasts_s = source.uniform(*span)
    node = source.choice([house.name for house in place.houses])
    jump_s = source.choice(JUMPS_S)
    word, _, part = kind.partition(" ")
    if part == "clock":
        setter = _CLOCKS[word]
        return Fault(
            f"{kind} {jump_s:+d} s", lasts_s,
            lambda: setter(place, jump_s), lambda: setter(place, 0),
        )  # fmt: skip
    if kind == "power cut":
        return Fault(kind, lasts_s, lambda: _power(place, False), lambda: _power(place, True))
    if word == "cut":
        nodes = [house.name for house in place.houses] if kind == "cut all wifi" else [node]
        return Fault(
            f"cut wifi of {' '.join(nodes)}", lasts_s,
            lambda: _wifi(place, nodes, True), lambda: _wifi(place, nodes, False),
        )  # fmt: skip
    target = node if part == "board" else part
    if word == "kill":
        return Fault(
            f"kill {target}", lasts_s,
            lambda: _signal(place, target, signal.SIGKILL), lambda: _revive(place, target),
        )  # fmt: skip
    return Fault(
        f"freeze {target}", lasts_s,
        lambda: _signal(place, target, signal.SIGSTOP),
        lambda: _signal(place, target, signal.SIGCONT),
    )  # fmt: skip


async def _signal(place: Place, target: str, number: signal.Signals) -> None:
    place.signal(target, number)
    if (target, number) == ("hub", signal.SIGKILL):
        await place.hub_ended()


async def _revive(place: Place, target: str) -> None:
    """Broker, chain and boards have somebody who starts them again; the hub has us."""
    if target == "hub" and not place.has_hub:
        await place.start_hub()


async def _power(place: Place, is_on: bool) -> None:
    for house in place.houses:
        (place.lab.power_on if is_on else place.lab.power_off)(house.name)


async def _wifi(place: Place, nodes: list[str], is_cut: bool) -> None:
    for node in nodes:
        place.lab.cut_wifi(node, cut=is_cut)


async def _set_wall_clock(place: Place, ahead_s: int) -> None:
    place.set_wall_clock(ahead_s)


async def _set_machine_clock(place: Place, ahead_s: int) -> None:
    """Where the chain's node runs beside the hub, both are set together."""
    place.set_wall_clock(ahead_s)
    await _set_chain_clock(place, 0)


async def _set_chain_clock(place: Place, ahead_s: int) -> None:
    """Move the time of the chain's node; one that is away comes back with the right time."""
    with contextlib.suppress(ChainUnavailable):
        await asyncio.to_thread(place.set_chain_clock, ahead_s)


_CLOCKS: dict[str, Callable[[Place, int], Awaitable[None]]] = {
    "chain": _set_chain_clock,  # a node on another machine
    "wall": _set_wall_clock,
    "machine": _set_machine_clock,
}
