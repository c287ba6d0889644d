"""A serial console on a TCP port: one client at a time, as a serial port has one program."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Protocol

PAUSE_S = 0.002
LEFT_S = 0.3
"""A client that has just left is noticed within this, while the board keeps the machine busy."""
MOST_TYPED_BYTES = 1 << 20
BUSY = b"busy: another program holds this board's port\r\n"


class Fifo(Protocol):
    """How much a console has taken and not read."""

    @property
    def full(self) -> bool:
        """Whether it takes no more."""


class Console(Protocol):
    """What a board reads its typed bytes from."""

    @property
    def tx_fifo(self) -> Fifo:
        """What is typed and not read."""

    def send_serial_byte(self, data: int) -> None:
        """Type a byte."""


class Line:
    """What a client types goes to the console, no faster than that takes it; what is said, back."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._typed = bytearray()
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self._typing: asyncio.Task[None] | None = None

    async def start(self, port: int) -> str:
        """Listen; return the address for `--port`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self._typing = asyncio.create_task(self._type())
        return f"socket://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Hang up and listen no more."""
        if self._server is not None:
            self._server.close()
        if self._writer is not None:
            self._writer.close()
        if self._typing is not None:
            self._typing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._typing

    def say(self, said: bytes | bytearray) -> None:
        """Send what the board has printed; nobody may be there."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(bytes(said))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end_s = time.monotonic() + LEFT_S
        while self._writer is not None and time.monotonic() < end_s:
            await asyncio.sleep(PAUSE_S)
        if self._writer is not None:
            writer.write(BUSY)
            writer.close()
            return
        self._writer = writer
        self._typed.clear()
        try:
            # Read at once and typed later: a board that takes nothing must not hide a hang-up.
            while typed := await reader.read(1024):
                self._typed += typed
                if len(self._typed) > MOST_TYPED_BYTES:
                    break
        except OSError:
            pass  # it hung up
        finally:
            self._writer = None
            writer.close()

    async def _type(self) -> None:
        while True:
            while self._typed and not self._console.tx_fifo.full:
                self._console.send_serial_byte(self._typed.pop(0))
            await asyncio.sleep(PAUSE_S)
