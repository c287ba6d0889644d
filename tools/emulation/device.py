"""One emulated Pico W: rp2040py with the project's parts in it, its console in a log."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Callable, Mapping
from pathlib import Path

from rp2040py.boards import BOARDS
from rp2040py.device import MicroPythonDevice
from rp2040py.device.base_device import ResetCause
from rp2040py.external.bootsel_button import BootselButton

from tools.emulation.converter import Converter, Sample
from tools.emulation.flash import LAYOUT, Flash, build_image, read_files, write_image
from tools.emulation.i2c import Meter, MeterBus
from tools.emulation.network import Radio
from tools.emulation.pace import Pace, PacedSimulator
from tools.emulation.remains import clear_after_power_cut, clear_after_reset
from tools.emulation.usb import Console

BOOT_S = 120
LOOK_S = 0.005


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What a board is wired to: `sample` as bench House.sample, `meters` by I2C address."""

    sample: Sample
    meters: Mapping[int, Meter]
    unique_id: bytes = bytes(8)


class PicoW(MicroPythonDevice):
    """A board with an unmodified MicroPython image in its flash and `files` in its file system."""

    def __init__(
        self, image: Path, files: Mapping[str, bytes], around: Surroundings, pace: Pace
    ) -> None:
        self.radio = Radio()
        self.on_reset: Callable[[], None] = lambda: None
        self.resets = 0
        self._noise = random.Random(around.unique_id)
        board = dataclasses.replace(
            BOARDS["pico_w"],
            image=image,
            layout=LAYOUT,
            firmware=None,
            extras=(BootselButton, lambda: self.radio),
        )
        super().__init__(board=board)
        self.simulator = PacedSimulator(self.mcu, pace)
        self.cdc = Console(self.mcu.usb_ctrl)
        self.flash = Flash.fit(self.mcu)
        self.flash.unique_id = around.unique_id
        self.converter = Converter.fit(self.mcu, around.sample)
        self.meter_bus = MeterBus(self.mcu, around.meters)
        write_image(self.mcu, build_image(files))

    @property
    def now_s(self) -> float:
        """Emulated time since power-on."""
        return float(self.simulator.clock.nanos) / 1e9

    async def start(self) -> None:
        """Power the board on. Raises TimeoutError when it does not come up."""
        await self.astart(BOOT_S)

    def stop(self) -> None:
        """Power the board off for good."""
        super().stop()
        self.radio.hang_up()

    async def wait(self, condition: Callable[[], object], limit_s: float) -> None:
        """Wait until the condition holds. Raises TimeoutError after `limit_s` on its own clock.

        Raises what ended the emulation, if anything did.
        """
        end_s = self.now_s + limit_s
        while not condition():
            if self.simulator.engine_room_error is not None:
                raise self.simulator.engine_room_error
            if self.now_s > end_s:
                raise TimeoutError(f"not within {limit_s:g} s of the board's time")
            await asyncio.sleep(LOOK_S)

    async def run_for(self, duration_s: float) -> None:
        """Let so much of its time pass."""
        end_s = self.now_s + duration_s
        await self.wait(lambda: self.now_s >= end_s, duration_s + 1)

    def cut_power(self) -> None:
        """Cut the power and give it back at once, in the middle of whatever the board does."""
        self.hard_reset(cause=ResetCause.POWER_ON)

    def put_file(self, path: str, content: bytes) -> None:
        """Put a file into the flash while the power is cut, and give the power back."""
        write_image(self.mcu, build_image(read_files(self.mcu) | {path: content}))
        self.cut_power()

    def _enter_reset(self, cause: ResetCause) -> None:
        super()._enter_reset(cause)
        # Its regulator's pin floats now, which rp2040py 0.3.6 tells no listener of.
        self.radio.bus.power_off()
        self.meter_bus.reset()
        if cause is ResetCause.POWER_ON:
            clear_after_power_cut(self.mcu, self._noise)
        else:
            clear_after_reset(self.mcu)
        self.resets += 1
        self.on_reset()
