"""Emulated boards on TCP ports: `python -m tools.emulation.port --image UF2 --tcp 2000 --houses 2`.

For `trueque board --port socket://127.0.0.1:2000`: each has a serial console and an erased file
system, and around it a house of the bench. The houses share one bus, and a supply can be joined to
it by typing `supply on`.
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
from tools.emulation.lab import Bench, EmulatedBoard
from tools.emulation.line import Line
from tools.emulation.pace import Pace

MOST_HOUSES = 4
USAGE = (
    "supply on|off, apply HOUSE 0|1|2|pv|battery|bus VALUE (in V, A rms, A), release HOUSE, look"
)


class EmulatedPort:
    """One emulated board and its console on a loopback port."""

    def __init__(self, house: House, image: Path, files: Mapping[str, bytes], bench: Bench) -> None:
        """`files`: what is in its file system."""
        self.house = house
        self.board = EmulatedBoard(house, image, files, bench)
        self._line = Line(self.board.device.cdc)

    async def start(self, port: int) -> str:
        """Power on and listen; return the address for `--port`."""
        await self.board.start()
        self.board.device.cdc.on_serial_data = self._say
        return await self._line.start(port)

    async def stop(self) -> None:
        """Power off."""
        self.board.device.stop()
        await self._line.stop()

    def _say(self, said: bytes | bytearray) -> None:
        self.board.console.extend(said)
        self._line.say(said)


class EmulatedPorts:
    """Boards on ports, their houses and a bench supply on one bus at a noon that stands still."""

    def __init__(
        self,
        image: Path,
        wiring: Wiring | None = None,
        files: Mapping[str, bytes] | None = None,
        houses: int = 1,
    ) -> None:
        """`files`: what is in each board's file system, nothing by default."""
        self.pace = Pace(1.0)
        wiring = wiring or Wiring()
        names = [f"house-{number + 1}" for number in range(houses)]
        profiles = [profile_of_house(number + 1) for number in range(houses)]
        self.houses = {
            name: House(name, profile, wiring)
            for name, profile in zip(names, profiles, strict=True)
        }
        self.supply = House("supply", profile_of_house(1), Wiring())
        noon = DEFAULT_START.replace(hour=12)
        self.world = World([*self.houses.values(), self.supply], lambda: noon, 0.0)
        self.ports = {
            name: EmulatedPort(house, image, files or {}, self)
            for name, house in self.houses.items()
        }
        self._stepper: asyncio.Task[None] | None = None

    async def start(self, first_port: int = 0) -> dict[str, str]:
        """Power on and listen; return each house's address for `--port`."""
        numbers = [first_port and first_port + offset for offset in range(len(self.ports))]
        addresses = await asyncio.gather(
            *(port.start(number) for port, number in zip(self.ports.values(), numbers, strict=True))
        )
        self._stepper = asyncio.create_task(self._step())
        return dict(zip(self.ports, addresses, strict=True))

    async def stop(self) -> None:
        """Power off."""
        for port in self.ports.values():
            await port.stop()
        if self._stepper is not None:
            self._stepper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._stepper
        await asyncio.sleep(0.1)

    def join_supply(self, is_joined: bool) -> None:
        """Join the bench supply to the bus, or take it off."""
        self.supply.port.out_closed = is_joined

    async def _step(self) -> None:
        while True:
            self.world.advance(self.pace.now_ns() / 1e9)
            await asyncio.sleep(STEP_S)

    def obey(self, words: list[str]) -> str:
        """Do what was typed; return what to say."""
        match words:
            case ["supply", ("on" | "off") as state]:
                self.join_supply(state == "on")
            case ["apply", name, ("0" | "1" | "2") as channel, value] if (
                name in self.houses and _is_number(value)
            ):
                self.houses[name].applied[int(channel)] = float(value)
            case ["apply", name, ("pv" | "battery" | "bus") as branch, value] if (
                name in self.houses and _is_number(value)
            ):
                now_s = self.pace.now_ns() / 1e9
                self.houses[name].traces[branch].hold(now_s, float(value))
            case ["release", name] if name in self.houses:
                self.houses[name].applied.clear()
                for trace in self.houses[name].traces.values():
                    trace.release()
            case ["look"]:
                pass
            case _:
                return USAGE
        return json.dumps({name: self._seen(port) for name, port in self.ports.items()})

    def _seen(self, port: EmulatedPort) -> dict[str, object]:
        energies = port.house.energies.uwh()
        return {
            "relays": {name: each.is_closed for name, each in port.house.relays.items()},
            "bus_v": round(port.house.port.meter_v, 2),
            "bus_a": round(port.house.port.current_a, 3),
            "bus_import_uwh": energies["bus_import_uwh"],
            "bus_export_uwh": energies["bus_export_uwh"],
            "resets": port.board.restarts,
            "at_s": round(port.board.device.now_s, 1),
        }


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


async def _run(ports: EmulatedPorts, first_port: int) -> None:
    for name, address in (await ports.start(first_port)).items():
        click.echo(f"{name} {address}")
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
            click.echo(ports.obey(line.split()))

    loop.add_reader(sys.stdin, typed)
    await ended.wait()
    await ports.stop()


@click.command()
@click.option(
    "--image", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True
)
@click.option("--tcp", "port", type=click.IntRange(0, 65000), default=0,
              help="Of the first board, the others follow; 0: free ones.")  # fmt: skip
@click.option("--houses", type=click.IntRange(1, MOST_HOUSES), default=1, show_default=True)
@click.option("--active-low", is_flag=True, help="The relay module is driven without MOSFETs.")
def main(image: Path, port: int, houses: int, active_low: bool) -> None:
    """Run emulated Pico Ws with erased file systems until Ctrl-C; prints their addresses.

    Their houses share one bus. Type `supply on` or `supply off` to join a supply of 13 V, 0.5 A to
    it, `apply house-1 0 2.6` to put 2.6 V on a channel, `apply house-1 pv 0.2` to send 0.2 A
    through a shunt, `release house-1` to let the house go on, `look` to see relays and what flows.

    Example: python -m tools.emulation.port --image pico-w.uf2 --tcp 2000 --houses 2
    """
    ports = EmulatedPorts(image, Wiring(relay_active_low=active_low), houses=houses)
    asyncio.run(_run(ports, port))


if __name__ == "__main__":
    main()
