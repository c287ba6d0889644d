"""Backup and restore of a whole site: its directory and store enter, an archive leaves, and back.

The store is copied first and the chain after it. So the store may be older than the chain in the
archive, never newer, and the hub that takes over follows the chain to its end before it acts.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import tempfile
import time
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import tomli_w

from hub import config as configuration
from hub.backup import archive, record
from hub.backup.leftovers import STAGING, held
from hub.backup.steady import copy_steady
from hub.config import SiteConfig
from hub.errors import BadInput, TruequeError
from hub.store import Store
from hub.store.place import StoreUrl
from hub.store.sqlite import SqliteBackend
from hub.store.summary import summary
from hub.store.transfer import copy_rows

CHAIN = "chain"
STORE = "store.db"
RESTORED = "restored"  # name of what the store remembers of it
# What a hub makes anew, what concerns this machine only, and what is copied in its own way.
LEFT_OUT = {record.FILE_NAME, "hub.json", "hub.lock", "bench.lock", "log", CHAIN}
LEFT_OUT_ENDINGS = (".new", ".sock", ".pid", "mosquitto.db")
EPOCHS_FROM = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def back_up(config: SiteConfig, target: Path) -> dict[str, Any]:
    """Write a site's backup, running or not; return the manifest.

    Raises BadInput, StoreError, NeverSteady, or TruequeError when it cannot be written.
    """
    try:
        target = target.resolve()
        if not target.parent.exists():  # a stick that is not there must not become the hub's card
            raise BadInput(f"{target.parent} does not exist: is the disk or stick mounted?")
        staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=target.parent))
    except OSError as problem:
        raise TruequeError(f"{target}: {problem.strerror}") from None
    try:
        with held(staging):
            facts = _stage(config, staging, target)
            return archive.pack(staging, target, facts)
    except OSError as problem:
        raise TruequeError(f"{target} was not written: {problem.strerror}") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _stage(config: SiteConfig, staging: Path, target: Path) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "trueque": metadata.version("trueque"),
        "site": config.site.name,
        "created_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "store": None,
        "has_chain": False,
    }
    if config.store_path.exists():
        facts["store"] = _stage_store(config, staging / STORE)
    chain = config.data_dir / CHAIN
    if chain.is_dir():
        copy_steady(chain, staging / CHAIN)
        facts["has_chain"] = True
    for path in _own_files(config.data_dir, {staging, target}):
        where = staging / path.relative_to(config.data_dir)
        where.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(path, where)
            with contextlib.suppress(PermissionError):  # FAT, of whose files another is the owner
                shutil.copymode(path, where)
        except FileNotFoundError:
            continue  # replaced while we looked: its successor has the same name or none
    return facts


def _stage_store(config: SiteConfig, target: Path) -> dict[str, Any]:
    """Copy the store as it stands: one of an older program is still its hub's."""
    if isinstance(config.store_path, StoreUrl):
        _fetch_from_server(config.store_path, target)
    else:
        SqliteBackend(config.store_path).copy_to(target)
    return summary(target)


def _fetch_from_server(url: StoreUrl, target: Path) -> None:
    store = Store.join(url)
    try:
        copy = Store.open(target)
        try:
            copy_rows(store, copy)
        finally:
            copy.close()
    finally:
        store.close()


def _own_files(data_dir: Path, leave_out: set[Path]) -> list[Path]:
    """Return the site's files except those that are copied otherwise or made anew."""
    found = []
    for path in sorted(data_dir.rglob("*")):
        inside = path.relative_to(data_dir)
        is_ours = inside.parts[0] not in LEFT_OUT and not inside.parts[0].startswith(STORE)
        is_copied = not leave_out.isdisjoint({path, *path.parents})
        is_lasting = not path.name.endswith(LEFT_OUT_ENDINGS)
        if is_ours and is_lasting and not is_copied and path.is_file() and not path.is_symlink():
            found.append(path)
    return found


# Restoring --------------------------------------------------------------------------------------


def restore(
    source: Path, data_dir: Path, now_s: float | None = None, store_url: str | None = None
) -> dict[str, Any]:
    """Make a site in the new directory `data_dir` from a backup; return the manifest.

    `store_url` replaces the site's own, empty for a file. Its hub will begin an epoch above all
    that the old one can have begun. Raises BadInput, DamagedBackup or StoreError, and then
    `data_dir` is as it was.
    """
    data_dir = data_dir.resolve()
    if data_dir.exists() and (not data_dir.is_dir() or any(data_dir.iterdir())):
        raise BadInput(
            f"{data_dir} is not empty; a restore overwrites nothing: move it away, or choose "
            "another --data"
        )
    fresh = data_dir.with_name(f".{data_dir.name}.restoring-{os.getpid()}")
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
        manifest = archive.unpack(source, fresh)
    except OSError as problem:
        raise TruequeError(f"{data_dir}: {problem.strerror}") from None
    try:
        if store_url is not None:
            _point_to(fresh / configuration.FILE_NAME, store_url)
        config = configuration.load(fresh)
        if manifest["store"] is not None:
            _take_over(fresh / STORE, manifest, time.time() if now_s is None else now_s)
            if isinstance(config.store_path, StoreUrl):
                _bring_to_server(fresh / STORE, config.store_path)
        if data_dir.exists():
            data_dir.rmdir()
        os.replace(fresh, data_dir)
        return manifest
    except OSError as problem:
        raise TruequeError(f"{data_dir}: {problem.strerror}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _take_over(path: Path, manifest: dict[str, Any], now_s: float) -> None:
    store = Store.open(path)
    try:
        store.check_whole()
        store.raise_epoch(restored_epoch(store.state("epoch") or 0, now_s))
        store.set_state(RESTORED, {"made_at": manifest["created_at"], "at_s": round(now_s)})
    finally:
        store.close()


def _point_to(path: Path, url: str) -> None:
    """Write another store into site.toml."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    table.setdefault("store", {})["url"] = url
    path.write_text(tomli_w.dumps(table), encoding="utf-8")


def _bring_to_server(path: Path, url: StoreUrl) -> None:
    """Put the backup's store into the database that the site is configured for."""
    target, source = Store.open(url), Store.open(path)
    try:
        if target.state("epoch") is not None:
            raise BadInput(
                f"{target.backend.place} holds a store already; a restore overwrites nothing: make "
                "a new database and name it with --store"
            )
        copy_rows(source, target)
    finally:
        source.close()
        target.close()
    for leftover in path.parent.glob(f"{path.name}*"):
        leftover.unlink()


def restored_epoch(epoch: int, now_s: float) -> int:
    """Return the epoch above which a restored hub begins.

    The old hub may have begun any number of epochs after the backup, and so may another restore
    of it: deliveries of the same epoch would have the same ids. Minutes since 2020 are above both;
    a machine whose clock is far behind is told by the boards (`hear_epoch`).
    """
    return max(epoch, int(now_s - EPOCHS_FROM.timestamp()) // 60)
