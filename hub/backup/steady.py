"""A steady copy of the chain's database: a directory that is being written enters, a copy leaves.

Ganache keeps its chain in LevelDB: table files that are never changed once they are whole, and a
log that only grows. So files that were copied while no file came, went or was rewritten are a
state that a power cut could have left, and LevelDB opens those: it drops what is unfinished at
the log's end. Nothing is frozen for it, for whoever is killed while the chain is frozen would
leave it so.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from hub.errors import TruequeError

TRIES = 50
PAUSE_S = 0.1  # for a compaction to end, of which LevelDB tells nobody
GROWING = ".log"
LEFT_OUT = ("LOCK", "LOG", "LOG.old")  # LevelDB's own lock and chatter

Listing = dict[str, tuple[int, int, int]]


class NeverSteady(TruequeError):
    """A directory that was rewritten during every try at copying it."""


def copy_steady(
    source: Path, target: Path, pause: Callable[[], None] = lambda: time.sleep(PAUSE_S)
) -> None:
    """Copy a LevelDB directory while its owner writes. Raises NeverSteady, OSError."""
    for _ in range(TRIES):
        shutil.rmtree(target, ignore_errors=True)
        before = _listing(source)
        try:
            for name in before:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / name, target / name)
        except FileNotFoundError:  # a compaction took it
            pause()
            continue
        if _is_same(before, _listing(source)):
            return
        pause()
    shutil.rmtree(target, ignore_errors=True)
    raise NeverSteady(
        f"{source}: the chain rewrote its files during {TRIES} tries at copying them; try again "
        "when fewer trades are made, or stop the hub first"
    )


def _listing(directory: Path) -> Listing:
    """Return inode, size and time of change of every file; the log's count as they will be."""
    found: Listing = {}
    for path in sorted(directory.rglob("*")):
        if path.name in LEFT_OUT or not path.is_file():
            continue
        stat = path.stat()
        found[str(path.relative_to(directory))] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return found


def _is_same(before: Listing, after: Listing) -> bool:
    if before.keys() != after.keys():
        return False
    for name, (inode, size, changed_ns) in before.items():
        now = after[name]
        # MANIFEST only grows, too, but names table files: one more line may name one not copied.
        is_good = now[0] == inode and (
            now[1] >= size if name.endswith(GROWING) else now == (inode, size, changed_ns)
        )
        if not is_good:
            return False
    return True
