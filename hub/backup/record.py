"""How the nightly backups went: each night's outcome enters, a sentence about trouble leaves.

A file beside the store, which the backup may write, and doctor and alarms read, while the hub runs.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hub.errors import BadInput
from hub.kept_file import OPEN, write_whole

FILE_NAME = "backups.json"
TOO_OLD_S = 48 * 3600


def begin(data_dir: Path, folder: Path, now_s: int) -> None:
    """Expect a backup in that folder from now on, each night. Raises OSError."""
    known = read(data_dir)
    kept = known if known.get("folder") == str(folder) else {}
    fresh = {"folder": str(folder), "since_s": now_s, **_disk(data_dir, folder)}
    _write(data_dir, {**fresh, **kept})


def end(data_dir: Path) -> None:
    """Expect none any more."""
    (data_dir / FILE_NAME).unlink(missing_ok=True)


def refuse_own_disk(data_dir: Path, folder: Path) -> None:
    """Refuse a folder whose disk is not there tonight, so that the hub's own does not fill up.

    An empty directory stays where a stick was mounted. Raises BadInput.
    """
    known = read(data_dir)
    is_same = known.get("folder") == str(folder)
    if is_same and known.get("is_own_disk") is False and _disk(data_dir, folder)["is_own_disk"]:
        raise BadInput(
            f"{folder} is on the hub's own disk now, its backups went to another: is the disk or "
            f"stick mounted? If they shall stay here, remove {data_dir / FILE_NAME}"
        )


def note_good(data_dir: Path, folder: Path, now_s: int) -> None:
    """Write down that a backup is whole."""
    known = read(data_dir)
    _note(data_dir, {"folder": str(folder), "since_s": known.get("since_s", now_s),
                     "good_s": now_s, **_disk(data_dir, folder)})  # fmt: skip


def note_failed(data_dir: Path, folder: Path, now_s: int, reason: str) -> None:
    """Write down why there is none of tonight; one into another folder was made by hand."""
    known = {"folder": str(folder), "since_s": now_s, **read(data_dir)}
    if known["folder"] == str(folder):
        _note(data_dir, {**known, "failed_s": now_s, "reason": reason})


def read(data_dir: Path) -> dict[str, Any]:
    """Return what was written down; nothing when no nightly backups are expected."""
    try:
        found = json.loads((data_dir / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("since_s"), int) else {}


def trouble(data_dir: Path, now_s: float) -> str | None:
    """Return what is wrong with the nightly backups, None when nothing is, or none is expected."""
    known = read(data_dir)
    if not known:
        return None
    if "failed_s" in known:
        return f"the last nightly backup failed: {known.get('reason')}"
    age_s = now_s - newest_s(known)
    if age_s > TOO_OLD_S:
        return f"there was no nightly backup for {age_s / 3600:.0f} hours"
    return None


def newest_s(known: Mapping[str, Any]) -> int:
    """Return when the newest was made, or when the first was expected."""
    at_s: int = known.get("good_s", known["since_s"])
    return at_s


def _disk(data_dir: Path, folder: Path) -> dict[str, bool]:
    return {"is_own_disk": folder.stat().st_dev == data_dir.stat().st_dev}


def _note(data_dir: Path, known: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # the backup itself counts; its age tells the rest
        _write(data_dir, known)


def _write(data_dir: Path, known: dict[str, Any]) -> None:
    write_whole(data_dir / FILE_NAME, json.dumps(known, indent=1) + "\n", OPEN)
