"""Backups in one directory: where the next one goes; older ones than the newest few are removed."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

from hub.errors import BadInput

_OURS = re.compile(r"trueque-\d{8}T\d{6}Z\.tar\.gz")


def new_file(directory: Path, now: datetime.datetime) -> Path:
    """Return where the next backup goes. Raises BadInput when that is no directory."""
    if not directory.is_dir():
        raise BadInput(
            f"{directory} is no directory, and with --keep the backup goes into one: "
            "is the disk or stick mounted?"
        )
    return directory / f"trueque-{now.astimezone(datetime.UTC):%Y%m%dT%H%M%SZ}.tar.gz"


def drop_older(directory: Path, count: int) -> list[Path]:
    """Remove all but the newest `count` backups of that kind; other files are left alone."""
    found = sorted(path for path in directory.iterdir() if _OURS.fullmatch(path.name))
    older = found[: max(len(found) - count, 0)]
    for path in older:
        path.unlink(missing_ok=True)
    return older
