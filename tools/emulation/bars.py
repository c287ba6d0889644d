"""What an emulated Pico W must reach, measured on one that samples, meters, saves and talks TLS."""

from __future__ import annotations

import contextlib
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from node.secp256k1 import verify
from wire import digests

from hub.certificates import ensure
from tools.emulation import absences, outages, torn
from tools.emulation.autopsy import autopsy
from tools.emulation.costs import measure as measure_costs
from tools.emulation.flash import read_files
from tools.emulation.lone import NODE, LoneBoard
from tools.emulation.variants import LONG_USED_SETTINGS, long_used

MINUTE_S = 60.0
BLOCK_US = 50_000
OVER_CURRENT_A = 1.4  # the limit is 1 A
TRIPS = 8
SAVES_S = 10.0
SEED = 2017
LOOK_EVERY_MS = 20.0
"""Of the safety loop, while the node is armed."""
START_S = 120


@dataclass(frozen=True)
class Minute:
    """What a minute at work has shown."""

    duration_s: float
    codes: int
    codes_lost: int
    flash_writes: int
    free_bytes: int
    readings: int
    losses_told: int


@dataclass(frozen=True)
class Trip:
    """What followed when a delivery passed the limit of its current."""

    opened_ms: float
    signed_s: float
    """From the open relay to the signature of the report at the hub."""
    waited_ms: float
    """How much longer than its period the safety loop waited at most, meanwhile."""
    written: tuple[str, ...]
    """Files that changed in flash from the report to its signature."""


@dataclass(frozen=True)
class Saves:
    """What saves of a delivery under way did to it."""

    waited_ms: float
    """How much longer than its period the safety loop waited at most where flash was written."""
    pages: int
    erases: int


@dataclass(frozen=True)
class Figures:
    """The bars that were measured; None is one that was not asked for."""

    block_us: int | None = None
    block_ac_us: int | None = None
    """The same with a mains voltage sensed, whose product with the current is real power."""
    minute: Minute | None = None
    trips: tuple[Trip, ...] | None = None
    trips_codes_lost: int = 0
    """From the first to the last of them, saves of their ends among it."""
    saves: Saves | None = None
    silence_s: float | None = None
    loss_s: float | None = None
    returns_s: tuple[float, ...] | None = None
    """From each return of the access point to the node's first word, all of absences.RETURNS."""
    foreign_connections: int | None = None
    cuts_survived: int | None = None
    torn_survived: int | None = None
    torn_deliveries_survived: int | None = None
    torn_updates_survived: int | None = None


async def watch_minute(board: LoneBoard, duration_s: float = MINUTE_S) -> Minute:
    """Let the board work, with a save each second, and return what was seen."""
    device, hub = board.device, board.hub
    began_s, codes, lost = board.now_s, device.converter.converted, device.converter.overruns
    writes, statuses = device.flash.writes, len(hub.all(NODE, "status"))
    readings, events = len(hub.all(NODE, "reading")), len(hub.all(NODE, "event"))
    await board.run_for(duration_s)
    told = [each["code"] for each in hub.all(NODE, "event")[events:]]
    return Minute(
        duration_s=board.now_s - began_s,
        codes=device.converter.converted - codes,
        codes_lost=device.converter.overruns - lost,
        flash_writes=device.flash.writes - writes,
        free_bytes=min(each["free_bytes"] for each in hub.all(NODE, "status")[statuses:]),
        readings=len(hub.all(NODE, "reading")) - readings,
        losses_told=told.count("samples_lost"),
    )


