"""One virtual board's process: the firmware under MicroPython's unix port, in its own flash."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from hub.processes import Child

SHIMS_DIR = Path(__file__).parent / "shims"
HEAP = "512K"
"""A Pico W leaves about 190 kB; objects of a 64-bit host are twice as large."""
RESTART_S = 0.2
"""From a reset to the first instruction of boot.py."""


@dataclass(frozen=True)
class BoardFiles:
    """Where a board finds its firmware and keeps its flash and its log."""

    firmware_dir: Path
    flash_dir: Path
    log_path: Path


class Board:
    """Keeps one board running: whenever its process ends it starts again, as after a reset."""

    def __init__(self, name: str, files: BoardFiles, bench_port: int) -> None:
        self.name = name
        self.restarts = 0
        self._files = files
        argv = [sys.executable, "-m", "micropython_unix", "-X", f"heapsize={HEAP}"]
        argv += [str(SHIMS_DIR / "start.py"), str(bench_port), name, str(files.firmware_dir)]
        path = f"{SHIMS_DIR}:{files.firmware_dir}:.frozen"
        self._child = Child(
            name, argv, log_path=files.log_path, env={"MICROPYPATH": path}, cwd=files.flash_dir
        )
        self._keeper: asyncio.Task[None] | None = None
        self._may_run = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Process id, None while it is off."""
        return self._child.pid if self._child.is_running else None

    def power_on(self) -> None:
        """Start the board and keep it running."""
        self._may_run.set()
        if self._keeper is None:
            self._files.flash_dir.mkdir(parents=True, exist_ok=True)
            self._keeper = asyncio.create_task(self._keep())

    def power_off(self) -> None:
        """Cut its power in the middle of whatever it does; `power_on` starts it again."""
        self._may_run.clear()
        self.kill()

    def kill(self) -> None:
        """End the process at once; it starts again unless powered off."""
        if self.pid is not None:
            # It may have ended by itself without the loop knowing yet.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """End the board for good."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._child.stop(timeout_s=0.5)

    async def _keep(self) -> None:
        while True:
            await self._may_run.wait()
            await self._child.start()
            await self._child.wait()
            self.restarts += 1
            await asyncio.sleep(RESTART_S)
