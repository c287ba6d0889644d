"""What an emulated board was at when its emulation ended: its registers in words, its memory."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.emulation.device import PicoW

NAMES = (*(f"r{number}" for number in range(13)), "sp", "lr", "pc")
BUSY = 1 << 24
"""Of a DMA channel's control register."""


def autopsy(device: PicoW) -> str:
    """Return registers and busy DMA channels, and where its flash and memory were written to.

    `trueque`'s modules lie in the flash's last 848 KiB, MicroPython's own in the first.
    """
    mcu = device.mcu
    directory = Path(tempfile.mkdtemp(prefix="trueque-autopsy-"))
    (directory / "flash.bin").write_bytes(mcu.flash[: 2 * 1024 * 1024])
    (directory / "memory.bin").write_bytes(mcu.sram)
    registers = " ".join(
        f"{name}={mcu.core.registers[place]:#x}" for place, name in enumerate(NAMES)
    )
    channels = [
        f"DMA channel {each.index}: to {each.read_uint32(4):#x}, {each.read_uint32(8)} left"
        for each in mcu.dma.channels
        if each.read_uint32(0xC) & BUSY
    ]
    at = f"{device.now_s:.6f} s, after {device.resets} resets"
    return "\n".join([at, registers, *channels, f"flash and memory: {directory}"])
