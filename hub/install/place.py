"""Where the service's things are on the machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

BACKUPS_DIR = Path("/var/backups/trueque")


@dataclass(frozen=True)
class Place:
    """Where things are on the machine; all absolute."""

    data_dir: Path
    program: Path  # the `trueque` command
    user: str
    backups_dir: Path = BACKUPS_DIR
