"""New blocks enter as beats; who waits in a thread for one of them goes on."""

from __future__ import annotations

import threading


class Pulse:
    """`beats` is read before a look and given to `wait`, so that no beat in between is missed."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.beats = 0  # none: nobody tells of blocks

    def beat(self) -> None:
        """Wake everybody; from any thread."""
        with self._condition:
            self.beats += 1
            self._condition.notify_all()

    def wait(self, seen: int, timeout_s: float) -> None:
        """Wait until there was a beat after those `seen`, or for so long."""
        with self._condition:
            self._condition.wait_for(lambda: self.beats != seen, timeout_s)
