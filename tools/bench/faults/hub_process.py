"""The hub's process of a campaign: `trueque hub up` whose wall clock can be set from outside.

The offset in seconds stands in a file; it is looked at again after a twentieth of a second. Steady
clocks stay as they are, as when a person or a time server sets a machine's clock.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

LOOK_S = 0.05


def shift(offset_s: Callable[[], float]) -> None:
    """Let this process's wall clock be off by what `offset_s` returns."""
    true_s, true_ns = time.time, time.time_ns
    time.time = lambda: true_s() + offset_s()
    time.time_ns = lambda: true_ns() + int(offset_s() * 1e9)


class OffsetFile:
    """Reads an offset; what cannot be read leaves the last one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked_s = float("-inf")
        self._offset_s = 0.0

    def __call__(self) -> float:
        now_s = time.monotonic()
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            try:
                self._offset_s = float(self._path.read_text(encoding="ascii"))
            except (OSError, ValueError):
                return self._offset_s
        return self._offset_s


if __name__ == "__main__":
    shift(OffsetFile(Path(sys.argv.pop(1))))
    from tools.cli import main

    main()
