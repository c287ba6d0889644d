"""A virtual board on a serial port: its flash directory in, the path of a pseudo-terminal out.

What mpremote finds there is the firmware under MicroPython's unix port with the bench's hardware
around it: one house on a bus of its own, and a bench supply that can be joined to that bus.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import select
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.bench.board import HEAP, SHIMS_DIR
from tools.bench.boardserver import BoardServer
from tools.bench.house import House, Wiring
from tools.bench.lab import FIRMWARE_DIR, STEP_S
from tools.bench.profile import DEFAULT_START, profile_of_house
from tools.bench.relay import Fault
from tools.bench.shims import bench_console
from tools.bench.shims import bench_protocol as protocol
from tools.bench.world import World
from tools.board.errors import BoardError

CTRL_C = b"\x03"
START_S = 10.0
LOOK_S = 0.05
UNREAD_S = 0.5
"""A board waits so long for a computer that does not read, then what it prints is lost, as on the
Pico's USB."""


class VirtualPort:
    """One virtual board with a console, as long as the context lasts. `path`: its port."""

    def __init__(self, directory: Path) -> None:
        """`directory`: the board's flash. A firmware in it counts before the checkout's."""
        self.directory = directory.resolve()
        settings = _settings(directory / "settings.json")
        self.name = str(settings.get("node", directory.name))
        number = self.name.rpartition("-")[2]
        profile = profile_of_house(int(number) if number.isdecimal() else 1)
        self.house = House(self.name, profile, Wiring.of_settings(settings))
        self.faults: dict[str, Fault | None] = {}
        # The bench supply is another house's current-limited source.
        self.supply = House("supply", profile_of_house(1), Wiring())
        noon = DEFAULT_START.replace(hour=12)
        self.world = World([self.house, self.supply], lambda: noon, time.monotonic())
        self._bench = _Bench(self.world, self._restart)
        self._console = _Console(lambda: self._bench.link(self.name))
        self.path = ""

    def __enter__(self) -> VirtualPort:
        port = self._bench.start()
        self.path = self._console.start(self.directory, [str(port), self.name, str(FIRMWARE_DIR)])
        end_s = time.monotonic() + START_S
        while self._bench.link(self.name) is None:
            if time.monotonic() > end_s:
                self.__exit__()
                raise BoardError(f"{self.directory}: MicroPython does not start there")
            time.sleep(LOOK_S)
        return self

    def __exit__(self, *problem: object) -> None:
        self._console.stop()
        self._bench.stop()

    def join_supply(self, is_joined: bool) -> None:
        """Join the bench supply to the bus, or take it off."""
        self._bench.call(lambda: setattr(self.supply.port, "out_closed", is_joined))

    def break_relay(self, relay: str, fault: Fault | None) -> None:
        """Weld a relay or stick it open, or repair it with None."""
        self.faults[relay] = fault
        self._bench.call(
            lambda: self.house.relays[relay].break_down(fault, time.monotonic()),
            lambda: self.world.touch(time.monotonic()),
        )

    def kill_sensor(self, address: int) -> None:
        """Make an I2C part stop answering."""
        self.house.meters[address].is_dead = True

    def closed_relays(self) -> list[str]:
        """Return which contacts are closed now."""
        return [name for name, relay in self.house.relays.items() if relay.is_closed]

    def cut_power(self) -> None:
        """Cut the board's power in the middle of whatever it does and give it back."""
        self._console.restart()

    def pull_cable(self) -> None:
        """Take the port away; the board has no other power."""
        self._console.stop()

    @property
    def said(self) -> str:
        """All that the board printed."""
        return self._console.said.decode(errors="replace")

    def _restart(self, name: str) -> None:
        self._console.restart()


