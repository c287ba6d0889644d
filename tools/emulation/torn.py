"""Power that fails within writes of deliveries and of updates on an emulated board: what it keeps.

The board runs the firmware's own store, transfer and choice of what starts, without a hub. At each
cut the flash is read as the next start will read it, and judged.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher import Boots
from node.registers import Registers
from node.store import Store

from tools.board.firmware_files import compiled_files
from tools.emulation import on_board_deliveries, on_board_updates
from tools.emulation.device import PicoW, Surroundings
from tools.emulation.lone import noon_house
from tools.emulation.outages import SEED, TORN, Outages, Say
from tools.emulation.pace import Pace

START_S, CUT_S = 60, 60
SETTINGS = b'{"kept": true}'


def judge_delivery(files: Mapping[str, bytes]) -> int:
    """Return the number of the last delivery known. Raises ValueError when anything is wrong.

    Each is known, has one report, and the registers hold the energy of all of them once.
    """
    with tempfile.TemporaryDirectory(prefix="trueque-torn-") as directory:
        _write(files, Path(directory))
        registers = Registers()
        finals = Store(registers, directory + "/").finals
    last = int(registers[on_board_deliveries.COUNTER])
    reports = [finals.find(on_board_deliveries.name_of(number)) for number in range(1, last + 1)]
    reports = reports[-8:]  # the board remembers sixteen
    if None in reports:
        raise ValueError(f"a delivery before {last} is not known")
    for before, after in zip(reports, reports[1:], strict=False):
        if after["register_uwh"] - after["energy_uwh"] != before["register_uwh"]:
            raise ValueError(f"energy is lost or counted twice: {before}, {after}")
    if reports and registers["bus_export"] != reports[-1]["register_uwh"]:
        raise ValueError(f"the register says {registers['bus_export']}, not as {reports[-1]}")
    return last


def judge_update(files: Mapping[str, bytes]) -> int:
    """Return the release that is confirmed. Raises ValueError when anything is wrong.

    What starts next is the cable's, or whole to the byte; other files are as they were.
    """
    with tempfile.TemporaryDirectory(prefix="trueque-torn-") as directory:
        _write(files, Path(directory))
        boots = Boots(directory + "/")
    starting = [(boots.active, boots.highest)] if boots.active else []
    starting += [(boots.trial[0], boots.trial[1])] if boots.trial else []
    for slot, number in starting:
        if files.get(f"firmware-{slot}.trq") != on_board_updates.made(number)[1]:
            raise ValueError(f"release {number} in slot {slot} is not whole")
    if files.get("settings.json") != SETTINGS:
        raise ValueError("the settings are not what they were")
    return int(boots.highest)


def _write(files: Mapping[str, bytes], directory: Path) -> None:
    for name, content in files.items():
        if not name.endswith((".mpy", ".py", ".trq")):
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


async def survived_torn_deliveries(image: Path, say: Say, cuts: int = TORN) -> int:
    """Cut the power within random writes of deliveries; return after how many all was well."""
    return await _survived(image, say, cuts, DELIVERIES)


async def survived_torn_updates(image: Path, say: Say, cuts: int = TORN) -> int:
    """Cut the power within random writes of updates; return after how many all was well."""
    return await _survived(image, say, cuts, UPDATES)


@dataclass(frozen=True)
class _Work:
    """What the board does: its main.py; how the flash is judged; writes each time, or less."""

    script: Path
    judge: Callable[[Mapping[str, bytes]], int]
    most_writes: int


DELIVERIES = _Work(Path(on_board_deliveries.__file__), judge_delivery, 50)
UPDATES = _Work(Path(on_board_updates.__file__), judge_update, 90)


async def _survived(image: Path, say: Say, cuts: int, work: _Work) -> int:
    files = compiled_files() | {"main.py": work.script.read_bytes(), "settings.json": SETTINGS}
    house = noon_house()
    around = Surroundings(house.sample, house.meters, house.unique_id)
    device = PicoW(image, files, around, Pace(None))

    def look(kept: Mapping[str, bytes]) -> int | None:
        try:
            return work.judge(kept)
        except ValueError as problem:
            say(str(problem))
            return None

    await device.start()
    outages = Outages(device, random.Random(SEED), look, say, work.most_writes)
    try:
        await device.wait(lambda: device.flash.writes > work.most_writes, START_S)
        outages.plan()
        await device.wait(lambda: len(outages.found) >= cuts, CUT_S * cuts)
    finally:
        device.stop()
    last, survived = 0, 0
    for number in outages.found[:cuts]:
        survived += number is not None and number >= last
        last = number or last
    # It carried on from what it found: it did not stand still.
    return survived if last > cuts // 4 else 0
