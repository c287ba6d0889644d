"""The archive: a directory of files enters, one file leaves, and the other way round, checked.

A gzipped tar whose first member, `manifest.json`, names every other with size, mode and SHA-256.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from hub.backup.leftovers import FRESH, held
from hub.errors import BadInput, TruequeError
from hub.kept_file import sync_directory

FORMAT = 1
MANIFEST = "manifest.json"
MOST_MANIFEST_BYTES = 64_000_000
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK}
CHUNK_BYTES = 1 << 20
COMPRESSION = 3  # a Pi's SD card is slower than this, and its processor slower than more


class DamagedBackup(BadInput):
    """An archive that is not what was written."""


def pack(source: Path, target: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Pack all files under `source` into `target` (mode 0600, all of it or none).

    Return the manifest: `facts` and the files. Raises BadInput when the target exists.
    """
    if target.exists():
        raise BadInput(f"{target} exists already; a backup is never overwritten: name another file")
    files = [_entry(path, source) for path in sorted(source.rglob("*")) if path.is_file()]
    manifest = {"format": FORMAT, **facts, "files": files}
    fresh = target.with_name(target.name + FRESH)
    fresh.unlink(missing_ok=True)
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file, held(fresh):
            _write(file, source, manifest)
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(fresh, target)
    except FileExistsError:
        raise BadInput(f"{target} exists already; name another file") from None
    except OSError as problem:
        raise TruequeError(
            f"{target} was not written: {problem.strerror}; nothing is left of it"
        ) from None
    finally:
        fresh.unlink(missing_ok=True)
    sync_directory(target.parent)
    return manifest


def read_manifest(path: Path) -> dict[str, Any]:
    """Return an archive's manifest. Raises BadInput, DamagedBackup."""
    with _opened(path) as archive:
        return _manifest(archive, path)


def unpack(path: Path, target: Path) -> dict[str, Any]:
    """Unpack into a new directory `target`, checking every file; return the manifest.

    Raises BadInput or DamagedBackup, and then leaves no directory.
    """
    target.mkdir(mode=0o700)
    try:
        with _opened(path) as archive:
            manifest = _manifest(archive, path)
            left = {entry["path"]: entry for entry in manifest["files"]}
            needed = sum(entry["size"] for entry in manifest["files"])
            free = shutil.disk_usage(target).free
            if needed > free:
                raise BadInput(f"{target.parent}: {needed} bytes are needed, {free} are free")
            while (member := archive.next()) is not None:
                entry = left.pop(member.name, None)
                if entry is None:
                    raise DamagedBackup(f"{path}: {member.name!r} is not in its manifest")
                _extract(archive, member, entry, target, path)
            if left:
                raise DamagedBackup(f"{path}: {min(left)!r} and perhaps more is missing")
        return manifest
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _put_in_place(fresh: Path, target: Path) -> None:
    """Give a whole file its name. Raises FileExistsError when somebody made it meanwhile."""
    try:
        os.link(fresh, target)  # fails, unlike a rename, when the name is taken
    except OSError as problem:
        if problem.errno not in NO_LINKS:
            raise
        # FAT and exFAT: the name is taken first, empty, then what it names is replaced.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            os.replace(fresh, target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise


# Writing ----------------------------------------------------------------------------------------


def _entry(path: Path, source: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    stat = path.stat()
    name = path.relative_to(source).as_posix()
    return {"path": name, "size": stat.st_size, "mode": stat.st_mode & 0o700, "sha256": digest}


def _write(file: IO[bytes], source: Path, manifest: dict[str, Any]) -> None:
    with tarfile.open(
        fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT, compresslevel=COMPRESSION
    ) as archive:
        text = json.dumps(manifest, indent=1).encode()
        _add(archive, MANIFEST, io.BytesIO(text), len(text))
        for entry in manifest["files"]:
            with (source / entry["path"]).open("rb") as content:
                _add(archive, entry["path"], content, entry["size"])


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    archive.addfile(member, content)


# Reading ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        # A stream: what comes first is read first, and nothing is trusted to seek.
        with tarfile.open(path, "r|gz") as archive:
            yield archive
    except FileNotFoundError:
        raise BadInput(f"{path} does not exist") from None
    except (tarfile.TarError, EOFError, OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise DamagedBackup(f"{path} is no backup, or is damaged: {reason}") from None


def _manifest(archive: tarfile.TarFile, path: Path) -> dict[str, Any]:
    member = archive.next()
    if member is None or member.name != MANIFEST or member.size > MOST_MANIFEST_BYTES:
        raise DamagedBackup(f"{path} is no backup of Trueque: it does not begin with {MANIFEST}")
    content = archive.extractfile(member)
    found = json.loads(content.read()) if content is not None else None
    if not isinstance(found, dict) or not isinstance(found.get("format"), int):
        raise DamagedBackup(f"{path}: its {MANIFEST} is damaged")
    if found["format"] > FORMAT:
        raise BadInput(f"{path} was made by a newer Trueque; update this program first")
    if not all(map(_is_entry, found.get("files") or [None])):
        raise DamagedBackup(f"{path}: its {MANIFEST} is damaged")
    return found


def _is_entry(entry: object) -> bool:
    """Tell whether an entry is well-formed, and stays inside the directory."""
    if not isinstance(entry, dict):
        return False
    name, size, mode = (entry.get(one) for one in ("path", "size", "mode"))
    if not (isinstance(name, str) and isinstance(size, int) and isinstance(mode, int)):
        return False
    parts = PurePosixPath(name)
    is_inside = not parts.is_absolute() and ".." not in parts.parts and name == str(parts)
    return is_inside and size >= 0 and isinstance(entry.get("sha256"), str)


def _extract(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    entry: dict[str, Any],
    target: Path,
    path: Path,
) -> None:
    content = archive.extractfile(member) if member.isreg() else None
    if content is None or member.size != entry["size"]:
        raise DamagedBackup(f"{path}: {member.name!r} is not what was written")
    where = target / entry["path"]
    where.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    descriptor = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    where.chmod(entry["mode"] & 0o700 | 0o600)
    if digest.hexdigest() != entry["sha256"]:
        raise DamagedBackup(f"{path}: {member.name!r} is not what was written: its hash differs")
