"""Two real boards on serial ports: flashed, set up and restarted over mpremote, seen by the broker.

Nothing here sees their contacts or breaks their parts: what needs that is skipped and says so.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

from tests.hil.rigs import NODES, CannotDo, Rig
from tools.board.alone import alone
from tools.board.firmware import build_for
from tools.board.flashing import flash
from tools.board.prompt import Prompt
from tools.rig import RealBoards

RELAYS = ("in", "out")


class RealLab:
    """The boards on their ports. What it writes to their flash it puts back in the end."""

    def __init__(self, boards: RealBoards, directory: Path) -> None:
        self._ports = boards.ports
        self._directory = directory
        self._before: dict[tuple[str, str], bytes | None] = {}

    async def start(self) -> None:
        """Bring all boards to this firmware with the tests' settings and start them."""
        await asyncio.to_thread(self._set_up)

    def _set_up(self) -> None:
        for node, port in self._ports.items():
            flash(port, build_for)
            with alone(port) as (prompt, _):
                for path in sorted((self._directory / node).iterdir()):
                    self._before[node, path.name] = prompt.read(path.name)
                    prompt.write(path.name, path.read_bytes())

    async def stop(self) -> None:
        """Give the boards back the settings they had."""
        await asyncio.to_thread(self._put_back)

    def _put_back(self) -> None:
        for node, port in self._ports.items():
            with alone(port) as (prompt, _):
                for (owner, path), content in self._before.items():
                    if owner == node and content is None:
                        prompt.remove(path)
                    elif owner == node:
                        prompt.write(path, content)

    def restart(self, node: str) -> None:
        """Reset a board."""
        with Prompt(self._ports[node]) as prompt:
            prompt.restart()

    def put_file(self, node: str, path: str, content: bytes) -> None:
        """Put a file into a board's flash and start it."""
        with alone(self._ports[node]) as (prompt, _):
            prompt.write(path, content)

    def __getattr__(self, name: str) -> Any:
        raise CannotDo(f"real boards: only a bench can {name.replace('_', ' ')}")


class RealRig(Rig):
    """The rig with real boards. Relays are seen as boards tell of them, when that arrives."""

    def __init__(self, directory: Path, boards: RealBoards) -> None:
        self._boards = boards
        self.broker_host = self.listen = boards.host
        self.wifi = (boards.wifi_ssid, boards.wifi_password)
        super().__init__(directory)

    def _build_lab(self) -> RealLab:
        return RealLab(self._boards, self.directory)

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def report(self) -> dict[str, Any]:
        raise CannotDo("real boards: only a bench knows the truth about currents and contacts")

    def house(self, node: str) -> dict[str, Any]:
        """Return what the board itself told last."""
        status, reading = self.hub.last(node, "status"), self.hub.last(node, "reading")
        boots = [each for each in self.hub.all(node, "event") if each["code"] == "boot"]
        return {
            "relays": {relay: status["relay"] == relay for relay in RELAYS},
            "bus_voltage_uv": reading["bus_voltage_uv"] or 0,
            "restarts": len(boots),
        }

    def all_edges(self) -> list[tuple[int, str, str, bool]]:
        edges = []
        closed = {(node, relay): False for node in NODES for relay in RELAYS}
        for at_ms, node, kind, record in list(self.hub.arrivals):
            for relay in RELAYS if kind == "status" else ():
                is_closed = record["relay"] == relay
                if closed[node, relay] != is_closed:
                    closed[node, relay] = is_closed
                    edges.append((at_ms, node, relay, is_closed))
        return edges
