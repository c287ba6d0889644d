"""A prompt in, what stands on the board out: MicroPython, firmware, node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tools.board.errors import BoardError
from tools.board.prompt import Prompt

MAINTENANCE = "maintenance"
MINIMUM = (1, 28)
"""The oldest MicroPython that the firmware was run on."""
KINDS = {  # by what MicroPython calls the machine: (name, board of the download page, chip)
    "Raspberry Pi Pico W with": ("Pico W", "RPI_PICO_W", "rp2040"),
    "Raspberry Pi Pico 2 W with": ("Pico 2 W", "RPI_PICO2_W", "rp2350"),
    "W5500-EVB-Pico with": ("W5500-EVB-Pico", "W5500_EVB_PICO", "rp2040"),
    "linux": ("virtual", "", "virtual"),
}
ARCHITECTURES = (
    None, "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp",
)  # fmt: skip
"""By number in `sys.implementation._mpy`, as mpy-cross names them (py/persistentcode.h)."""

SELECT = """
try:
    import launcher
    launcher.select()
except ImportError: pass
"""
"""Lets imports find the firmware that runs, be it one that came over the air."""

_LOOK = """
import json, os, sys
r = {"version": list(sys.implementation.version[:3]), "machine": sys.implementation._machine,
    "mpy": getattr(sys.implementation, "_mpy", 0), "root": os.listdir(), "node": None}
try:
    with open("settings.json") as f: r["node"] = json.load(f)["node"]
except (OSError, ValueError, KeyError, TypeError): pass
try:
    from node.version import FIRMWARE
    r["firmware"] = FIRMWARE
except Exception: r["firmware"] = None  # a damaged module may raise anything
r["waits"] = False
for n in ("main.py", "launcher.py", "launcher.mpy"):
    try:
        with open(n, "rb") as f: r["waits"] = r["waits"] or b"maintenance" in f.read()
    except OSError: pass
try:
    import machine
    r["id"] = "".join("%02x" % b for b in machine.unique_id())
except (ImportError, AttributeError): r["id"] = ""
print(json.dumps(r))
"""


@dataclass(frozen=True)
class BoardState:
    """`firmware` and `node` are None on a board without. `files`: names in its root."""

    machine: str
    micropython: tuple[int, ...]
    mpy: int
    firmware: str | None
    node: str | None
    unique_id: str
    files: tuple[str, ...]
    can_wait: bool

    @property
    def kind(self) -> str:
        """What it is, in the words of its box."""
        return self._known[0]

    @property
    def download_name(self) -> str:
        """Its name on MicroPython's download page, "" for what has none."""
        return self._known[1]

    @property
    def chip(self) -> str:
        """rp2040, rp2350 or virtual. Raises BoardError for a board the firmware is not for."""
        if not self._known[2]:
            raise BoardError(
                f"this is {self.machine!r}; the firmware is for Pico W, Pico 2 W and W5500-EVB-Pico"
            )
        return self._known[2]

    @property
    def _known(self) -> tuple[str, str, str]:
        for start, known in KINDS.items():
            if self.machine.startswith(start):
                return known
        return self.machine, "", ""

    @property
    def micropython_text(self) -> str:
        """Its version as people write it."""
        return ".".join(str(part) for part in self.micropython)

    @property
    def architecture(self) -> str | None:
        """For which native code mpy-cross must compile."""
        number = self.mpy >> 10 & 0xF
        return ARCHITECTURES[number] if number < len(ARCHITECTURES) else None

    @property
    def bytecode(self) -> str:
        """The version of compiled files it reads, such as 6.3."""
        return f"{self.mpy & 0xFF}.{self.mpy >> 8 & 3}"

    @property
    def is_waiting(self) -> bool:
        """A tool has begun to change it and did not end."""
        return MAINTENANCE in self.files

    @property
    def has_program(self) -> bool:
        """Something starts when it does."""
        return "main.py" in self.files


def look(prompt: Prompt) -> BoardState:
    """Return what stands on the board."""
    found: dict[str, Any] = prompt.ask(_LOOK)
    return BoardState(
        machine=found["machine"],
        micropython=tuple(found["version"]),
        mpy=found["mpy"],
        firmware=found["firmware"],
        node=found["node"],
        unique_id=found["id"],
        files=tuple(found["root"]),
        can_wait=found["waits"] or "main.py" not in found["root"],
    )
