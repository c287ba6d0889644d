"""The virtual bench as one object: houses and firmware in, running boards and a report out."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from tools.bench import grid
from tools.bench.board import Board, BoardFiles
from tools.bench.boardserver import BoardServer
from tools.bench.house import House, Wiring
from tools.bench.profile import profile_of_house
from tools.bench.relay import Fault
from tools.bench.shims import bench_protocol as protocol
from tools.bench.world import World

FIRMWARE_DIR = Path(__file__).parents[2] / "firmware" / "pico"
STEP_S = 0.02
REPORTED_EDGES = 500


class SiteTime(Protocol):
    """What the lab needs of a clock: the site's local time, which may run fast."""

    def now(self) -> datetime.datetime: ...


class VirtualLab:
    """N houses, and maybe the grid, each with a board that runs the real firmware.

    Boards find their `settings.json` in `<state_dir>/<node>/`, their flash; it also says how the
    board is wired. Logs are `<state_dir>/<node>.log`.
    """

    def __init__(
        self,
        houses: int,
        state_dir: Path,
        firmware_dir: Path = FIRMWARE_DIR,
        clock: SiteTime | None = None,
        segments: Sequence[str] = (),
        *,
        has_grid: bool = False,
    ) -> None:
        """`segments`: the bus segment of each house; empty where all share one."""
        self.state_dir = state_dir.resolve()
        site_now = clock.now if clock is not None else datetime.datetime.now
        numbers = range(1, houses + 1)
        self.houses = {f"house-{number}": self._build_house(number) for number in numbers}
        if has_grid:
            self.houses[grid.NAME] = grid.grid_house(self._wiring(grid.NAME))
        self.world = World(list(self.houses.values()), site_now, self.now_s(), segments)
        self.server = BoardServer(self.world)
        self.server.on_reset = lambda name: self._reset(name, "reset")
        self.server.on_watchdog = lambda name: self._reset(name, "watchdog")
        self.boards: dict[str, Board] = {}
        self._firmware_dir = firmware_dir.resolve()
        self._epoch_s = time.time() - self.now_s()
        self._stepper: asyncio.Task[None] | None = None

    def _build_house(self, number: int) -> House:
        name = f"house-{number}"
        return House(name, profile_of_house(number), self._wiring(name))

    def _wiring(self, name: str) -> Wiring:
        path = self.state_dir / name / "settings.json"
        settings = json.loads(path.read_text()) if path.exists() else {}
        return Wiring.of_settings(settings)

    def now_s(self) -> float:
        """Return the time of everything here: the boards' own."""
        return time.monotonic()

    async def start(self) -> None:
        """Listen for boards and power them all on."""
        port = await self.server.start()
        for name in self.houses:
            files = BoardFiles(
                self._firmware_dir, self.state_dir / name, self.state_dir / f"{name}.log"
            )
            self.boards[name] = Board(name, files, port)
            self.boards[name].power_on()
        self._stepper = asyncio.create_task(self._step())

    async def stop(self) -> None:
        """Power all boards off and close the bench."""
        await asyncio.gather(*(board.stop() for board in self.boards.values()))
        if self._stepper is not None:
            self._stepper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._stepper
        await self.server.stop()

    async def _step(self) -> None:
        while True:
            now_s = self.now_s()
            self.world.advance(now_s)
            self.server.check_watchdogs(now_s)
            await asyncio.sleep(STEP_S)

    def _reset(self, name: str, why: str) -> None:
        """End a board's process; the RP2040 calls both kinds of reset a watchdog's."""
        with (self.state_dir / f"{name}.log").open("a") as log:
            log.write(f"bench: {why}\n")
        self.server.reset_causes[name] = protocol.WDT_RESET
        self.boards[name].kill()

    # Faults, for tests and demonstrations.

    def power_off(self, name: str) -> None:
        """Cut a board's power: its pins float and both its relays open."""
        self.server.reset_causes[name] = protocol.PWRON_RESET
        self.boards[name].power_off()

    def power_on(self, name: str) -> None:
        """Give a board its power back."""
        self.boards[name].power_on()

    def restart(self, name: str) -> None:
        """Cut a board's power in the middle of whatever it does and give it back."""
        self.server.reset_causes[name] = protocol.PWRON_RESET
        self.boards[name].kill()

    def unplug_clamp(self, name: str, *, plugged: bool = False) -> None:
        """Pull a house's current clamp out of its socket, or plug it in again."""
        self.houses[name].clamp.is_plugged = plugged

    def break_relay(self, name: str, relay: str, fault: Fault | None) -> None:
        """Weld a relay ("in" or "out"), stick it open, or repair it with None."""
        now_s = self.now_s()
        self.world.advance(now_s)
        self.houses[name].relays[relay].break_down(fault, now_s)
        self.world.touch(now_s)

    def kill_sensor(self, name: str, address: int, *, dead: bool = True) -> None:
        """Make an I2C part stop answering, or answer again."""
        self.houses[name].meters[address].is_dead = dead

    def cut_wifi(self, name: str, *, cut: bool = True) -> None:
        """Take the access point out of a board's reach, or bring it back."""
        if cut:
            self.server.without_wifi.add(name)
        else:
            self.server.without_wifi.discard(name)

    def put_file(self, name: str, path: str, content: bytes) -> None:
        """Cut a board's power, put a file into its flash and give the power back."""
        (self.state_dir / name / path).write_bytes(content)
        self.restart(name)

    # What truly happened.

    def console(self, name: str) -> str:
        """Return what a board has printed."""
        return (self.state_dir / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def report(self) -> dict[str, Any]:
        """Return relay edges, violations, true energies and the boards' state, JSON-ready."""
        self.world.settle(self.now_s())
        watch, names = self.world.watch, list(self.houses)
        violations = [
            {"at_ms": self._ms(each.at_s), "kind": each.kind, "node": names[each.house]}
            for each in watch.violations
        ]
        edges = [
            {"at_ms": self._ms(edge.at_s), "node": names[edge.house], "relay": edge.relay,
             "closed": edge.closed}
            for edge in list(watch.edges)[-REPORTED_EDGES:]
        ]  # fmt: skip
        return {
            "pid": os.getpid(),
            "updated_at_ms": self._ms(self.now_s()),
            "violations": {
                "total": len(violations),
                "kinds": watch.counts(),
                "last": violations[-20:],
            },
            "houses": {name: self._truth(name) for name in names},
            "relay_edges": edges,
        }

    def _truth(self, name: str) -> dict[str, Any]:
        house = self.houses[name]
        pid, restarts = self._state_of(name)
        truth: dict[str, Any] = {
            "is_prosumer": house.profile.has_pv,
            "pid": pid,
            "restarts": restarts,
            "soc_permille": round(house.battery.soc * 1000),
            "relays": {relay: each.is_closed for relay, each in house.relays.items()},
            "load_current_ua": round(house.load_a * 1e6),
            "appliance": {
                "is_on": house.appliance.is_on,
                "power_uw": round(house.appliance.power_w * 1e6),
                "energy_uwh": round(house.appliance.energy_j / 3600e-6),
            },
            "energies": house.energies.uwh(),
        }
        for branch, trace in house.traces.items():
            truth[f"{branch}_voltage_uv"] = round(trace.voltage_v * 1e6)
            truth[f"{branch}_current_ua"] = round(trace.current_a * 1e6)
        return truth

    def _state_of(self, name: str) -> tuple[int | None, int]:
        """Return a board's process id and how often it was restarted."""
        board = self.boards.get(name)
        return (board.pid, board.restarts) if board else (None, 0)

    def _ms(self, at_s: float) -> int:
        return round((self._epoch_s + at_s) * 1000)
