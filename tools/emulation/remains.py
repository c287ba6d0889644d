"""What a reset of the chip leaves behind in rp2040py 0.3.6, and none does on silicon.

A channel of the DMA that was busy stays busy: it takes the next guest's samples from the moment
that it is enabled, beside the one that was started, and what both write goes past their buffers.
The watchdog runs on through a power cut, and the watchdog's choice of what it resets stays.
"""

from __future__ import annotations

import random

from rp2040py.peripherals import psm, watchdog
from rp2040py.rp2040 import RP2040


def clear_after_reset(mcu: RP2040) -> None:
    """End what a reset of any cause ends. Call it after the emulator's own reset."""
    for channel in mcu.dma.channels:
        channel.abort()


def clear_after_power_cut(mcu: RP2040, noise: random.Random) -> None:
    """End what needs power, too; the memory then holds `noise`."""
    clear_after_reset(mcu)
    mcu.watchdog.write_uint32(watchdog.CTRL, 0)
    mcu.psm.write_uint32(psm.WDSEL, 0)
    mcu.sram[:] = noise.randbytes(len(mcu.sram))
