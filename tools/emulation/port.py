"""An emulated board on a TCP port: `python -m tools.emulation.port --image UF2 --tcp 2000`.

For `trueque board --port socket://127.0.0.1:2000`: its serial console, an erased file system, and
around it a house of the bench with a supply that can be joined to its bus by typing `supply on`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from tools.bench.house import House, Wiring
from tools.bench.lab import STEP_S
from tools.bench.profile import DEFAULT_START, profile_of_house
from tools.bench.world import World
from tools.emulation.lab import EmulatedBoard
from tools.emulation.pace import Pace

PAUSE_S = 0.002


class EmulatedPort:
    """One emulated board, its house and its console on a loopback port."""

    def __init__(
        self, image: Path, wiring: Wiring | None = None, files: Mapping[str, bytes] | None = None
    ) -> None:
        """`files`: what is in its file system, nothing by default."""
        self.pace = Pace(1.0)
        self.house = House("house-1", profile_of_house(1), wiring or Wiring())
        self.supply = House("supply", profile_of_house(1), Wiring())
        noon = DEFAULT_START.replace(hour=12)
        self.world = World([self.house, self.supply], lambda: noon, 0.0)
        self.board = EmulatedBoard(self.house, image, files or {}, self)
        self._writer: asyncio.StreamWriter | None = None
        self._stepper: asyncio.Task[None] | None = None
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> str:
        """Power on and listen; return the address for `--port`."""
        await self.board.start()
        self.board.device.cdc.on_serial_data = self._say
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self._stepper = asyncio.create_task(self._step())
        return f"socket://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Power off."""
        self.board.device.stop()
        if self._stepper is not None:
            self._stepper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._stepper
        if self._server is not None:
            self._server.close()
        await asyncio.sleep(0.1)

    def join_supply(self, is_joined: bool) -> None:
        """Join the bench supply to the bus, or take it off."""
        self.supply.port.out_closed = is_joined

    async def _step(self) -> None:
        while True:
            self.world.advance(self.pace.now_ns() / 1e9)
            await asyncio.sleep(STEP_S)

    def _say(self, said: bytes | bytearray) -> None:
        self.board.console.extend(said)
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(bytes(said))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry what is typed to the board, no faster than it takes it."""
        self._writer, cdc = writer, self.board.device.cdc
        try:
            while typed := await reader.read(1024):
                for byte in typed:
                    while cdc.tx_fifo.full:
                        await asyncio.sleep(PAUSE_S)
                    cdc.send_serial_byte(byte)
        except OSError:
            pass  # it hung up
        finally:
            if self._writer is writer:
                self._writer = None
            writer.close()


def _obey(emulated: EmulatedPort, words: list[str]) -> str:
    """Do what was typed; return what to say."""
    match words:
        case ["supply", ("on" | "off") as state]:
            emulated.join_supply(state == "on")
        case ["apply", ("0" | "1" | "2") as channel, value]:
            emulated.house.applied[int(channel)] = float(value)
        case ["look"]:
            pass
        case _:
            return "supply on|off, apply CHANNEL VALUE (in V, A rms), look"
    relays = {name: each.is_closed for name, each in emulated.house.relays.items()}
    return json.dumps({"relays": relays, "resets": emulated.board.restarts})


async def _run(image: Path, port: int, wiring: Wiring) -> None:
    emulated = EmulatedPort(image, wiring)
    click.echo(await emulated.start(port))
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)

    def typed() -> None:
        # Not readline: what it keeps of two lines would wait for a third.
        lines = os.read(sys.stdin.fileno(), 4096).decode(errors="replace").splitlines()
        if not lines:
            loop.remove_reader(sys.stdin)
        for line in lines:
            click.echo(_obey(emulated, line.split()))

    loop.add_reader(sys.stdin, typed)
    await ended.wait()
    await emulated.stop()


@click.command()
@click.option(
    "--image", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True
)
@click.option("--tcp", "port", type=click.IntRange(0, 65535), default=0, help="0: a free one.")
@click.option("--active-low", is_flag=True, help="The relay module is driven without MOSFETs.")
def main(image: Path, port: int, active_low: bool) -> None:
    """Run one emulated Pico W with an erased file system until Ctrl-C; prints its address.

    Type `supply on` or `supply off` to join a supply of 13 V, 0.5 A to its bus, `apply 0 2.6` to
    put 2.6 V on channel 0, `look` to see its relays.

    Example: python -m tools.emulation.port --image pico-w.uf2 --tcp 2000
    """
    asyncio.run(_run(image, port, Wiring(relay_active_low=active_low)))


if __name__ == "__main__":
    main()