class _Bench:
    """The bench's physics and its server for boards, in a thread."""

    def __init__(self, world: World, on_reset: Any) -> None:
        self._world = world
        self._server = BoardServer(world)
        self._server.on_reset = self._server.on_watchdog = lambda name: self._reset(name, on_reset)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._stepper: asyncio.Task[None] | None = None

    def start(self) -> int:
        """Return the port on which boards find their hardware."""
        self._thread.start()
        return asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(START_S)

    async def _start(self) -> int:
        self._stepper = asyncio.create_task(self._step())
        return await self._server.start()

    async def _step(self) -> None:
        while True:
            now_s = time.monotonic()
            self._world.advance(now_s)
            self._server.check_watchdogs(now_s)
            await asyncio.sleep(STEP_S)

    def _reset(self, name: str, on_reset: Any) -> None:
        self._server.reset_causes[name] = protocol.WDT_RESET
        on_reset(name)

    def link(self, name: str) -> object | None:
        """Return a board's line to the bench: there is one once its program has begun."""
        return self._server.links.get(name)

    def call(self, *acts: Any) -> None:
        """Do something between two steps of the bench."""

        async def act() -> None:
            self._world.advance(time.monotonic())
            for each in acts:
                each()

        asyncio.run_coroutine_threadsafe(act(), self._loop).result(START_S)

    def stop(self) -> None:
        """End the bench."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(START_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S)
        self._loop.close()

    async def _stop(self) -> None:
        if self._stepper is not None:
            self._stepper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._stepper
        await self._server.stop()


class _Console:
    """Keeps the board's process running and joins it to a pseudo-terminal."""

    def __init__(self, link: Callable[[], object | None]) -> None:
        self._link = link
        self.said = bytearray()
        self._typed = b""
        self._master = self._slave = -1
        self._patience_s = UNREAD_S
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._is_ending = False

    def start(self, directory: Path, arguments: list[str]) -> str:
        """Start the board; return the terminal's path."""
        self._master, self._slave = pty.openpty()
        os.set_blocking(self._master, False)
        tty.setraw(self._slave)
        directory.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "micropython_unix", "-X", f"heapsize={HEAP}"]
        argv += [str(SHIMS_DIR / "start.py"), *arguments]
        keep = threading.Thread(target=self._keep, args=(argv, directory), daemon=True)
        self._thread = keep
        keep.start()
        return os.ttyname(self._slave)

    def _keep(self, argv: list[str], directory: Path) -> None:
        self._mode = "run"
        environment = dict(os.environ, MICROPYPATH=f"{SHIMS_DIR}::{FIRMWARE_DIR}:.frozen")
        while not self._is_ending:
            before = self._link()
            self._process = subprocess.Popen(
                [*argv, self._mode],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=directory,
                bufsize=0,
            )
            self._mode = self._pump(self._process, before)
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                pipe.close()

    def _pump(self, process: subprocess.Popen[bytes], before: object | None) -> str:
        """Carry bytes both ways until the process ends; return how it must start again.

        What is typed waits until its program has begun. `before`: the line to the bench of the
        process before this one.
        """
        assert process.stdin is not None and process.stdout is not None
        output, last_words = process.stdout.fileno(), b""
        while not self._is_ending:
            has_begun = self._link() not in (None, before)
            sources = [self._master, output] if has_begun else [output]
            ready = select.select(sources, [], [], 0 if self._typed else LOOK_S)[0]
            if output in ready:
                said = os.read(output, 4096)
                if not said:
                    break
                last_words = last_words[-64:] + said
                self.said += said
                self._show(said)
                continue
            if self._master in ready:
                self._typed += os.read(self._master, 4096)
            if has_begun and self._typed:
                if CTRL_C in self._typed and not last_words.rstrip(b" ").endswith(b">"):
                    self._typed = self._typed.rpartition(CTRL_C)[2]
                    return "prompt"
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(self._typed)
                self._typed = b""
        return "raw" if last_words.endswith(bench_console.SOFT_RESET.encode()) else "run"

    def _show(self, said: bytes) -> None:
        """Print on the terminal, as far as somebody reads there."""
        while said and not self._is_ending:
            try:
                said = said[os.write(self._master, said) :]
            except BlockingIOError:
                if not select.select([], [self._master], [], self._patience_s)[1]:
                    self._patience_s = 0.0
                    return
            self._patience_s = UNREAD_S

    def restart(self) -> None:
        """Reset the board."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """End the board and take its terminal away."""
        if self._is_ending:
            return
        self._is_ending = True
        self.restart()
        if self._thread is not None:
            self._thread.join(START_S)
        for descriptor in (self._master, self._slave):
            os.close(descriptor)


def _settings(path: Path) -> dict[str, Any]:
    """Return the settings that tell how the board is wired; none while it has none."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}
