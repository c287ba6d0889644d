"""Options that choose a board in, its port out: the same for real, emulated and virtual boards."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from hub.errors import BadInput
from tools.board.ports import the_port
from tools.board.virtual_port import VirtualPort


@dataclass(frozen=True)
class Target:
    """The board to work on. `bench` is what is around it where it is virtual."""

    port: str
    bench: VirtualPort | None = None


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --port and --virtual to a command."""
    port = click.option(
        "--port", help="Serial port, or socket://HOST:PORT; needless while only one is plugged in."
    )
    virtual = click.option(
        "--virtual",
        "directory",
        type=click.Path(file_okay=False, path_type=Path),
        help="A virtual board instead: the directory that is its flash.",
    )
    return port(virtual(command))


@contextlib.contextmanager
def target(port: str | None, directory: Path | None) -> Iterator[Target]:
    """Yield the board chosen; a virtual one runs as long as the context."""
    if directory is None:
        yield Target(the_port(port))
        return
    if port is not None:
        raise BadInput("--port and --virtual exclude each other")
    if not directory.is_dir():
        raise BadInput(f"--virtual: {directory} is not a directory")
    _refuse_running(directory)
    with VirtualPort(directory) as bench:
        yield Target(bench.path, bench)


def _refuse_running(directory: Path) -> None:
    """Raise BadInput while a bench (./tools/run) runs this board: two would share one flash."""
    lock = directory.resolve().parents[1] / "bench.lock"
    try:
        file = lock.open()
    except OSError:
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(f"--virtual: a bench runs with {directory}; end it first") from None
