"""Runs under MicroPython: measures blocks from standard input with the firmware's own meter.

Each request is a line {"settings", "rate_mhz", "frames"}, then so many frames of 3 16 bit codes,
little-endian; its answer is a line: what `node.measure` returns.
"""

import json
import sys
from array import array

from node.adc import Rp2040
from node.measure import Measurement
from node.settings import Settings

CHANNELS = 3
BLOCK_MS = 100  # as on the board


def read_bytes(size: int) -> bytes:
    """Return so many bytes of standard input. Raises EOFError when it ends before."""
    found = b""
    while len(found) < size:
        part = sys.stdin.buffer.read(size - len(found))
        if not part:
            raise EOFError
        found += part
    return found


def answer(request: dict) -> None:
    """Read the frames of one request, print what the board's meter makes of them."""
    rate_mhz, left = request["rate_mhz"], request["frames"]
    measurement = Measurement(Settings(request["settings"]), rate_mhz, Rp2040)
    block = rate_mhz * BLOCK_MS // 1_000_000
    while left:
        count = min(block, left)
        measurement.feed(array("H", read_bytes(2 * CHANNELS * count)), count)
        left -= count
    print(json.dumps(measurement.result()))


def main() -> None:
    """Answer until standard input ends."""
    while True:
        line = sys.stdin.buffer.readline()
        if not line:
            return
        answer(json.loads(line))


if __name__ == "__main__":
    main()
