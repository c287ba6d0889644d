"""A serial port in, a board's raw prompt out: code to run, files to read and write, resets.

The port is whatever mpremote opens: a board by USB, `socket://` of an emulated one, or the
pseudo-terminal of a virtual one. Everything above this file is the same for all three.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import serial
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from tools.board.errors import (
    BoardError,
    CableLost,
    NoAnswer,
    NoBoard,
    NoSpace,
    PortBusy,
    ProgramFailed,
)
from tools.board.line import SOCKET, check_line

READ_S = 3.0
"""A board that says nothing for so long between two bytes of the prompt's protocol is gone."""
ENTER_S = 10
RUN_S = 30.0
EMULATED = 5
"""So many times as long an emulated board may take, on a machine that has other work."""
BACK_S = 30.0
"""From a reset to the prompt: USB comes back after a second, an emulated board takes longer."""
SETTLE_S = 1.2
"""After a reset boot.py runs undisturbed: a Ctrl-C in it would leave the relays to resistors."""
ATTEMPTS = 2
CHUNK_BYTES = 1536
"""Of a file, in one command: as text it must fit a small board's fragmented memory."""


class Prompt:
    """One board whose program is interrupted, at its raw prompt."""

    def __init__(self, port: str) -> None:
        """Open and interrupt. Raises NoBoard, PortBusy or NoAnswer."""
        self.port = port
        self._patience = EMULATED if port.startswith(SOCKET) else 1
        self._transport = _open(port)
        try:
            self._interrupt()
        except BaseException as problem:
            self.close()
            if isinstance(problem, CableLost) and port.startswith(SOCKET):
                # No cable to pull: who listens there has hung up, for it serves one at a time.
                raise PortBusy(port) from None
            raise

    def __enter__(self) -> Prompt:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the port; the board stays at its prompt."""
        line = getattr(self._transport.serial, "_socket", None)
        with contextlib.suppress(OSError, TransportError):
            self._transport.close()
        # A line that is gone fails before it is closed, and would stay locked.
        with contextlib.suppress(OSError):
            self._transport.serial.close()
        # pyserial leaves a socket open whose other side has hung up: its shutdown fails before.
        if line is not None:
            line.close()

    def _interrupt(self) -> None:
        attempts = ATTEMPTS * self._patience
        for attempt in range(attempts):
            try:
                # mpremote prints what a strange answer was: not to our standard output.
                with contextlib.redirect_stdout(io.StringIO()), self._watched():
                    self._transport.enter_raw_repl(timeout_overall=ENTER_S)
                return
            except BoardError:
                raise
            except TransportError:
                if attempt + 1 == attempts:
                    raise NoAnswer(self.port) from None

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Tell what a broken line means."""
        try:
            yield
        except (OSError, serial.SerialException) as problem:
            raise CableLost(self.port) from problem

    def run(
        self,
        code: str,
        timeout_s: float = RUN_S,
        on_output: Callable[[bytes], None] | None = None,
    ) -> str:
        """Run code to its end; return what it printed. Raises ProgramFailed, NoSpace, CableLost.

        `timeout_s`: of silence, on a real board. `on_output`: takes each byte it prints, instead.
        """
        transport = self._transport
        try:
            with contextlib.redirect_stdout(io.StringIO()), self._watched():
                said, trace = transport.exec_raw(code, timeout_s * self._patience, on_output)
        except (TransportError, ValueError, struct.error) as problem:
            raise CableLost(self.port) from problem
        if trace:
            text = trace.decode(errors="replace").replace("\r", "")
            if "ENOSPC" in text or "OSError: 28" in text:
                raise NoSpace(f"{self.port}: no space left in the board's flash")
            raise ProgramFailed(self.port, text)
        return str(said.decode(errors="replace")).replace("\r", "") if on_output is None else ""

    def ask(self, code: str, timeout_s: float = RUN_S) -> Any:
        """Run code whose last line of output is JSON; return that."""
        lines = self.run(code, timeout_s).strip().splitlines()
        try:
            return json.loads(lines[-1])
        except (IndexError, ValueError):
            raise BoardError(f"{self.port}: the board's answer is not JSON: {lines[-1:]}") from None

    def write(
        self, path: str, content: bytes, on_sent: Callable[[int], None] = lambda count: None
    ) -> None:
        """Replace a file in one step: until the last moment the old one is whole.

        `on_sent(count)` after each piece. Raises NoSpace.
        """
        part = path + ".part"
        pieces = [content[at : at + CHUNK_BYTES] for at in range(0, len(content), CHUNK_BYTES)]
        for place, piece in enumerate(pieces or [b""]):
            code = f"import binascii, os\nf = open({part!r}, 'wb')\n" if place == 0 else ""
            code += f"f.write(binascii.a2b_base64({base64.b64encode(piece)!r}))"
            if place >= len(pieces) - 1:
                code += f"\nf.close()\nos.rename({part!r}, {path!r})"
            self.run(code)
            on_sent(len(piece))

    def read(self, path: str) -> bytes | None:
        """Return a file's content, None when it is not there."""
        code = (
            "import binascii\n"
            f"try:\n f = open({path!r}, 'rb')\n"
            " while True:\n"
            "  b = f.read(384)\n"
            "  if not b: break\n"
            "  print(binascii.b2a_base64(b).decode(), end='')\n"
            " print('.')\n"
            "except OSError: print('-')"
        )
        lines = self.run(code).split()
        if lines[-1:] != ["."]:
            return None
        return b"".join(base64.b64decode(line) for line in lines[:-1])

    def remove(self, *paths: str) -> None:
        """Remove files that may be there."""
        self.run(f"import os\nfor p in {paths!r}:\n try: os.remove(p)\n except OSError: pass")

    def reset(self) -> None:
        """Reset the board as its button would, and interrupt whatever it then runs.

        Raises CableLost when it does not come back.
        """
        self.restart()
        deadline_s = time.monotonic() + BACK_S
        time.sleep(SETTLE_S)
        while True:
            try:
                self._transport = _open(self.port)
                self._interrupt()
                return
            except (BoardError, NoBoard):
                self.close()
                if time.monotonic() > deadline_s:
                    raise CableLost(self.port) from None
                time.sleep(0.2)

    def restart(self) -> None:
        """Reset the board, let it run and let go of the port."""
        self._leave("import machine\nmachine.reset()")

    def start_bootloader(self) -> None:
        """Make it the drive of its boot ROM, to take another MicroPython."""
        self._leave("import machine\nmachine.bootloader()")

    def _leave(self, code: str) -> None:
        with contextlib.suppress(TransportError, OSError, BoardError):
            self._transport.exec_raw_no_follow(code)
        self.close()


def _open(port: str) -> SerialTransport:
    """Open a port for ourselves alone."""
    check_line(port)
    if port.startswith(SOCKET):
        try:
            return SerialTransport(port, timeout=READ_S)
        except TransportError:
            raise NoBoard(f"{port}: nothing listens at this address") from None
    try:
        return SerialTransport(port, timeout=READ_S)
    except (TransportError, OSError):
        raise NoBoard(f"{port}: it went away while it was opened; try again") from None
