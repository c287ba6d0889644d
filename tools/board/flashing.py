"""A firmware and a board in; the board runs that firmware, wherever the work was cut before.

In this order: the mark that lets no node start, boot.py (relays), main.py (honours the mark), what
main.py starts, what is stale out, every hash read back, packages that came over the air out, the
mark out. Each file is whole or as it was: cut after any step, the board starts nothing, its relays
are open, and the same command goes on where it stopped.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tools.board.alone import UNTIL_DONE, let_run
from tools.board.errors import BoardError, NoSpace
from tools.board.firmware import Firmware
from tools.board.prompt import Prompt
from tools.board.state import MAINTENANCE, BoardState, look

BLOCK_BYTES = 4096
DIRECTORIES = ("node", "wire")
"""Wholly the firmware's: what is in them and not in it is stale."""
FROM_AIR = ("firmware-a.trq", "firmware-b.trq", "boots.new", "boots.0", "boots.1")
"""What updates over the air left: the launcher would run that instead. The record goes last."""

_LIST = """
import binascii, hashlib, os
def walk(d):
    for e in list(os.ilistdir(d) if d else os.ilistdir()):
        p = d + "/" + e[0] if d else e[0]
        if e[1] & 0x4000:
            if p.split("/")[0] in %r: walk(p)
        elif d or p.endswith((".py", ".mpy", ".part")):
            h = hashlib.sha256()
            with open(p, "rb") as f:
                while True:
                    b = f.read(512)
                    if not b: break
                    h.update(b)
            print(p, binascii.hexlify(h.digest()).decode())
walk("")
"""
_FREE = "import os\ns = os.statvfs('.')\nprint(s[0] * s[3])"
_MAKE = "import os\nfor d in %r:\n try: os.mkdir(d)\n except OSError: pass"


@dataclass(frozen=True)
class Plan:
    """What differs: `write` in order, `remove`."""

    write: tuple[str, ...]
    remove: tuple[str, ...]
    bytes: int

    @property
    def is_empty(self) -> bool:
        """The board has it all."""
        return not self.write and not self.remove


@dataclass(frozen=True)
class Progress:
    """Whom to tell: how much there is, then each piece, then sentences."""

    begin: Callable[[int], None] = lambda total: None
    sent: Callable[[int], None] = lambda count: None
    say: Callable[[str], None] = lambda sentence: None


def compare(firmware: Firmware, found: dict[str, str]) -> Plan:
    """Plan how a board with files `found` {path: hash} becomes one with `firmware`."""
    write = [path for path, digest in firmware.hashes.items() if found.get(path) != digest]
    remove = [path for path in found if path not in firmware.files and _is_stale(path, firmware)]
    size = sum(len(firmware.files[path]) for path in write)
    return Plan(tuple(write), tuple(remove), size)


def _is_stale(path: str, firmware: Firmware) -> bool:
    """In the firmware's directories all is, in the root what would be imported in its place."""
    if "/" in path or path.endswith(".part"):
        return True
    name = path.rpartition(".")[0]
    return f"{name}.py" in firmware.files or f"{name}.mpy" in firmware.files


def hashes_on(prompt: Prompt) -> dict[str, str]:
    """Return {path: SHA-256} of the program files on a board."""
    lines = prompt.run(_LIST % (DIRECTORIES,), timeout_s=60).splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if line)


def flash(
    port: str, build: Callable[[BoardState], Firmware], progress: Progress = Progress()
) -> tuple[BoardState, Plan]:
    """Bring a board to the firmware that `build` makes for it and start it.

    Returns what was there and what was changed. Raises BoardError; then the board starts nothing
    until this has been done again.
    """
    with Prompt(port) as prompt:
        state = look(prompt)
        firmware = build(state)
        with _waiting(prompt, state, firmware):
            plan = compare(firmware, hashes_on(prompt))
            progress.begin(plan.bytes)
            _remove(prompt, plan)
            _check_space(prompt, firmware, plan)
            _write(prompt, firmware, plan, progress)
            if not plan.is_empty:
                progress.say("reading every file back")
                _check_written(prompt, firmware)
            prompt.remove(*FROM_AIR)
        return state, plan


@contextlib.contextmanager
def _waiting(prompt: Prompt, state: BoardState, firmware: Firmware) -> Iterator[None]:
    """Keep the board from starting anything while its files change, then let it run."""
    if not state.can_wait:
        # A strange program, or one too old to honour the mark: it must not start on half of this.
        prompt.write("boot.py", firmware.files["boot.py"])
        prompt.remove("main.py")
    prompt.write(MAINTENANCE, UNTIL_DONE)
    if state.has_program:
        prompt.reset()
    yield
    let_run(prompt)


def _remove(prompt: Prompt, plan: Plan) -> None:
    if plan.remove:
        prompt.remove(*plan.remove)


def _check_space(prompt: Prompt, firmware: Firmware, plan: Plan) -> None:
    """Raise NoSpace before anything is half written. A file's old version goes after the new."""
    free = int(prompt.run(_FREE))
    needed = sum(_on_flash(len(firmware.files[path])) for path in plan.write)
    if needed > free:
        raise NoSpace(
            f"{prompt.port}: the firmware needs {needed // 1024} kB of the board's flash and "
            f"{free // 1024} kB are free; remove files that are not Trueque's: "
            f"mpremote connect {prompt.port} fs ls"
        )


def _on_flash(size: int) -> int:
    return (size + BLOCK_BYTES - 1) // BLOCK_BYTES * BLOCK_BYTES


def _write(prompt: Prompt, firmware: Firmware, plan: Plan, progress: Progress) -> None:
    directories = sorted({path.rpartition("/")[0] for path in plan.write} - {""})
    prompt.run(_MAKE % (directories,))
    for path in plan.write:
        prompt.write(path, firmware.files[path], progress.sent)


def _check_written(prompt: Prompt, firmware: Firmware) -> None:
    """Compare what the flash holds with what was sent."""
    left = compare(firmware, hashes_on(prompt))
    if not left.is_empty:
        names = ", ".join((*left.write, *left.remove))
        raise BoardError(f"{prompt.port}: not as written: {names}; run this again")
