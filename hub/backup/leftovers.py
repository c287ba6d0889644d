"""What a backup that was cut off left: a directory enters, without it leaves."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

STAGING = ".trueque-backup-"
FRESH = ".new"
_ARCHIVE = re.compile(r"trueque-\d{8}T\d{6}Z\.tar\.gz")


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a file or directory as that of a living process; it lets go however it ends."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: then it may be swept
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def sweep(directory: Path) -> list[Path]:
    """Remove what no living process holds; other files are left alone. Raises OSError."""
    found = [path for path in sorted(directory.iterdir()) if _is_leftover(path)]
    swept = [path for path in found if not _is_held(path)]
    for path in swept:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):  # another's: no reason to make no backup
                path.unlink()
    return swept


def _is_leftover(path: Path) -> bool:
    if path.is_symlink():
        return False
    if path.is_dir():
        return path.name.startswith(STAGING)
    if _ARCHIVE.fullmatch(path.name):  # the name taken, and the power cut before what it names
        return path.stat().st_size == 0
    return path.name.endswith(FRESH) and bool(_ARCHIVE.fullmatch(path.name[: -len(FRESH)]))


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # another's
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