async def trip(board: LoneBoard, random_: random.Random) -> Trip:
    """Pass the current limit at a random moment of a delivery, and wait for the signature."""
    delivery_id = await board.begin_delivery()
    await board.run_for(0.8 + 0.2 * random_.random())
    passed_s = board.set_bus(12.0, OVER_CURRENT_A)
    opened_s = await board.opened_s(passed_s, 5)
    finals = await board.wait(lambda: board.hub.finals(NODE, delivery_id), 10, "the report")
    if finals[0]["reason"] != "over_current":
        raise RuntimeError(f"the delivery ended by {finals[0]['reason']}, not by over-current")
    board.lease_next()  # armed again, the safety loop looks as often as it ever does
    looks, files = len(board.looks), read_files(board.device.mcu)
    await board.wait(lambda: delivery_id in _signed(board), 10, "the signature")
    signed_s = board.now_s - opened_s
    _check(board, delivery_id)
    waits = _waits_ms(board.looks[looks:])
    changed = read_files(board.device.mcu).items() - files.items()
    written = tuple(sorted(name for name, _ in changed))
    waited_ms = max(waits[False] + waits[True])
    return Trip((opened_s - passed_s) * 1000, signed_s, waited_ms, written)


def _waits_ms(looks: list[tuple[float, int]]) -> dict[bool, list[float]]:
    """Return how late looks came, by whether flash was written since the one before."""
    waits: dict[bool, list[float]] = {False: [0.0], True: [0.0]}
    pairs = list(pairwise(looks))
    # Until the lease has come it looks each 0.2 s.
    gaps_s = [after_s - before_s for (before_s, _), (after_s, _) in pairs]
    armed = next((place for place, gap_s in enumerate(gaps_s) if gap_s < 0.03), len(pairs))
    for (before_s, writes), (after_s, writes_then) in pairs[armed:]:
        waits[writes_then > writes].append((after_s - before_s) * 1000 - LOOK_EVERY_MS)
    return waits


def _check(board: LoneBoard, delivery_id: str) -> None:
    """Raise RuntimeError unless the report's signature is by the key in the board's flash."""
    found = next(each for each in board.hub.all(NODE, "signature")
                 if each["delivery_id"] == delivery_id)  # fmt: skip
    figures = (found["role"], found["energy_uwh"], found["counterparty_uwh"])
    digest = digests.report_digest(delivery_id, *figures)
    identity = outages.saved_record(read_files(board.device.mcu), "identity")
    if identity is None or not verify(identity[32:], digest, bytes.fromhex(found["signature"])):
        raise RuntimeError("the signature of a report is not by the board's key")


def _signed(board: LoneBoard) -> set[str]:
    return {each["delivery_id"] for each in board.hub.all(NODE, "signature")}


async def watch_saves(board: LoneBoard) -> Saves:
    """Let a delivery be saved each second; return what was seen."""
    await board.begin_delivery()
    await board.run_for(1)
    flash = board.device.flash
    looks, writes, erases = len(board.looks), flash.writes, flash.erases
    await board.run_for(SAVES_S)
    waits = _waits_ms(board.looks[looks:])
    return Saves(max(waits[True]), flash.writes - writes, flash.erases - erases)


async def foreign_connections(image: Path, directory: Path) -> int:
    """Let a board trust another authority; return how often it connected."""
    other, _ = ensure(directory / "other", [])
    trusted = other.authority_der.read_bytes()
    async with LoneBoard(image, directory, authority=trusted) as board:
        refused = b"certificate refused"
        await board.wait(lambda: refused in board.console, START_S, "the refusal")
        await board.run_for(5)  # it tries again, and says the same only once
        return len(board.hub.all(NODE, "status"))


