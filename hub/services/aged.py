"""Keeps the outcome of a costly call for a while, for several threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Outcome = TypeVar("Outcome")


class Aged(Generic[Outcome]):
    """Calls `make` again only when its last outcome is older than `age_s`.

    Threads that ask meanwhile wait for the one that makes it instead of making their own.
    """

    def __init__(self, make: Callable[[], Outcome], age_s: float) -> None:
        self._make, self._age_s = make, age_s
        self._lock = threading.Lock()
        self._kept: tuple[float, Outcome] | None = None

    def get(self) -> Outcome:
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] >= self._age_s:
                self._kept = (time.monotonic(), self._make())
            return self._kept[1]

    def forget(self) -> None:
        """Make the next call of `get` make a new one."""
        with self._lock:
            self._kept = None
