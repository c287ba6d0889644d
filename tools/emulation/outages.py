"""Power that fails on an emulated board: within writes to its flash, and at any moment."""

from __future__ import annotations

import json
import random
import struct
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from littlefs import LittleFSError
from node.registers import NAMES, Registers
from node.slots import Slots

from tools.board.firmware_files import compiled_files
from tools.emulation.autopsy import autopsy
from tools.emulation.device import PicoW, Surroundings
from tools.emulation.flash import TYPICAL_MS, read_files
from tools.emulation.lone import SETTINGS, noon_house
from tools.emulation.pace import Pace
from tools.emulation.variants import saving_often

Say = Callable[[str], None]
TORN, CUTS = 100, 50
TOLD_EACH = 10
SEED = 2017
PAGE_BYTES = 256
WRITES_A_SAVE = 12
"""littlefs programs and erases so often, or less, for one save."""
SAVE_S = 1.0
START_S = 60
CUT_IN_START = 4
"""Each so manieth cut comes while the board still starts."""
SAVING = b"""
from node.slots import Slots

slots = Slots("registers")
last = slots.load()
count = int.from_bytes(last[:4], "big") if last else 0
while True:
    count += 1
    slots.save(count.to_bytes(4, "big") * 40)
"""


class Outages:
    """Cuts the power of a board at a random write, again and again, and looks at the flash."""

    def __init__(
        self,
        device: PicoW,
        random_: random.Random,
        look: Callable[[Mapping[str, bytes]], int | None],
        say: Say,
        most: int = 3 * WRITES_A_SAVE,
    ) -> None:
        """`look`: files to a number that must not go back, None for what must not be."""
        self._device = device
        self._random = random_
        self._look = look
        self._say = say
        self._most = most
        self.found: list[int | None] = []

    def plan(self) -> None:
        """Choose the next write, and how much of it is still done."""
        nth = self._random.randint(1, self._most)
        self._device.flash.cut_power_at(nth, self._random.randint(0, PAGE_BYTES), self._cut)

    def _cut(self) -> None:
        self.found.append(self._look(read_files(self._device.mcu)))
        self._device.cut_power()
        self.plan()
        if len(self.found) % TOLD_EACH == 0:
            self._say(f"torn write {len(self.found)}")


def _saved_count(files: Mapping[str, bytes]) -> int | None:
    """Return what the next boot will find; None when no record is whole."""
    saved = saved_record(files, "registers")
    return None if saved is None or saved != saved[:4] * 40 else int.from_bytes(saved[:4], "big")


def saved_record(files: Mapping[str, bytes], name: str) -> bytes | None:
    """Return the newest whole record of a board's slots, as its firmware finds it."""
    with tempfile.TemporaryDirectory(prefix="trueque-slots-") as directory:
        for path, content in files.items():
            if path.startswith(name + "."):
                (Path(directory) / path).write_bytes(content)
        saved: bytes | None = Slots(str(Path(directory) / name)).load()
        return saved


async def survived_torn_writes(image: Path, say: Say, cuts: int = TORN) -> int:
    """Cut the power within random flash writes; return after how many of them all was well.

    All is well when the file system mounts, the newest whole record is there and is no older than
    the one before, and the board carries on from it. `say` is told of each tenth.
    """
    files = compiled_files()
    files = {"node/slots.mpy": files["node/slots.mpy"], "node/__init__.py": b"", "main.py": SAVING}
    house = noon_house()
    around = Surroundings(house.sample, house.meters, house.unique_id)
    device = PicoW(image, files, around, Pace(None))
    await device.start()
    outages = Outages(device, random.Random(SEED), _saved_count, say)
    try:
        await device.wait(lambda: device.flash.writes > 5 * WRITES_A_SAVE, 30)
        outages.plan()
        await device.wait(lambda: len(outages.found) >= cuts, 20 * cuts)
    finally:
        device.stop()
    counts, last, survived = outages.found[:cuts], 0, 0
    for count in counts:
        survived += count is not None and count >= last
        last = count or last
    # It carried on from what it found each time: it did not stand still.
    return survived if last > cuts else 0


@dataclass(frozen=True)
class Kept:
    """What a board's flash holds of its past."""

    energies_uwh: tuple[int, ...]
    next_number: int
    key: bytes | None

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Kept:
        """Read it as the next boot will. Raises ValueError where a record is whole but none."""
        registers, saved = Registers(), saved_record(files, "registers")
        if saved:
            registers.restore(saved)
        number = saved_record(files, "numbering")
        return cls(
            tuple(registers[name] for name in NAMES),
            struct.unpack(">QB", number)[0] if number else 0,
            saved_record(files, "identity"),
        )

    def follows(self, before: Kept) -> bool:
        """Tell whether nothing went back and nothing was lost since."""
        return (
            all(
                now >= then
                for now, then in zip(self.energies_uwh, before.energies_uwh, strict=True)
            )
            and self.next_number >= before.next_number
            and before.key in (None, self.key)
        )


async def survived_cuts(image: Path, say: Say, cuts: int = CUTS) -> int:
    """Cut the power of a node at random moments; return after how many of them all was well.

    It samples, meters and saves each second; no network is in its reach, so time is free. All is
    well when the flash holds what it held, or later, and the node starts and samples again.
    `say` is told of each cut, and of what the board was at when one ends the emulation.
    """
    house, random_ = noon_house(), random.Random(SEED)
    files = saving_often() | {"settings.json": json.dumps(SETTINGS).encode()}
    around = Surroundings(house.sample, house.meters, house.unique_id)
    device = PicoW(image, files, around, Pace(None))
    device.flash.write_ms = TYPICAL_MS
    device.radio.cut()
    await device.start()
    number = 0
    try:
        survived, before = 0, Kept.of({})
        await _start(device)
        for number in range(cuts):
            await device.run_for((2 * SAVE_S + 1) * random_.random())
            try:
                now = Kept.of(read_files(device.mcu))
            except (LittleFSError, ValueError) as problem:
                say(f"cut {number + 1} of {cuts} left nothing that can be read: {problem!r}")
                break
            device.cut_power()
            if number % CUT_IN_START == 0:
                await device.run_for(3 * random_.random())
                device.cut_power()
            await _start(device)
            survived += now.follows(before)
            before = now
            say(f"cut {number + 1} of {cuts}, {survived} survived")
        return survived if any(before.energies_uwh) else 0
    except Exception:
        say(f"cut {number + 1} of {cuts} ended it: {autopsy(device)}")
        raise
    finally:
        device.stop()


async def _start(device: PicoW) -> None:
    """Wait until the node samples."""
    converted = device.converter.converted
    await device.wait(lambda: device.converter.converted > converted, START_S)
