"""Runs under MicroPython: measures blocks from standard input with the firmware's own meter.

Each request is a line {"what", "settings", "rate_mhz", "frames", "i2c"}, then so many frames of 3
16 bit codes, little-endian; its answer is a line. `i2c`: [{address: {register: value}}], what the
parts on I2C show from block to block. `what`:
- "measure": what `node.measure` returns; "i2c": registers of each block.
- "begin": build the meters of a house, with registers at 0. "meter": feed them. Both return
  {"registers", "integrals_uwh"}; an integral is the sum of power times duration over windows, in
  whole uWh.
"""

import json
import sys
from array import array

from node.adc import Rp2040
from node.fitting import sensors
from node.house_meter import build_house
from node.measure import Measurement
from node.registers import NAMES, Registers
from node.settings import Settings
from node.windows import build_windows

if "typing" in sys.modules:  # not under MicroPython
    from typing import Any

CHANNELS = 3
BLOCK_MS = 100  # as on the board
PICO_PER_MICRO_HOUR = 3_600_000_000


class FixedI2C:
    """Stands for machine.I2C: its parts read what the request says."""

    def __init__(self) -> None:
        self.parts: dict = {}

    def readfrom_mem_into(self, address: int, register: int, buffer: bytearray) -> None:
        """Give a 16 bit register."""
        value = self.parts[str(address)][str(register)]
        buffer[0], buffer[1] = value >> 8, value & 0xFF

    def writeto_mem(self, address: int, register: int, content: bytes) -> None:
        """Take a configuration: the bench has set it already."""


class Metering:
    """The meters of one house over many requests."""

    def __init__(self, settings: "Any", rate_mhz: int) -> None:
        fitted = sensors(settings.sensors, settings.calibration, rate_mhz, settings.divider_ratio)
        self.i2c = FixedI2C()
        self.registers = Registers()
        self._house = build_house(settings, fitted, self.i2c, self.registers)
        self._windows = build_windows(fitted, rate_mhz, settings, Rp2040)
        self._integrals = {"pv": 0, "battery": 0, "load": 0, "load_apparent": 0}

    def feed(self, frames: array, frame_count: int) -> None:
        """Take one block."""
        house = self._house
        for span in self._windows.feed(frames, frame_count):
            duration_us = self._windows.duration_us(span)
            house.measure(span, duration_us)
            powers = {
                "pv": house.pv.power_uw,
                "battery": house.battery.power_uw,
                "load": house.load.power_uw,
                "load_apparent": house.load.apparent_uva,
            }
            for name, power_uw in powers.items():
                self._integrals[name] += (power_uw or 0) * duration_us

    def result(self) -> dict:
        """Return registers and integrals."""
        integrals = {name: each // PICO_PER_MICRO_HOUR for name, each in self._integrals.items()}
        registers = {name: self.registers[name] for name in NAMES}
        return {"registers": registers, "integrals_uwh": integrals}


def read_bytes(size: int) -> bytes:
    """Return so many bytes of standard input. Raises EOFError when it ends before."""
    found = b""
    while len(found) < size:
        part = sys.stdin.buffer.read(size - len(found))
        if not part:
            raise EOFError
        found += part
    return found


def main() -> None:
    """Answer until standard input ends."""
    meter: Any = None
    metering: Any = None
    i2c = FixedI2C()
    while True:
        line = sys.stdin.buffer.readline()
        if not line:
            return
        request = json.loads(line)
        rate_mhz = request["rate_mhz"]
        if request["what"] == "measure":
            i2c = FixedI2C()
            meter = Measurement(Settings(request["settings"]), rate_mhz, Rp2040, i2c)
        elif request["what"] == "begin":
            meter = metering = Metering(Settings(request["settings"]), rate_mhz)
        else:
            meter, i2c = metering, metering.i2c
        left, block = request["frames"], rate_mhz * BLOCK_MS // 1_000_000
        while left:
            if request["i2c"]:
                i2c.parts = request["i2c"].pop(0)
            count = min(block, left)
            meter.feed(array("H", read_bytes(2 * CHANNELS * count)), count)
            left -= count
        print(json.dumps(meter.result()))


if __name__ == "__main__":
    main()
