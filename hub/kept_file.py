"""A file that is there whole or as it was, whenever the power goes: its content enters."""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE, OPEN = 0o600, 0o666  # less what the umask takes


def write_whole(path: Path, content: str | bytes, mode: int = PRIVATE) -> None:
    """Make or replace a file in one step that outlives a power cut. Raises OSError.

    It has its mode from its first byte on. Without the first fsync its name could be on the disk
    before what it names, without the second neither.
    """
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Have the names in a directory outlive a power cut. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
