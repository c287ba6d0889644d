"""A command whose time, and that of all it starts, goes by more slowly: emulated boards may lag.

`python -m tools.emulation.slow_clock 0.15 -- bash guide.sh`: broker, chain, hub and the emulator's
pace then live in the boards' time, so that nothing times out only because this machine is slow.
The clocks are those of the C library, replaced by `slow_clock.c`. libfaketime 0.9.10, which Debian
12 has, does not know `sem_clockwait`, by which Python's threads wait: they wait for ever.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import click

SOURCE = Path(__file__).with_name("slow_clock.c")
CACHE = Path.home() / ".cache" / "trueque"
FLAGS = ("-O2", "-shared", "-fPIC")


class NoCompiler(Exception):
    """This machine can't make the library; the text says why."""


def library(directory: Path = CACHE) -> Path:
    """Compile the library, unless that was done, and return its path. Raises NoCompiler."""
    made = directory / "slow_clock.so"
    if made.exists() and made.stat().st_mtime >= SOURCE.stat().st_mtime:
        return made
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        raise NoCompiler("a C compiler on Linux is needed; on Debian: apt install gcc libc6-dev")
    directory.mkdir(parents=True, exist_ok=True)
    half_made = made.with_suffix(f".{os.getpid()}")
    done = subprocess.run(
        [compiler, *FLAGS, "-o", str(half_made), str(SOURCE)], capture_output=True, text=True
    )
    if done.returncode:
        half_made.unlink(missing_ok=True)
        raise NoCompiler(f"cc does not compile {SOURCE.name}: {done.stderr.strip()}")
    half_made.replace(made)
    return made


def environment(rate: float, compiled: Path) -> dict[str, str]:
    """Return what a process needs for clocks that go on at `rate` of their speed from now on."""
    return {
        **os.environ,
        "LD_PRELOAD": str(compiled),
        "TRUEQUE_CLOCK_RATE": str(rate),
        "TRUEQUE_CLOCK_REAL_NS": str(time.time_ns()),
        "TRUEQUE_CLOCK_STEADY_NS": str(time.monotonic_ns()),
    }


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("rate", type=click.FloatRange(0.001, 1))
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def main(rate: float, command: tuple[str, ...]) -> None:
    """Run COMMAND; for it and all it starts a second lasts 1 / RATE seconds.

    Example: python -m tools.emulation.slow_clock 0.15 -- bash guide.sh
    """
    try:
        compiled = library()
        os.execvpe(command[0], command, environment(rate, compiled))
    except (NoCompiler, OSError) as problem:
        raise click.ClickException(str(problem)) from None


if __name__ == "__main__":
    main()
