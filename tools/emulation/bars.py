"""What an emulated Pico W must reach, measured on one that samples, meters, saves and talks TLS."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tools.emulation.costs import measure as measure_costs
from tools.emulation.lone import NODE, LoneBoard

MINUTE_S = 60.0
BLOCK_US = 50_000
OVER_CURRENT_A = 1.4  # the limit is 1 A
TRIPS = 5
SEED = 2017


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


async def watch_minute(board: LoneBoard, duration_s: float = MINUTE_S) -> Minute:
    """Let the board work, with a save each second, and return what was seen."""
    device, hub = board.device, board.hub
    began_s, codes, lost = board.now_s, device.converter.converted, device.converter.overruns
    writes, statuses = device.flash.writes, len(hub.all(NODE, "status"))
    readings = len(hub.all(NODE, "reading"))
    await board.run_for(duration_s)
    events = [each["code"] for each in hub.all(NODE, "event")]
    return Minute(
        duration_s=board.now_s - began_s,
        codes=device.converter.converted - codes,
        codes_lost=device.converter.overruns - lost,
        flash_writes=device.flash.writes - writes,
        free_bytes=min(each["free_bytes"] for each in hub.all(NODE, "status")[statuses:]),
        readings=len(hub.all(NODE, "reading")) - readings,
        losses_told=events.count("samples_lost"),
    )


async def trip_ms(board: LoneBoard, random_: random.Random) -> float:
    """Pass the current limit at a random moment of a delivery; return the ms to the pin's edge."""
    delivery_id = await board.begin_delivery()
    await board.run_for(0.8 + 0.2 * random_.random())
    passed_s = board.set_bus(12.0, OVER_CURRENT_A)
    opened_s = await board.opened_s(passed_s, 5)
    finals = await board.wait(lambda: board.hub.finals(NODE, delivery_id), 10, "the report")
    if finals[0]["reason"] != "over_current":
        raise RuntimeError(f"the delivery ended by {finals[0]['reason']}, not by over-current")
    return (opened_s - passed_s) * 1000


async def silence_s(board: LoneBoard) -> float:
    """Let the hub fall silent in a delivery; return the seconds until the relay opened."""
    delivery_id = await board.begin_delivery()
    await board.run_for(3)
    del board.hub.pairs[delivery_id]
    began_s = board.now_s
    return await board.opened_s(began_s, 30) - began_s


async def loss_s(board: LoneBoard) -> float:
    """End the broker in a delivery; return the seconds until the relay opened."""
    await board.begin_delivery()
    await board.run_for(3)
    began_s = board.now_s
    await board.broker.stop()
    return await board.opened_s(began_s, 30) - began_s


@dataclass(frozen=True)
class Figures:
    """All bars of one image."""

    minute: Minute
    block_us: int
    trips_ms: tuple[float, ...]
    silence_s: float
    loss_s: float


async def measure(image: Path, minute_s: float = MINUTE_S) -> Figures:
    """Measure everything: some minutes. Raises TimeoutError when the board does not do its part."""
    random_ = random.Random(SEED)
    costs = await measure_costs(image)
    with tempfile.TemporaryDirectory(prefix="trueque-emulated-") as directory:
        async with LoneBoard(image, Path(directory)) as board:
            try:
                await board.wait_status("idle", 120)
                _say(board, "connected by TLS")
                minute = await watch_minute(board, minute_s)
                _say(board, "a minute of work")
                trips = [await trip_ms(board, random_) for _ in range(TRIPS)]
                _say(board, "limits passed")
                silent_s = await silence_s(board)
                lost_s = await loss_s(board)
                _say(board, "hub and broker gone")
            except TimeoutError:
                print(board.console[-2000:].decode(errors="replace"), file=sys.stderr)
                raise
    return Figures(minute, costs["sampler_block_us"], tuple(trips), silent_s, lost_s)


def _say(board: LoneBoard, what: str) -> None:
    print(
        f"{time.strftime('%H:%M:%S')} {what}, {board.now_s:.1f} s of the board's", file=sys.stderr
    )
