"""Records in flash against power that fails in the middle of a write."""

import asyncio
import random

from node.slots import Slots

from tests.hil import bare

CUTS = 100
PAGE_BYTES = 256
WRITES_A_SAVE = 12  # littlefs programs and erases so often, or less, for one save
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
    """Cuts the power of a board at a random write, again and again, and keeps the flash's state."""

    def __init__(self, device, random_) -> None:
        self._device = device
        self._random = random_
        self.counts: list[int | None] = []

    def plan(self) -> None:
        nth = self._random.randint(1, 3 * WRITES_A_SAVE)
        kept = self._random.randint(0, PAGE_BYTES)
        self._device.flash.cut_power_at(nth, kept, self._cut)

    def _cut(self) -> None:
        self.counts.append(_saved_count(self._device.mcu))
        self._device.cut_power()
        self.plan()


def _saved_count(mcu) -> int | None:
    """Read the flash as the next boot will; None when no record is whole."""
    from tools.emulation.flash import read_files

    for name, content in read_files(mcu).items():
        if name.startswith("registers."):
            with open(name, "wb") as file:
                file.write(content)
    saved = Slots("registers").load()
    assert saved is None or saved == saved[:4] * 40
    return int.from_bytes(saved[:4], "big") if saved else None


def test_records_survive_when_power_fails_within_any_write(image, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = {name: content for name, content in bare.firmware().items() if name == "node/slots.mpy"}

    async def run():
        async with bare.board(
            image, files | {"node/__init__.py": b"", "main.py": SAVING}
        ) as device:
            outages = Outages(device, random.Random(1))
            await bare.wait_until(lambda: device.flash.writes > 5 * WRITES_A_SAVE, device, 30)
            outages.plan()
            await bare.wait_until(lambda: len(outages.counts) >= CUTS, device, 20 * CUTS)
            return outages.counts

    counts = asyncio.run(run())
    assert None not in counts
    assert all(earlier <= later for earlier, later in zip(counts, counts[1:], strict=False))
    # The board carried on from what it found each time: it did not stand still.
    assert counts[-1] > CUTS
