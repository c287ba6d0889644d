"""What a running hub tells of itself enters; hub.json tells it to other processes, kept true."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub import running


class Announcing:
    """The announcement of one hub."""

    def __init__(
        self, data_dir: Path, read: Callable[[], dict[str, Any]], say: Callable[[str], None]
    ) -> None:
        """`read`: what is to be announced; with "pids", the processes it lives by."""
        self._data_dir = data_dir
        self._read = read
        self._say = say
        self._told: dict[str, Any] | None = None

    def begin(self) -> None:
        """Announce. Raises OSError."""
        self._told = self._read()
        running.announce(self._data_dir, self._told)

    def renew(self) -> None:
        """Announce what has changed since."""
        try:
            self.begin()
        except OSError as problem:  # a full disk must not keep the oracle from hearing
            self._say(f"hub.json is not up to date: {problem}")

    def look(self) -> None:
        """Announce again when a process was started again; once `begin` was called."""
        if self._told is not None and self._told["pids"] != self._read()["pids"]:
            self.renew()
