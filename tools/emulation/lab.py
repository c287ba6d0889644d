"""The bench with emulated boards: the same houses and faults, in emulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from rp2040py.gpio_pin import GPIOPinState

from tools.bench.house import RELAY_PINS, House
from tools.bench.lab import FIRMWARE_DIR, SiteTime, VirtualLab
from tools.bench.world import World
from tools.board.firmware_files import compiled_files
from tools.emulation.device import PicoW, Surroundings
from tools.emulation.pace import Pace

LED_PIN = 16
LEVELS = {GPIOPinState.HIGH: 1, GPIOPinState.LOW: 0}


class Bench(Protocol):
    """What a board needs of the bench around it."""

    pace: Pace
    world: World


class EmulatedBoard:
    """One house's Pico W, its pins wired to the house."""

    pid = None

    def __init__(self, house: House, image: Path, files: Mapping[str, bytes], lab: Bench):
        self._house = house
        self._lab = lab
        self.console = bytearray()
        around = Surroundings(self._sample, house.meters, house.unique_id)
        self.device = PicoW(image, files, around, lab.pace)
        self.device.on_reset = self._float
        for pin in (*RELAY_PINS, LED_PIN):
            self._wire(pin)

    @property
    def restarts(self) -> int:
        """How often it was reset."""
        return self.device.resets

    async def start(self) -> None:
        """Power on."""
        self.device.cdc.on_serial_data = self.console.extend
        await self.device.start()

    def _wire(self, pin: int) -> None:
        def moved(new: GPIOPinState, old: GPIOPinState) -> None:
            self._lab.world.set_pin(self._house, pin, LEVELS.get(new), self.device.now_s)

        self.device.mcu.gpio[pin].add_listener(moved)

    def _float(self) -> None:
        self._lab.world.power_off(self._house, self.device.now_s)

    def _sample(self, channels: list[int], at_s: Any, pads: int) -> Any:
        self._lab.world.advance(self.device.now_s)
        return self._house.sample(channels, at_s, pads)


class EmulatedLab(VirtualLab):
    """A VirtualLab whose boards are emulated. `image`: a MicroPython UF2 for the Pico W.

    All times are emulated ones. Each board's flash is made from the firmware and the files in
    `<state_dir>/<node>/`.
    """

    def __init__(
        self, houses: int, state_dir: Path, image: Path, clock: SiteTime, speed: float | None = 1.0
    ) -> None:
        self.pace = Pace(speed)
        self._image = image
        self.emulated: dict[str, EmulatedBoard] = {}
        super().__init__(houses, state_dir, FIRMWARE_DIR, clock)

    def now_s(self) -> float:
        """Return the emulated time."""
        return self.pace.now_ns() / 1e9

    async def start(self) -> None:
        """Power all boards on."""
        firmware = compiled_files(self._firmware_dir)
        for name, house in self.houses.items():
            flash = self.state_dir / name
            own = {path.name: path.read_bytes() for path in flash.iterdir() if path.is_file()}
            files = firmware | own
            self.emulated[name] = EmulatedBoard(house, self._image, files, self)
        await asyncio.gather(*(board.start() for board in self.emulated.values()))

    async def stop(self) -> None:
        """End all boards."""
        for name, board in self.emulated.items():
            board.device.stop()
            (self.state_dir / f"{name}.log").write_bytes(board.console)
        await asyncio.sleep(0.1)

    def check(self) -> None:
        """Raise what ended a board's emulation, if anything did."""
        for board in self.emulated.values():
            if board.device.simulator.engine_room_error is not None:
                raise board.device.simulator.engine_room_error

    def restart(self, name: str) -> None:
        """Cut a board's power in the middle of whatever it does and give it back."""
        self.emulated[name].device.cut_power()

    def put_file(self, name: str, path: str, content: bytes) -> None:
        """Cut a board's power, put a file into its flash and give the power back."""
        self.emulated[name].device.put_file(path, content)

    def console(self, name: str) -> str:
        """Return what a board has printed."""
        return self.emulated[name].console.decode(errors="replace")

    def cut_wifi(self, name: str, *, cut: bool = True) -> None:
        """Take the access point out of a board's reach, or bring it back."""
        self.emulated[name].device.radio.cut(cut)

    def _state_of(self, name: str) -> tuple[int | None, int]:
        board = self.emulated.get(name)
        return None, board.restarts if board else 0
