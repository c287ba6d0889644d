"""The backup that a timer makes: a site and a folder enter, the newest few files leave."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import Any

from hub import config as configuration
from hub.backup import record
from hub.backup.kept import drop_older, new_file
from hub.backup.leftovers import sweep
from hub.backup.site import back_up
from hub.errors import TruequeError


def back_up_into(data_dir: Path, folder: Path, count: int) -> tuple[Path, dict[str, Any]]:
    """Write a new backup into `folder` and keep the newest `count`; return it and its manifest.

    What came of it is written down beside the store. Raises TruequeError.
    """
    folder = folder.absolute()
    try:
        file = new_file(folder, datetime.datetime.now(datetime.UTC))
        record.refuse_own_disk(data_dir, folder)
        sweep(folder)
        manifest = back_up(configuration.load(data_dir), file)
        drop_older(folder, count)  # only now: the new one is whole
    except TruequeError as problem:
        record.note_failed(data_dir, folder, int(time.time()), str(problem))
        raise
    except OSError as problem:
        reason = f"{problem.filename or folder}: {problem.strerror}"
        record.note_failed(data_dir, folder, int(time.time()), reason)
        raise TruequeError(reason) from None
    record.note_good(data_dir, folder, int(time.time()))
    return file, manifest
