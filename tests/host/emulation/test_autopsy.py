"""What is told of a board whose emulation ended. Without an image."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("rp2040py", reason="the extra `emulation` is not installed")

from rp2040py.rp2040 import RP2040

from tools.emulation.autopsy import autopsy

CHANNEL_3 = 0x50000000 + 3 * 0x40
ENABLED, PACED = 1, 36 << 15


def test_autopsy_names_registers_and_busy_channels_when_a_board_has_ended():
    mcu = RP2040()
    mcu.core.pc = 0x10001234
    mcu.flash[5] = 0x5A
    mcu.sram[7] = 0xA5
    for offset, value in ((4, 0x20010000), (8, 42), (0xC, ENABLED | PACED)):
        mcu.write_uint32(CHANNEL_3 + offset, value)
    told = autopsy(SimpleNamespace(mcu=mcu, now_s=1.5, resets=4))
    directory = Path(re.search("flash and memory: (.*)", told)[1])
    try:
        assert "1.500000 s, after 4 resets" in told
        assert "pc=0x10001234" in told
        assert told.count("DMA channel") == 1
        assert "DMA channel 3: to 0x20010000, 42 left" in told
        assert (directory / "flash.bin").read_bytes()[5] == 0x5A
        assert (directory / "memory.bin").read_bytes()[7] == 0xA5
    finally:
        shutil.rmtree(directory)
