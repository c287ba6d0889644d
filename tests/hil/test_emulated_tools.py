"""The technician's tools on an emulated Pico W, over its serial console: mpremote, real flash."""

import asyncio
import random
import threading

import pytest

from tools.board.errors import BoardError
from tools.board.firmware import build
from tools.board.firmware_files import FIRMWARE_DIR
from tools.board.flashing import Progress, flash
from tools.board.prompt import Prompt
from tools.board.state import look

MODULES = ("boot.py", "main.py", "node/__init__.py", "node/version.py", "node/roots.py")
CUTS = 3


class Emulated:
    """An EmulatedPort on a loop of its own, so that the tools can wait for it."""

    def __init__(self, image):
        from tools.emulation.port import EmulatedPort

        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = self._await(self._make(EmulatedPort, image))
        self.address = self._await(self.port.start())

    async def _make(self, kind, image):
        return kind(image)

    def _await(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(180)

    def cut_power(self):
        """Cut it in the middle of whatever the board does, and give it back."""
        self._loop.call_soon_threadsafe(self.port.board.device.cut_power)

    def stop(self):
        self._await(self.port.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture(scope="module")
def emulated(image):
    """A Pico W with MicroPython and an empty file system."""
    found = Emulated(image)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A firmware of few modules: a busy emulated board takes minutes for all of them."""
    sources = tmp_path_factory.mktemp("sources")
    for name in MODULES:
        (sources / name).parent.mkdir(exist_ok=True)
        (sources / name).write_bytes((FIRMWARE_DIR / name).read_bytes())
    return build(sources=sources)


def contents(address, paths):
    with Prompt(address) as prompt:
        return {path: prompt.read(path) for path in paths}


def test_board_is_known_by_its_prompt(emulated):
    with Prompt(emulated.address) as prompt:
        state = look(prompt)
    assert (state.kind, state.chip, state.architecture) == ("Pico W", "rp2040", "armv6m")
    assert state.files == () and state.bytecode == "6.3"


def test_flash_is_whole_though_the_power_was_cut_several_times(emulated, small):
    chance = random.Random(7)
    for _ in range(CUTS):
        left = [chance.randint(1, 3)]

        def sent(count, left=left):
            left[0] -= 1
            if left[0] == 0:
                emulated.cut_power()

        # A late cut may find the work done.
        try:
            flash(emulated.address, lambda state: small, Progress(sent=sent))
        except BoardError as problem:
            assert "run the same command again" in str(problem)
    flash(emulated.address, lambda state: small)
    assert contents(emulated.address, small.files) == dict(small.files)
    assert flash(emulated.address, lambda state: small)[1].is_empty
    assert emulated.port.house.relays["in"].is_closed is False
    assert emulated.port.house.relays["out"].is_closed is False
