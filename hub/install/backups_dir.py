"""Where the nightly backups go: a directory enters, the service's own leaves, or a refusal."""

from __future__ import annotations

import contextlib
import os
import pwd
import time
from pathlib import Path

from hub.backup import record
from hub.errors import BadInput, TruequeError
from hub.install.place import BACKUPS_DIR, Place

MOUNTED_AT = (Path("/media"), Path("/mnt"), Path("/run/media"))


def refuse_absent(place: Place) -> None:
    """Refuse a disk or stick that is not there: backups would fill the hub's own. BadInput."""
    folder = place.backups_dir
    if folder != BACKUPS_DIR and not folder.is_dir():
        raise BadInput(
            f"--backups {folder} does not exist: is the disk or stick mounted? Then make the "
            "directory there first"
        )
    mounts = [root for root in MOUNTED_AT if folder.is_relative_to(root)]
    inside = [path for path in (folder, *folder.parents)
              if any(path.is_relative_to(root) for root in mounts)]  # fmt: skip
    if inside and not any(map(os.path.ismount, inside)):
        raise BadInput(f"--backups {folder}: no disk or stick is mounted there")


def hand_over(place: Place, account: pwd.struct_passwd) -> None:
    """Give the directory to the service's account, and expect a backup each night.

    Raises TruequeError when its disk keeps no owners and is another's.
    """
    folder = place.backups_dir
    folder.mkdir(parents=True, exist_ok=True)
    try:
        os.chown(folder, account.pw_uid, account.pw_gid)
    except PermissionError:
        if folder.stat().st_uid != account.pw_uid:
            raise TruequeError(
                f"{folder} is on a disk that keeps no owners (FAT, exFAT): mount it as "
                f"{place.user}'s, with the options uid={place.user},gid={place.user},umask=077, "
                "then install again"
            ) from None
    with contextlib.suppress(PermissionError):
        folder.chmod(0o700)  # backups hold the site's keys
    record.begin(place.data_dir, folder, int(time.time()))