@contextlib.asynccontextmanager
async def _connected(
    image: Path,
    firmware: Mapping[str, bytes] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> AsyncIterator[LoneBoard]:
    """Yield a board that is connected by TLS; when it does not do its part, show what it was at."""
    with tempfile.TemporaryDirectory(prefix="trueque-emulated-") as directory:
        async with LoneBoard(image, Path(directory), firmware, settings=settings) as board:
            try:
                await board.wait_status("idle", limit_s=START_S)
                _say(f"connected by TLS, {board.now_s:.1f} s of the board's")
                yield board
            except Exception:
                print(board.console[-2000:].decode(errors="replace"), file=sys.stderr)
                _say(autopsy(board.device))
                raise


async def _minute(image: Path, duration_s: float) -> dict[str, Any]:
    async with _connected(image, long_used(), LONG_USED_SETTINGS) as board:
        return {"minute": await watch_minute(board, duration_s)}


async def _limits(image: Path, _: float) -> dict[str, Any]:
    """With saves each second and snapshots each ten: what may hold up a signature comes up."""
    random_ = random.Random(SEED)
    async with _connected(image, long_used(), LONG_USED_SETTINGS) as board:
        trips, lost = [], _lost(board)
        for _number in range(TRIPS):
            trips.append(await trip(board, random_))
            _say(str(trips[-1]))
        await board.run_for(1)  # what is saved after the last of them
        return {"trips": tuple(trips), "trips_codes_lost": _lost(board) - lost}


def _lost(board: LoneBoard) -> int:
    """Return how often samples were lost so far, by the converter and by what the board told."""
    told = [each["code"] for each in board.hub.all(NODE, "event")].count("samples_lost")
    return board.device.converter.overruns + told


async def _saves(image: Path, _: float) -> dict[str, Any]:
    async with _connected(image, long_used(), LONG_USED_SETTINGS) as board:
        return {"saves": await watch_saves(board)}


async def _loss(image: Path, _: float) -> dict[str, Any]:
    async with _connected(image) as board:
        silent_s = await absences.silence_s(board)
        return {"silence_s": silent_s, "loss_s": await absences.loss_s(board)}


async def _returns(image: Path, _: float) -> dict[str, Any]:
    async with _connected(image, long_used(), LONG_USED_SETTINGS) as board:
        returns_s = tuple([each_s async for each_s in absences.returns_s(board)])
        return {"returns_s": returns_s}


async def _share(image: Path, _: float) -> dict[str, Any]:
    names = {"block_us": "thesis", "block_ac_us": "ac"}
    return {
        name: (await measure_costs(image, profile))["sampler_block_us"]
        for name, profile in names.items()
    }


async def _authority(image: Path, _: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="trueque-emulated-") as directory:
        return {"foreign_connections": await foreign_connections(image, Path(directory))}


async def _cuts(image: Path, _: float) -> dict[str, Any]:
    return {"cuts_survived": await outages.survived_cuts(image, _say)}


async def _torn(image: Path, _: float) -> dict[str, Any]:
    return {"torn_survived": await outages.survived_torn_writes(image, _say)}


async def _torn_deliveries(image: Path, _: float) -> dict[str, Any]:
    return {"torn_deliveries_survived": await torn.survived_torn_deliveries(image, _say)}


async def _torn_updates(image: Path, _: float) -> dict[str, Any]:
    return {"torn_updates_survived": await torn.survived_torn_updates(image, _say)}


MEASURED: dict[str, Callable[[Path, float], Awaitable[dict[str, Any]]]] = {
    "minute": _minute,
    "limits": _limits,
    "saves": _saves,
    "loss": _loss,
    "returns": _returns,
    "share": _share,
    "authority": _authority,
    "cuts": _cuts,
    "torn": _torn,
    "torn-deliveries": _torn_deliveries,
    "torn-updates": _torn_updates,
}
NAMES = tuple(MEASURED)
"""Bars that can be asked for one by one."""


async def measure(
    image: Path, minute_s: float = MINUTE_S, wanted: Collection[str] = NAMES
) -> Figures:
    """Measure the bars `wanted`. Raises TimeoutError when the board does not do its part."""
    found: dict[str, Any] = {}
    for name in wanted:
        figures = await MEASURED[name](image, minute_s)
        _say(f"{name}: {figures}")
        found |= figures
    return Figures(**found)


def _say(what: str) -> None:
    print(time.strftime("%H:%M:%S"), what, file=sys.stderr, flush=True)
