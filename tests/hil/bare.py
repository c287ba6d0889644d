"""One emulated board by itself, in emulated time that runs freely: no network, no bench."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.board.firmware_files import compiled_files

SETTINGS = {
    "node": "house-1",
    "wifi_ssid": "bench",
    "wifi_password": "bench-key",
    "broker_host": "10.0.0.1",
    "broker_port": 1,
    "broker_user": "house-1",
    "broker_password": "not-a-secret",
    "broker_tls": False,
    "relay_active_low": True,
    "key_up": "00" * 32,
    "key_down": "11" * 32,
}
Wave = Callable[[int, NDArray[np.float64]], NDArray[np.float64]]
"""(channel, times in s) -> codes, unrounded."""


def firmware(without: tuple[str, ...] = (), **changes) -> dict[str, bytes]:
    """Return the firmware's files with settings.json, `changes` made in the latter."""
    settings = json.dumps(SETTINGS | changes).encode()
    files = compiled_files() | {"settings.json": settings}
    return {name: content for name, content in files.items() if name not in without}


def silence(channel: int, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """All inputs at half of the reference."""
    return np.full(at_s.shape, 2048.0)


@contextlib.asynccontextmanager
async def board(image: Path, files: Mapping[str, bytes], wave: Wave = silence) -> AsyncIterator:
    """Yield a started PicoW whose ADC sees `wave`."""
    from tools.emulation.device import PicoW, Surroundings
    from tools.emulation.pace import Pace

    def sample(channels, at_s, pads):
        codes = np.empty(at_s.shape)
        for place, channel in enumerate(channels):
            codes[place :: len(channels)] = wave(channel, at_s[place :: len(channels)])
        return np.clip(np.rint(codes), 0, 4095).astype(np.uint16)

    device = PicoW(image, files, Surroundings(sample, {}), Pace(None))
    await device.start()
    try:
        yield device
    finally:
        device.stop()
        await asyncio.sleep(0)


class Edges:
    """Level changes of pins with their emulated times in ms, from power-on on."""

    def __init__(self, device, pins: tuple[int, ...]) -> None:
        self.seen: list[tuple[float, int, str]] = []
        for pin in pins:
            self._watch(device, pin)

    def _watch(self, device, pin: int) -> None:
        def moved(new, old) -> None:
            self.seen.append((device.now_s * 1000, pin, new.name))

        device.mcu.gpio[pin].add_listener(moved)


async def wait_until(condition: Callable[[], object], device, emulated_s: float) -> None:
    """Wait until the condition holds; AssertionError after `emulated_s` on the board's clock.

    Raises what ended the emulation, if anything did.
    """
    try:
        await device.wait(condition, emulated_s)
    except TimeoutError as problem:
        raise AssertionError(str(problem)) from problem
